"""Sources come from real repositories, and nothing in them runs on the way."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from chainops.artifacts.run import MemoryArtifacts
from chainops.core.errors import ChainopsError
from chainops.core.hashing import digest_file
from chainops.core.process import LocalProcessRunner
from chainops.core.secrets import Masker
from chainops.pipeline.model import FailureKind, Outcome, StageContext, StageStatus
from chainops.project.settings import ProjectSettings
from chainops.stages.options import SourceCheckoutOptions
from chainops.stages.source_checkout import SourceCheckoutStage

pytestmark = pytest.mark.integration

FILES = {
    "foundry.toml": "[profile.default]\n",
    "src/A.sol": "contract A {}",
    "test/A.t.sol": "",
    ".gitignore": "out/\n",
}

ADA = {"NAME": "Ada", "EMAIL": "ada@example.org"}


def git(folder: Path, *arguments: str) -> str:
    who = {f"GIT_{role}_{what}": text for role in ("AUTHOR", "COMMITTER") for what, text in ADA.items()}
    env = {**os.environ, **who, "GIT_CONFIG_GLOBAL": "/dev/null"}
    command = ["git", "-c", "protocol.file.allow=always", "-c", "init.defaultBranch=main", *arguments]
    return subprocess.run(
        command, cwd=folder, env=env, check=True, capture_output=True, text=True
    ).stdout.strip()


def write(folder: Path, files: dict[str, str]) -> None:
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)


def repository(folder: Path, files: dict[str, str] | None = None) -> Path:
    folder.mkdir(parents=True)
    write(folder, FILES if files is None else files)
    git(folder, "init", "-q")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "First")
    return folder


class Checkout:
    """Runs the stage in a workspace and keeps its log."""

    def __init__(self, workspace: Path) -> None:
        self.workspace = workspace
        workspace.mkdir(parents=True, exist_ok=True)
        self.log = b""
        self.artifacts = MemoryArtifacts()
        self.masker = Masker()
        self._attempts = 0

    def run(self, options: SourceCheckoutOptions | None = None, **settings: str) -> Outcome:
        self._attempts += 1
        scratch = self.workspace / ".chainops" / "runs" / str(self._attempts)
        scratch.mkdir(parents=True, exist_ok=True)
        stage = SourceCheckoutStage(
            runner=LocalProcessRunner(self.masker),
            settings=ProjectSettings(**settings),
            options=options,
            masker=self.masker,
            environ={"PATH": os.environ["PATH"], "HOME": str(self.workspace), "GIT_CONFIG_NOSYSTEM": "1"},
        )
        context = StageContext(
            run_id="r",
            stage="source-checkout",
            attempt=1,
            workspace=self.workspace,
            scratch=scratch,
            marker="",
            timeout_s=60,
            log=self._take,
            upstream={},
            artifacts=self.artifacts,
        )
        return asyncio.run(stage.run(context))

    def _take(self, data: bytes) -> None:
        self.log += data


def test_a_clone_of_a_repository_with_a_long_name_is_found_by_the_stages_after_it(tmp_path: Path) -> None:
    origin = repository(tmp_path / "acme-vault-contracts2024")
    checkout = Checkout(tmp_path / "w")
    root = checkout.run(repository_url=str(origin)).outputs["project_root"]
    assert b"configuration holds" not in checkout.log
    assert checkout.masker.text(root) == root
    assert Path(root).is_dir()


def test_the_config_of_a_cloned_repository_is_not_used_and_that_is_said(tmp_path: Path) -> None:
    origin = repository(tmp_path / "o", {**FILES, "chainops.yaml": "quality_gates: {}\n"})
    checkout = Checkout(tmp_path / "w")
    checkout.run(repository_url=str(origin))
    assert b"chainops.yaml of the cloned repository is not used" in checkout.log


def test_a_local_tree_is_taken_as_it_is_and_its_changes_are_named(tmp_path: Path) -> None:
    folder = repository(tmp_path / "Märkte und mehr")
    write(folder, {"src/A.sol": "contract A { uint x; }", "src/neu.sol": "", "out/built": ""})
    checkout = Checkout(folder)
    outcome = checkout.run()
    assert outcome.status is StageStatus.SUCCESS
    outputs = outcome.outputs
    assert outputs["workspace_kind"] == "local"
    assert outputs["project_root"] == str(folder)
    assert outputs["commit"] == git(folder, "rev-parse", "HEAD")
    assert (outputs["author"], outputs["subject"], outputs["branch"]) == (
        "Ada <ada@example.org>",
        "First",
        "main",
    )
    assert outputs["dirty"] is True
    assert outputs["changes"] == [
        {"path": "src/A.sol", "what": "modified"},
        {"path": "src/neu.sol", "what": "untracked"},
    ]
    assert outputs["sources"] == ["src/A.sol", "src/neu.sol"]
    assert outputs["files"] == 5
    assert b"not committed: untracked src/neu.sol" in checkout.log
    (used,) = outcome.tools
    program = shutil.which("git")
    assert program
    assert (used.name, used.origin, used.digest) == ("git", "system", digest_file(Path(program)))


def test_the_digest_is_that_of_the_content_wherever_it_lies(tmp_path: Path) -> None:
    folder = repository(tmp_path / "a")
    local = Checkout(folder).run().outputs
    cloned = Checkout(tmp_path / "w").run(repository_url=str(folder)).outputs
    assert local["tree_digest"] == cloned["tree_digest"]
    write(folder, {"src/A.sol": "contract B {}"})
    assert Checkout(folder).run().outputs["tree_digest"] != local["tree_digest"]


def test_a_folder_without_git_is_taken_too(tmp_path: Path) -> None:
    write(tmp_path, FILES | {"out/x": "", "node_modules/y/z": ""})
    outcome = Checkout(tmp_path).run()
    assert outcome.status is StageStatus.SUCCESS
    assert (outcome.outputs["commit"], outcome.outputs["files"], outcome.outputs["dirty"]) == ("", 4, False)


def test_a_repository_without_a_commit_is_taken_too(tmp_path: Path) -> None:
    write(tmp_path, FILES)
    git(tmp_path, "init", "-q")
    outcome = Checkout(tmp_path).run()
    assert (outcome.status, outcome.outputs["commit"]) == (StageStatus.SUCCESS, "")
    assert outcome.outputs["dirty"] is True


def test_changes_can_be_refused(tmp_path: Path) -> None:
    folder = repository(tmp_path / "a")
    write(folder, {"x": ""})
    outcome = Checkout(folder).run(SourceCheckoutOptions(require_clean=True))
    assert (outcome.status, outcome.failure, outcome.code) == (
        StageStatus.FAILED,
        FailureKind.PROJECT,
        "SRC201",
    )


@pytest.mark.parametrize("ref", ["", "main", "v1.0", "feature/x", "full", "short"])
def test_clones_branches_tags_and_commits(tmp_path: Path, ref: str) -> None:
    origin = repository(tmp_path / "origin")
    first = git(origin, "rev-parse", "HEAD")
    git(origin, "tag", "v1.0")
    git(origin, "branch", "feature/x")
    write(origin, {"src/B.sol": "contract B {}"})
    git(origin, "add", "-A")
    git(origin, "commit", "-q", "-m", "Second")
    second = git(origin, "rev-parse", "HEAD")
    wanted = {"": second, "main": second}.get(ref, first)
    checkout = Checkout(tmp_path / "work space")
    outcome = checkout.run(repository_url=str(origin), ref={"full": first, "short": first[:9]}.get(ref, ref))
    assert outcome.outputs["commit"] == wanted
    assert outcome.outputs["workspace_kind"] == "clone"
    root = Path(outcome.outputs["project_root"])
    assert root == tmp_path / "work space" / ".chainops" / "src" / f"origin-{wanted[:12]}"
    assert (root / "src" / "B.sol").exists() is (wanted == second)
    assert outcome.outputs["dirty"] is False


def test_clones_a_folder_named_relative_to_the_workspace(tmp_path: Path) -> None:
    repository(tmp_path / "origin")
    assert Checkout(tmp_path / "w").run(repository_url="../origin").status is StageStatus.SUCCESS


def test_a_clone_brings_submodules_and_can_leave_them(tmp_path: Path) -> None:
    library = repository(tmp_path / "library", {"src/L.sol": "library L {}"})
    origin = repository(tmp_path / "origin")
    git(origin, "submodule", "add", "-q", str(library), "lib/library")
    git(origin, "commit", "-q", "-m", "Library")
    outcome = Checkout(tmp_path / "w").run(repository_url=str(origin))
    assert [s["state"] for s in outcome.outputs["submodules"]] == ["present"]
    assert (Path(outcome.outputs["project_root"]) / "lib/library/src/L.sol").is_file()
    without = Checkout(tmp_path / "v").run(
        SourceCheckoutOptions(submodules=False), repository_url=str(origin)
    )
    assert [s["state"] for s in without.outputs["submodules"]] == ["missing"]


def test_a_second_clone_does_not_take_a_tree_that_was_changed(tmp_path: Path) -> None:
    origin = repository(tmp_path / "origin")
    checkout = Checkout(tmp_path / "w")
    root = Path(checkout.run(repository_url=str(origin)).outputs["project_root"])
    write(root, {"src/A.sol": "contract Evil {}", "src/More.sol": ""})
    git(root, "update-index", "--assume-unchanged", "src/A.sol")
    assert checkout.run(repository_url=str(origin)).outputs["dirty"] is False
    assert (root / "src/A.sol").read_text() == "contract A {}"
    assert not (root / "src/More.sol").exists()


@pytest.mark.parametrize(
    ("settings", "code", "said"),
    [
        ({"ref": "mian"}, "SRC103", "has no branch, tag or commit `mian`"),
        ({"ref": "deadbeef00"}, "SRC103", "has no branch, tag or commit"),
        ({"ref": "f" * 40}, "SRC103", "has no branch, tag or commit"),
        ({"repository_url": "/nowhere/at/all"}, "SRC101", "not a repository"),
    ],
)
def test_what_is_not_there_is_named(tmp_path: Path, settings: dict[str, str], code: str, said: str) -> None:
    origin = repository(tmp_path / "origin")
    with pytest.raises(ChainopsError) as caught:
        Checkout(tmp_path / "w").run(**({"repository_url": str(origin)} | settings))
    assert caught.value.code == code
    assert said in caught.value.message
    if code == "SRC103":
        assert "main" in caught.value.hint


def test_a_folder_that_is_no_repository_cannot_be_cloned(tmp_path: Path) -> None:
    write(tmp_path / "plain", FILES)
    with pytest.raises(ChainopsError, match="not a repository"):
        Checkout(tmp_path / "w").run(repository_url=str(tmp_path / "plain"))


def test_nothing_of_a_repositorys_own_configuration_is_run(tmp_path: Path) -> None:
    folder = repository(tmp_path / "a")
    trap = tmp_path / "trapped"
    command = f"sh -c 'touch \"{trap}\"; cat' #"
    (folder / ".gitattributes").write_text("*.sol filter=evil diff=evil\n")
    filters = ("filter.evil.clean", "filter.evil.smudge", "filter.evil.process", "diff.evil.textconv")
    for key in (*filters, "core.fsmonitor", "diff.external", "core.sshCommand", "core.pager", "gpg.program"):
        git(folder, "config", key, command)
    git(folder, "config", "filter.evil.required", "true")
    git(folder, "config", "core.hooksPath", str(tmp_path / "hooks"))
    git(folder, "config", "log.showSignature", "true")
    write(tmp_path / "hooks", {"post-index-change": f"#!/bin/sh\ntouch '{trap}'\n"})
    (tmp_path / "hooks" / "post-index-change").chmod(0o755)
    write(folder, {"src/A.sol": "contract A { }"})
    outcome = Checkout(folder).run()
    assert outcome.status is StageStatus.SUCCESS
    assert "src/A.sol" in outcome.outputs["changed_files"]
    assert not trap.exists()


def test_a_repositorys_hooks_do_not_run_on_a_clone(tmp_path: Path) -> None:
    origin = repository(tmp_path / "origin")
    trap = tmp_path / "trapped"
    template = tmp_path / "w" / "template" / "hooks"
    write(template, {"post-checkout": f"#!/bin/sh\ntouch '{trap}'\n"})
    (template / "post-checkout").chmod(0o755)
    (tmp_path / "w" / ".gitconfig").write_text(f"[init]\n\ttemplateDir = {template.parent}\n")
    assert Checkout(tmp_path / "w").run(repository_url=str(origin)).status is StageStatus.SUCCESS
    assert not trap.exists()


def test_a_token_in_the_url_stays_out_of_files_logs_and_results(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path / "w")
    with pytest.raises(ChainopsError) as caught:
        checkout.run(repository_url="https://ci:hunter2hunter2@127.0.0.1:1/a.git")
    assert caught.value.code == "SRC303"
    assert "hunter2" not in str(caught.value)
    assert b"hunter2" not in checkout.log
    kept = [f for f in (tmp_path / "w").rglob("*") if f.is_file() and b"hunter2" in f.read_bytes()]
    assert kept == []


def test_a_project_in_a_subfolder_of_the_repository(tmp_path: Path) -> None:
    mono = repository(
        tmp_path / "mono", {f"packages/contracts/{p}": t for p, t in FILES.items()} | {"README": ""}
    )
    write(mono, {"packages/contracts/src/B.sol": "", "other": ""})
    outcome = Checkout(mono).run()
    assert outcome.outputs["path"] == "packages/contracts"
    assert outcome.outputs["changed_files"] == ["src/B.sol"]
    assert outcome.outputs["files"] == 5


@pytest.mark.parametrize(
    ("files", "failure", "code"),
    [
        ({"README": ""}, FailureKind.CONFIG, "PRJ101"),
        ({"foundry.toml": "[["}, FailureKind.PROJECT, "PRJ201"),
    ],
)
def test_what_is_not_a_project_fails_the_stage(
    tmp_path: Path, files: dict[str, str], failure: FailureKind, code: str
) -> None:
    outcome = Checkout(repository(tmp_path / "a", files)).run()
    assert (outcome.status, outcome.failure, outcome.code) == (StageStatus.FAILED, failure, code)


def test_a_project_without_sources_is_told_so(tmp_path: Path) -> None:
    write(tmp_path, {"foundry.toml": "[profile.default]\n"})
    outcome = Checkout(tmp_path).run()
    assert (outcome.status, outcome.failure, outcome.code) == (
        StageStatus.FAILED,
        FailureKind.PROJECT,
        "SRC202",
    )
    assert outcome.reason == "no Solidity files in src/"
    assert "foundry.toml" in outcome.hint
