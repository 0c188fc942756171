"""Dependencies come as they are pinned; what is missing, unpinned or unsafe is named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from chainops.artifacts.model import Artifact
from chainops.core.errors import ChainopsError, InputError, MachineError
from chainops.core.process import Command, Completed, MemoryProcessRunner, ScriptedAnswer
from chainops.pipeline.model import FailureKind, Outcome, StageContext, StageStatus
from chainops.project.packages import PackageFolder
from chainops.stages.dependency_install import DependencyInstallStage
from chainops.stages.npm_failures import explain_failure
from chainops.stages.options import DependencyInstallOptions
from chainops.tools.memory import MemoryToolbox

FIXTURES = Path(__file__).parents[2] / "fixtures" / "npm"
LOCK = {
    "lockfileVersion": 3,
    "packages": {
        "": {},
        "node_modules/@oz/contracts": {"version": "5.0.0", "integrity": "sha512-a"},
        "node_modules/native": {"version": "1.0.0", "integrity": "sha512-b", "hasInstallScript": True},
    },
}
NPM = {
    "package.json": json.dumps({"dependencies": {"@oz/contracts": "5.0.0"}}),
    "package-lock.json": json.dumps(LOCK),
}
PROJECT = {
    "foundry.toml": '[profile.default]\nlibs = ["node_modules"]\n',
    "src/A.sol": 'pragma solidity ^0.8.0;\nimport "@oz/contracts/B.sol";\n',
}


def write(root: Path, files: dict[str, str]) -> None:
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)


def npm_installs(command: Command) -> None:
    """Leave behind what npm leaves."""
    write(command.cwd, {"node_modules/@oz/contracts/B.sol": "contract B {}", "node_modules/native/x": ""})
    packages = {k: v for k, v in LOCK["packages"].items() if k}
    write(command.cwd, {"node_modules/.package-lock.json": json.dumps({"packages": packages})})


class NoArtifacts:
    def add_file(self, *args: Any, **kwargs: Any) -> Artifact:
        raise AssertionError

    add_bytes = add_file


class Install:
    """Runs the stage on a project, with npm played by a script."""

    def __init__(self, root: Path, files: dict[str, str], *answers: ScriptedAnswer) -> None:
        self.root = root
        write(root, files)
        self.runner = MemoryProcessRunner(*answers, ScriptedAnswer(when="npm ci", effect=npm_installs))
        self.log = b""

    async def run(self, *, source: dict[str, Any] | None = None, **options: Any) -> Outcome:
        stage = DependencyInstallStage(
            runner=self.runner,
            toolbox=MemoryToolbox(),
            options=DependencyInstallOptions(**options),
            environ={"HOME": "/home/ada", "PATH": "/bin", "NPM_TOKEN": "t", "DEPLOYER_KEY": "secret"},
        )
        outputs = {"project_root": str(self.root), "path": "."} | (source or {})
        context = StageContext(
            run_id="r",
            stage="dependency-install",
            attempt=1,
            workspace=self.root,
            scratch=self.root / "scratch",
            marker="m",
            timeout_s=60,
            log=self._take,
            upstream={"source-checkout": Outcome(status=StageStatus.SUCCESS, outputs=outputs)},
            artifacts=NoArtifacts(),
        )
        return await stage.run(context)

    def _take(self, data: bytes) -> None:
        self.log += data

    @property
    def commands(self) -> list[str]:
        return [" ".join(c.argv) for c in self.runner.commands]


async def test_installs_what_the_lock_pins_without_scripts(tmp_path: Path) -> None:
    install = Install(tmp_path, PROJECT | NPM)
    outcome = await install.run()
    assert outcome.status is StageStatus.SUCCESS
    assert outcome.outputs["installed"] == [
        {"kind": "npm", "client": "npm", "source": "package-lock.json", "packages": 2, "cached": False}
    ]
    assert [x["name"] for x in outcome.outputs["libraries"]] == ["@oz/contracts"]
    assert [t.name for t in outcome.tools] == ["npm"]
    assert len(install.commands) == 1
    assert install.commands[0].startswith("npm ci --ignore-scripts ")
    assert b"install scripts were not run: native" in install.log
    env = install.runner.commands[0].env
    assert (env["HOME"], env["NPM_TOKEN"]) == ("/home/ada", "t")
    assert "DEPLOYER_KEY" not in env
    assert "ext" not in env["GIT_ALLOW_PROTOCOL"].split(":")


async def test_what_is_installed_already_is_not_installed_again(tmp_path: Path) -> None:
    install = Install(tmp_path, PROJECT | NPM)
    await install.run()
    outcome = await install.run()
    assert outcome.outputs["installed"][0]["cached"] is True
    assert len(install.commands) == 1


async def test_listed_scripts_run_like_project_code(tmp_path: Path) -> None:
    install = Install(tmp_path, PROJECT | NPM, ScriptedAnswer(when="npm rebuild"))
    outcome = await install.run(allow_scripts=["native"])
    assert outcome.status is StageStatus.SUCCESS
    assert install.commands[1].startswith("npm rebuild --ignore-scripts=false")
    assert install.commands[1].endswith("-- native")
    env = install.runner.commands[1].env
    assert env["HOME"] == str(tmp_path / ".chainops" / "home")
    assert "NPM_TOKEN" not in env
    assert "DEPLOYER_KEY" not in env


async def test_a_failing_script_is_the_projects_fault(tmp_path: Path) -> None:
    answer = ScriptedAnswer(when="npm rebuild", returncode=1, stderr=b"npm error gyp failed\n")
    outcome = await Install(tmp_path, PROJECT | NPM, answer).run(allow_scripts=["native"])
    assert (outcome.failure, outcome.code) == (FailureKind.PROJECT, "DEP207")


async def test_a_listed_package_that_is_not_locked_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        await Install(tmp_path, PROJECT | NPM).run(allow_scripts=["nativ"])
    assert caught.value.hint == "did you mean `native`?"


async def test_without_a_lockfile_nothing_is_installed_unless_allowed(tmp_path: Path) -> None:
    files = PROJECT | {"package.json": NPM["package.json"]}
    outcome = await Install(tmp_path, files).run()
    assert (outcome.status, outcome.failure, outcome.code) == (
        StageStatus.FAILED,
        FailureKind.PROJECT,
        "DEP204",
    )
    allowed = Install(tmp_path, files, ScriptedAnswer(when="npm install", effect=npm_installs))
    assert (await allowed.run(allow_unlocked=True)).status is StageStatus.SUCCESS
    assert "--ignore-scripts" in allowed.commands[0]


async def test_packages_that_no_contract_needs_are_not_missed(tmp_path: Path) -> None:
    files = {
        "foundry.toml": "",
        "package.json": '{"devDependencies": {"prettier": "^2.3.1"}}',
        "src/A.sol": 'import "./B.sol"; contract A {}',
        "src/B.sol": "contract B {}",
    }
    install = Install(tmp_path, files)
    assert (await install.run()).status is StageStatus.SUCCESS
    assert install.commands == []
    assert b"asks for 1 package that no import and no remapping needs" in install.log


async def test_a_manifest_without_dependencies_needs_no_lockfile(tmp_path: Path) -> None:
    files = {"foundry.toml": "", "package.json": '{"name": "x"}', "src/A.sol": "contract A {}"}
    install = Install(tmp_path, files)
    outcome = await install.run()
    assert (outcome.status, outcome.outputs["installed"]) == (StageStatus.SUCCESS, [])
    assert outcome.reason == "nothing to install; 0 libraries"
    assert install.commands == []


@pytest.mark.parametrize(
    ("files", "code"),
    [
        ({"yarn.lock": "__metadata:\n  version: 8\n"}, "DEP206"),
        ({"bun.lock": "{}"}, "DEP206"),
        ({"package-lock.json": "{}", ".npmrc": "git=./evil\n"}, "DEP205"),
        ({"package-lock.json": "{"}, "PRJ201"),
    ],
)
async def test_what_cannot_be_installed_fails_with_its_place(
    tmp_path: Path, files: dict[str, str], code: str
) -> None:
    install = Install(tmp_path, PROJECT | {"package.json": NPM["package.json"]} | files)
    outcome = await install.run()
    assert (outcome.status, outcome.code) == (StageStatus.FAILED, code)
    assert outcome.places[0].path.startswith(str(tmp_path))
    assert install.commands == []


@pytest.mark.parametrize(("client", "lockfile", "said"), [
    ("yarn", '# yarn lockfile v1\n"@oz/contracts@5":\n  version "5.0.0"\n', b"success Already up-to-date."),
    ("pnpm", "lockfileVersion: '9.0'\n\npackages:\n\n  '@oz/contracts@5':\n    resolution: {integrity: x}\n",
     b"Already up to date\n"),
])  # fmt: skip
async def test_other_lockfiles_are_installed_frozen_and_without_detours(
    tmp_path: Path, client: str, lockfile: str, said: bytes
) -> None:
    files = PROJECT | {"package.json": NPM["package.json"]}
    name = {"yarn": "yarn.lock", "pnpm": "pnpm-lock.yaml"}[client]
    answer = ScriptedAnswer(when=f"{client} install", stdout=said, effect=npm_installs)
    install = Install(tmp_path, files | {name: lockfile}, answer)
    (tmp_path / "package-lock.json").unlink(missing_ok=True)
    outcome = await install.run()
    assert outcome.status is StageStatus.SUCCESS
    row = outcome.outputs["installed"][0]
    assert (row["client"], row["source"], row["cached"]) == (client, name, True)
    assert "--frozen-lockfile --ignore-scripts" in install.commands[0]
    assert install.runner.commands[0].env["YARN_IGNORE_PATH"] == "1"


async def test_a_trusted_npmrc_is_used(tmp_path: Path) -> None:
    install = Install(tmp_path, PROJECT | NPM | {".npmrc": "git=./mine\n"})
    assert (await install.run(allow_npmrc=True)).status is StageStatus.SUCCESS


async def test_a_missing_library_is_named_with_the_import_and_the_remapping(tmp_path: Path) -> None:
    (tmp_path / "remappings.txt").write_text("@oz/=node_modules/@openzeppelin/\n")
    outcome = await Install(tmp_path, PROJECT).run()
    assert (outcome.status, outcome.failure, outcome.code) == (
        StageStatus.FAILED,
        FailureKind.PROJECT,
        "DEP201",
    )
    assert str(outcome.places[0]) == "src/A.sol:2:8"
    assert "library `@oz/contracts` is missing: src/A.sol:2 imports `@oz/contracts/B.sol`" in outcome.reason
    assert (
        "`@oz/=node_modules/@openzeppelin/` leads to node_modules/@openzeppelin/contracts/B.sol"
        in outcome.reason
    )
    assert outcome.hint.startswith("npm install --save-dev @openzeppelin")


async def test_the_check_can_be_left_out(tmp_path: Path) -> None:
    assert (await Install(tmp_path, PROJECT).run(check_imports=False)).status is StageStatus.SUCCESS


async def test_empty_submodules_are_fetched(tmp_path: Path) -> None:
    install = Install(
        tmp_path,
        {"foundry.toml": "", "src/A.sol": 'import "x/X.sol";'},
        ScriptedAnswer(when="config --list"),
        ScriptedAnswer(
            when="submodule update", effect=lambda c: write(c.cwd, {"lib/x/src/X.sol": "contract X {}"})
        ),
    )
    source = {"submodules": [{"path": "lib/x", "commit": "c", "state": "missing"}], "url": "https://h/a"}
    outcome = await install.run(source=source)
    assert outcome.status is StageStatus.SUCCESS
    assert outcome.outputs["installed"][0] == {
        "kind": "git-submodules",
        "source": ".gitmodules",
        "packages": 1,
        "cached": False,
    }
    assert install.commands[-1].endswith("-- lib/x")
    assert [x["path"] for x in outcome.outputs["libraries"]] == ["lib/x"]


def failed(stderr: bytes, *, timed_out: bool = False) -> Completed:
    return Completed(
        argv=("npm",), returncode=1, stdout=b"", stderr_tail=stderr, duration_s=9, timed_out=timed_out
    )


@pytest.mark.parametrize(
    ("file", "code", "is_machine", "said"),
    [
        ("enotfound.txt", "DEP301", True, "getaddrinfo ENOTFOUND nowhere.invalid"),
        ("econnrefused.txt", "DEP301", True, "connect ECONNREFUSED 127.0.0.1:9"),
        ("eusage.txt", "DEP202", False, "does not satisfy @openzeppelin/contracts@5.6.0"),
        ("eintegrity.txt", "DEP303", True, "Integrity checksum failed"),
        ("e404.txt", "DEP203", False, "no-such-package-xyz"),
    ],
)
def test_npms_failures_are_told_apart(file: str, code: str, is_machine: bool, said: str) -> None:
    packages = PackageFolder(
        folder=Path("/p"), wanted=(), lockfile=Path("/p/package-lock.json"), client="npm"
    )
    error = explain_failure(failed((FIXTURES / file).read_bytes()), "npm", packages)
    assert error.code == code
    assert isinstance(error, MachineError) is is_machine
    assert said in error.message
    assert error.hint


@pytest.mark.parametrize(("stderr", "code"), [(b"", "DEP305"), (b"npm error code EWEIRD\n", "DEP305"),
                                               (b"npm error code ENOSPC\n", "DSK301")])  # fmt: skip
def test_other_failures_are_the_machines(stderr: bytes, code: str) -> None:
    packages = PackageFolder(folder=Path("/p"), wanted=(), lockfile=None, client="npm")
    assert explain_failure(failed(stderr), "npm", packages).code == code
    assert explain_failure(failed(stderr, timed_out=True), "npm", packages).code == "DEP302"


async def test_a_registry_that_is_not_reached_is_not_the_projects_fault(tmp_path: Path) -> None:
    answer = ScriptedAnswer(when="npm ci", returncode=1, stderr=(FIXTURES / "enotfound.txt").read_bytes())
    with pytest.raises(ChainopsError) as caught:
        await Install(tmp_path, PROJECT | NPM, answer).run()
    assert caught.value.code == "DEP301"
