"""`chainops init` writes a file that loads, says what was found, and overwrites nothing unasked."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from chainops.app.config import load_config
from chainops.app.init import ConfigExistsError, write_config
from chainops.project.errors import NoProjectError


def project(root: Path, name: str = "vault", inner: str = "") -> Path:
    folder = root / name
    for path, text in {
        "foundry.toml": "[profile.default]\nffi = true\n[profile.ci]\n",
        "package.json": "{}",
        "src/A.sol": "abstract contract Base {}\ncontract Vault is Base {}",
        "test/A.t.sol": "",
        "test/integration/B.t.sol": "",
    }.items():
        file = folder / inner / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return folder


@pytest.mark.parametrize(
    "name",
    ["vault", "Mein Tresor", "смарт: #1", "true", "1.5", '"quoted"', "a\\b", "tab\there", "- x", "{a}"],
)
def test_what_is_written_loads_without_a_mistake(tmp_path: Path, name: str) -> None:
    folder = project(tmp_path, name)
    loaded = load_config(folder, path=write_config(folder), env={})
    assert loaded.config.project_name == name
    assert loaded.config.target_network == "embedded"


def test_every_example_in_a_comment_loads_too(tmp_path: Path) -> None:
    folder = project(tmp_path)
    path = write_config(folder)
    text = path.read_text()
    assert text.count("\n# ") > 10
    # an example is a commented line that looks like YAML
    shown = re.sub(
        r"^( *)# (?= *(?:- )?[a-zA-Z_-]+:(?: |$))", r"\1", text.split("\n\n", 1)[1], flags=re.MULTILINE
    )
    assert shown != text
    path.write_text(shown)
    loaded = load_config(folder, env={}, resolve=False)
    config = loaded.config
    assert config.quality_gates.max_complexity_score == 10
    assert config.stage_settings()["production-deploy"].when == 'branch == "main" and not pull_request'
    assert config.environment_vars["LOG_LEVEL"] == "${LOG_LEVEL:-info}"
    assert config.networks["sepolia"].chain_id == 11155111
    assert config.foundry.profile == "default"
    assert config.deploy is not None
    assert len(config.smoke_tests) == 1


def test_the_gates_that_a_sound_project_passes_are_set(tmp_path: Path) -> None:
    folder = project(tmp_path)
    gates = load_config(folder, path=write_config(folder), env={}).config.quality_gates
    assert gates.min_test_coverage is not None
    assert gates.min_test_coverage.value == 0.8
    assert gates.max_complexity_score == 10
    assert gates.security_scan_required is True


def test_a_project_without_tests_is_asked_for_no_coverage_yet(tmp_path: Path) -> None:
    folder = project(tmp_path)
    for test in (folder / "test").rglob("*.sol"):
        test.unlink()
    gates = load_config(folder, path=write_config(folder), env={}).config.quality_gates
    assert gates.min_test_coverage is None
    assert gates.security_scan_required is True


def test_it_names_what_a_user_has_at_hand(tmp_path: Path) -> None:
    text = write_config(project(tmp_path)).read_text()
    assert "chainops config show" in text
    assert "chainops schema" in text
    assert "docs/" not in text


def test_it_says_what_it_found(tmp_path: Path) -> None:
    text = write_config(project(tmp_path)).read_text()
    assert "a Foundry project (1 sources, 2 tests, 0 scripts)" in text
    assert "others here: ci" in text
    assert "allow_ffi: false" in text
    assert "contract: Vault" in text


def test_a_monorepo_gets_the_projects_path(tmp_path: Path) -> None:
    folder = project(tmp_path, "mono", "packages/Verträge")
    loaded = load_config(folder, path=write_config(folder), env={})
    assert loaded.config.path == "packages/Verträge"


def test_nothing_is_overwritten_unasked(tmp_path: Path) -> None:
    folder = project(tmp_path)
    (folder / "chainops.yml").write_text("project_name: mine\n")
    with pytest.raises(ConfigExistsError):
        write_config(folder)
    assert (folder / "chainops.yml").read_text() == "project_name: mine\n"
    assert write_config(folder, force=True) == folder / "chainops.yml"
    assert "embedded" in (folder / "chainops.yml").read_text()


def test_a_folder_without_a_project_gets_no_file(tmp_path: Path) -> None:
    with pytest.raises(NoProjectError):
        write_config(tmp_path)
    assert not list(tmp_path.iterdir())
