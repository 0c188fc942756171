"""Real packages are installed from a real lockfile, and the example's imports all lead somewhere."""

from __future__ import annotations

import asyncio
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from chainops.artifacts.model import Artifact
from chainops.core.process import LocalProcessRunner
from chainops.pipeline.model import Outcome, StageContext, StageStatus
from chainops.project.detect import detect
from chainops.project.libraries import missing_imports
from chainops.stages.dependency_install import DependencyInstallStage
from chainops.stages.options import DependencyInstallOptions
from chainops.tools.cache import default_cache_dir
from chainops.tools.toolbox import ProvisionedToolbox

pytestmark = pytest.mark.integration

ROOT = Path(__file__).parents[2]


class NoArtifacts:
    def add_file(self, *args: Any, **kwargs: Any) -> Artifact:
        raise AssertionError

    add_bytes = add_file


def run(root: Path, source: dict[str, Any] | None = None, **options: Any) -> Outcome:
    runner = LocalProcessRunner()
    stage = DependencyInstallStage(
        runner=runner,
        toolbox=ProvisionedToolbox(cache_dir=default_cache_dir(), runner=runner),
        options=DependencyInstallOptions(**options),
    )
    outputs = {"project_root": str(root), "path": "."} | (source or {})
    context = StageContext(
        run_id="r",
        stage="dependency-install",
        attempt=1,
        workspace=root,
        scratch=root / ".chainops" / "scratch",
        marker="",
        timeout_s=300,
        log=lambda _data: None,
        upstream={"source-checkout": Outcome(status=StageStatus.SUCCESS, outputs=outputs)},
        artifacts=NoArtifacts(),
    )
    return asyncio.run(stage.run(context))


@pytest.fixture
def vault(tmp_path: Path) -> Path:
    target = tmp_path / "Übung mit Leerzeichen"
    ignored = shutil.ignore_patterns("node_modules", "out", "cache", ".chainops")
    return Path(shutil.copytree(ROOT / "examples" / "vault", target, ignore=ignored))


def test_the_example_is_installed_once_and_then_found(vault: Path) -> None:
    outcome = run(vault)
    assert outcome.status is StageStatus.SUCCESS, outcome
    assert outcome.outputs["installed"][0]["cached"] is False
    assert {x["name"]: x["version"] for x in outcome.outputs["libraries"]}[
        "@openzeppelin/contracts"
    ] == "5.7.0"
    assert run(vault).outputs["installed"][0]["cached"] is True
    shutil.rmtree(vault / "node_modules" / "@openzeppelin")
    assert run(vault).outputs["installed"][0]["cached"] is False
    assert (vault / "node_modules/@openzeppelin/contracts/package.json").is_file()


FIXTURES = ROOT / "tests" / "fixtures"


@pytest.mark.parametrize("client", ["yarn", "pnpm"])
def test_yarns_and_pnpms_lockfiles_are_installed_and_run_nothing_of_the_repository(
    tmp_path: Path, client: str
) -> None:
    import subprocess

    host = subprocess.run(
        ["npm", "config", "get", "registry"], check=True, capture_output=True, text=True
    ).stdout
    trap = "require('fs').writeFileSync(require('path').join(__dirname, 'ran'), '')"
    files = {
        "foundry.toml": '[profile.default]\nlibs = ["node_modules"]\n',
        "src/A.sol": 'import "@openzeppelin/contracts/token/ERC20/ERC20.sol";',
        "package.json": json.dumps(
            {
                "packageManager": f"{client}@3.0.0",
                "dependencies": {"@openzeppelin/contracts": "5.7.0"},
                "scripts": {"preinstall": "touch ran", "prepare": "touch ran"},
            }
        ),
        ".pnpmfile.cjs": trap,
        ".yarnrc": 'yarn-path "./evil.js"\n',
        ".yarnrc.yml": "yarnPath: ./evil.js\n",
        "evil.js": trap,
    }
    name = {"yarn": "yarn.lock", "pnpm": "pnpm-lock.yaml"}[client]
    files[name] = (FIXTURES / client / name).read_text().replace("HOST", host.strip())
    for path, text in files.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text)
    outcome = run(tmp_path)
    assert outcome.status is StageStatus.SUCCESS, outcome
    row = outcome.outputs["installed"][0]
    assert (row["client"], row["packages"], row["cached"]) == (client, 1, False)
    assert run(tmp_path).outputs["installed"][0]["cached"] is True
    assert not (tmp_path / "ran").exists()


def test_a_listed_install_script_runs_and_others_do_not(tmp_path: Path) -> None:
    trap = "node -e \"require('fs').writeFileSync('ran', process.env.HOME)\""
    for name in ("good", "bad"):
        package = tmp_path / "packs" / name
        package.mkdir(parents=True)
        (package / "package.json").write_text(
            f'{{"name": "{name}", "version": "1.0.0", "scripts": {{"install": {_quoted(trap)}}}}}'
        )
    (tmp_path / "foundry.toml").touch()
    (tmp_path / "package.json").write_text(
        '{"dependencies": {"good": "file:packs/good.tgz", "bad": "file:packs/bad.tgz"}}'
    )
    for name in ("good", "bad"):
        _pack(tmp_path / "packs", name)
    assert run(tmp_path, allow_unlocked=True).status is StageStatus.SUCCESS
    modules = tmp_path / "node_modules"
    assert not (modules / "good" / "ran").exists()
    shutil.copy(modules / ".package-lock.json", tmp_path / "package-lock.json")
    _complete_lock(tmp_path)
    assert run(tmp_path, allow_scripts=["good"]).status is StageStatus.SUCCESS
    assert (modules / "good" / "ran").read_text() == str(tmp_path / ".chainops" / "home")
    assert not (modules / "bad" / "ran").exists()


def _quoted(text: str) -> str:
    return json.dumps(text)


def _pack(folder: Path, name: str) -> None:
    import tarfile

    with tarfile.open(folder / f"{name}.tgz", "w:gz") as archive:
        archive.add(folder / name, "package")


def _complete_lock(root: Path) -> None:
    """Make a lockfile of npm's record of what it installed: the project itself is missing in it."""
    lock = json.loads((root / "package-lock.json").read_text())
    lock["packages"][""] = json.loads((root / "package.json").read_text())
    (root / "package-lock.json").write_text(json.dumps(lock))


def test_a_submodule_that_is_not_there_is_fetched(tmp_path: Path) -> None:
    import subprocess

    def git(folder: Path, *arguments: str) -> None:
        identity = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org")
        command = ["git", *identity, "-c", "protocol.file.allow=always", *arguments]
        subprocess.run(command, cwd=folder, check=True, capture_output=True)

    library, origin, local = tmp_path / "library", tmp_path / "origin", tmp_path / "local"
    for folder, files in ((library, {"src/X.sol": "contract X {}"}), (origin, {"foundry.toml": ""})):
        for path, text in files.items():
            (folder / path).parent.mkdir(parents=True)
            (folder / path).write_text(text)
        git(folder, "init", "-q")
        git(folder, "add", "-A")
        git(folder, "commit", "-q", "-m", "First")
    (origin / "src").mkdir()
    (origin / "src" / "A.sol").write_text('import "x/X.sol";')
    git(origin, "submodule", "add", "-q", str(library), "lib/x")
    git(origin, "add", "-A")
    git(origin, "commit", "-q", "-m", "Library")
    git(tmp_path, "clone", "-q", str(origin), str(local))
    source = {"submodules": [{"path": "lib/x", "commit": "", "state": "missing"}], "url": str(origin)}
    outcome = run(local, source)
    assert outcome.status is StageStatus.SUCCESS, outcome
    assert (local / "lib/x/src/X.sol").is_file()


@pytest.mark.parametrize("path", ["examples/vault", "tests/projects/counter"])
def test_what_forge_builds_has_no_missing_imports(path: str) -> None:
    project = detect(ROOT / path)
    if project.libs and not (project.root / "node_modules").is_dir():
        pytest.skip("its packages are not installed")
    assert missing_imports(project) == ()


def test_the_variant_with_a_missing_library_is_stopped_with_file_and_line(tmp_path: Path) -> None:
    projects = ROOT / "tests" / "projects"
    ignored = shutil.ignore_patterns("out", "cache", ".chainops")
    root = Path(shutil.copytree(projects / "counter", tmp_path / "project", ignore=ignored))
    shutil.copytree(projects / "variants" / "missing-library", root, dirs_exist_ok=True)
    outcome = run(root)
    assert (outcome.status, outcome.code) == (StageStatus.FAILED, "DEP201")
    assert [str(p) for p in outcome.places] == ["src/Bank.sol:4:21"]
    assert "library `fixed-math` is missing: src/Bank.sol:4" in outcome.reason
    assert "the remapping `fixed-math/=lib/fixed-math/src/`" in outcome.reason


REQUIREMENT = "toolz==1.0.0 --hash=sha256:292c8f1c4e7516bf9086f8850935c799a874039c8bcf959d47b600e4c44a6236\n"


def python_project(root: Path, requirement: str) -> Path:
    shutil.copytree(ROOT / "tests" / "projects" / "counter" / "src", root / "src")
    (root / "foundry.toml").write_text("[profile.default]\nlibs = []\n")
    (root / "requirements.txt").write_text(requirement)
    return root


def test_python_requirements_are_installed_by_their_hashes_and_once(tmp_path: Path) -> None:
    root = python_project(tmp_path / "p", REQUIREMENT)
    first = run(root, python=True)
    assert first.status is StageStatus.SUCCESS
    assert first.outputs["installed"] == [
        {"kind": "pip", "source": "requirements.txt", "packages": 1, "cached": False}
    ]
    assert list((root / ".chainops" / "venv").glob("lib/python*/site-packages/toolz/__init__.py"))
    assert run(root, python=True).outputs["installed"][0]["cached"] is True


@pytest.mark.parametrize(
    "requirement", ["toolz==1.0.0\n", REQUIREMENT.replace("sha256:", "sha256:" + "0" * 8)[:-9] + "\n"]
)
def test_python_requirements_without_their_hash_are_refused(requirement: str, tmp_path: Path) -> None:
    outcome = run(python_project(tmp_path / "p", requirement), python=True)
    assert (outcome.status, outcome.code) == (StageStatus.FAILED, "DEP208"), outcome
    assert [str(place) for place in outcome.places] == ["requirements.txt"]
