"""The configuration of the project that is found holds, wherever `chainops run` is started."""

from __future__ import annotations

from pathlib import Path

import pytest

from chainops.app.config import load_config
from chainops.app.config_file import find_config
from chainops.app.init import ConfigExistsError, write_config
from chainops.app.library import Pipeline
from chainops.project.errors import NoProjectError


def mono(root: Path, *projects: str) -> Path:
    for name in projects:
        (root / name).mkdir(parents=True)
        (root / name / "foundry.toml").touch()
        (root / name / "chainops.yaml").write_text(f"project_name: {Path(name).name}\n")
    return root


def test_the_only_projects_config_is_used_from_above(tmp_path: Path) -> None:
    loaded = load_config(mono(tmp_path, "mono/pkg"), env={})
    assert loaded.path == tmp_path / "mono/pkg/chainops.yaml"
    assert loaded.workspace == tmp_path
    assert loaded.config.project_name == "pkg"
    assert loaded.document.base == tmp_path / "mono/pkg"


def test_the_workspaces_own_config_comes_first(tmp_path: Path) -> None:
    mono(tmp_path, "pkg")
    (tmp_path / "chainops.yaml").write_text("project_name: root\n")
    assert load_config(tmp_path, env={}).config.project_name == "root"


def test_of_several_projects_none_is_chosen(tmp_path: Path) -> None:
    assert find_config(mono(tmp_path, "a", "b")) is None


def test_a_project_in_the_workspace_itself_does_not_take_anothers_config(tmp_path: Path) -> None:
    mono(tmp_path, "pkg")
    (tmp_path / "foundry.toml").touch()
    assert find_config(tmp_path) is None


def test_init_writes_no_second_config_above_the_one_that_is_used(tmp_path: Path) -> None:
    mono(tmp_path, "pkg")
    with pytest.raises(ConfigExistsError, match=r"pkg/chainops\.yaml is there already"):
        write_config(tmp_path)
    assert write_config(tmp_path, force=True) == tmp_path / "pkg/chainops.yaml"
    assert not (tmp_path / "chainops.yaml").exists()
    loaded = load_config(tmp_path, env={})
    assert (loaded.config.project_name, loaded.config.path) == ("pkg", "")


async def test_without_a_project_nothing_is_made(tmp_path: Path) -> None:
    with pytest.raises(NoProjectError) as caught:
        await Pipeline({}, tmp_path).execute()
    assert (caught.value.code, caught.value.exit_code) == ("PRJ101", 2)
    assert not list(tmp_path.iterdir())
