"""Git's answers are read and its failures explained."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from chainops.core.errors import MachineError
from chainops.core.process import Completed, MemoryProcessRunner, ScriptedAnswer
from chainops.project.clone import is_local, public_url
from chainops.project.git import Git, GitError, SourceError, explain, git_environment
from chainops.project.tree import changed_files, read_tree, walk_files
from chainops.project.worktree import parse_status, read_worktree


def left(stderr: str, *, timed_out: bool = False) -> Completed:
    return Completed(
        argv=("git",),
        returncode=128,
        stdout=b"",
        stderr_tail=stderr.encode(),
        duration_s=1,
        timed_out=timed_out,
    )


@pytest.mark.parametrize(
    ("stderr", "kind", "code"),
    [
        ("fatal: '/x' does not appear to be a git repository\n", SourceError, "SRC101"),
        (
            "remote: Repository not found.\nfatal: repository 'https://github.com/a/b/' not found",
            SourceError,
            "SRC101",
        ),
        ("fatal: could not read Username for 'https://h': terminal prompts disabled", SourceError, "SRC102"),
        (
            "git@github.com: Permission denied (publickey).\nfatal: Could not read from remote",
            SourceError,
            "SRC102",
        ),
        ("fatal: unable to access 'https://x/': Could not resolve host: x", GitError, "SRC303"),
        ("fatal: unable to access 'https://x/': Failed to connect to x port 443", GitError, "SRC303"),
        ("fatal: detected dubious ownership in repository at '/x'", SourceError, "SRC104"),
        ("fatal: something else", GitError, "SRC301"),
        ("", GitError, "SRC301"),
    ],
)
def test_failures_are_told_apart(stderr: str, kind: type[Exception], code: str) -> None:
    error = explain(left(stderr), "fetch")
    assert type(error) is kind
    assert error.code == code


def test_a_git_that_does_not_end_is_the_machines_fault() -> None:
    error = explain(left("", timed_out=True), "fetch")
    assert isinstance(error, MachineError)
    assert error.code == "SRC302"


def test_the_environment_holds_no_secrets_and_nothing_that_redirects_git() -> None:
    env = git_environment(
        {
            "HOME": "/h",
            "GIT_DIR": "/evil",
            "GIT_ASKPASS": "/x",
            "DEPLOYER_KEY": "k",
            "HTTPS_PROXY": "p",
            "LANG": "de",
        }
    )
    assert env == {
        "HOME": "/h",
        "HTTPS_PROXY": "p",
        "LC_ALL": "C",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_OPTIONAL_LOCKS": "0",
    }


@pytest.mark.parametrize(
    ("url", "public"),
    [
        ("https://user:token@host:8443/a/b.git", "https://host:8443/a/b.git"),
        ("https://token@host/a", "https://host/a"),
        ("https://host/a", "https://host/a"),
        ("git@host:a/b.git", "git@host:a/b.git"),
        ("/srv/a@b", "/srv/a@b"),
    ],
)
def test_credentials_are_taken_out_of_urls(url: str, public: str) -> None:
    assert public_url(url) == public


def test_local_folders_are_told_from_hosts() -> None:
    assert [
        u for u in ("/a", "../a", "a/b", "file:///a", "git@h:a", "https://h/a", "h:a") if is_local(u)
    ] == [
        "/a",
        "../a",
        "a/b",
        "file:///a",
    ]


def test_reads_status_with_renames_spaces_and_a_prefix() -> None:
    text = " M p/src/A.sol\0R  p/new name.sol\0p/old.sol\0?? p/ü.txt\0A  p/a\0 D p/d\0?? p/.chainops/x\0"
    assert parse_status(text, "p/") == (
        ("added", "a"),
        ("deleted", "d"),
        ("renamed", "new name.sol"),
        ("modified", "src/A.sol"),
        ("untracked", "ü.txt"),
    )


async def test_commands_of_the_repositorys_own_configuration_are_switched_off() -> None:
    listed = b"\0".join(
        b"%s\0%s" % pair
        for pair in [
            (b"global", b"filter.lfs.clean"),
            (b"local", b"filter.evil.clean"),
            (b"local", b"filter.evil.required"),
            (b"local", b"core.sshcommand"),
            (b"local", b"user.name"),
            (b"worktree", b"diff.x.textconv"),
        ]
    )
    runner = MemoryProcessRunner(
        ScriptedAnswer(when="config --list", stdout=listed), ScriptedAnswer(when="status")
    )
    git = Git(runner=runner, folder=Path("/x"), environ={})
    safe = await git.without_commands()
    assert dict(safe.config) == {
        "core.sshcommand": "",
        "diff.x.textconv": "",
        "filter.evil.clean": "",
        "filter.evil.required": "false",
    }
    await safe.run("status")
    assert runner.commands[-1].env["GIT_CONFIG_COUNT"] == "4"
    assert "core.fsmonitor=false" in runner.commands[-1].argv
    assert "core.hooksPath=/dev/null" in runner.commands[-1].argv


async def test_without_git_the_tree_is_taken_all_the_same() -> None:
    tree = await read_worktree(Git(runner=MemoryProcessRunner(), folder=Path("/x"), environ={}))
    assert tree.without_git == "git is not installed"


def test_the_digest_changes_with_content_path_and_kind_and_with_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("1")
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "b").write_text("2")
    first = read_tree(tmp_path, ["a", "sub"]).digest
    assert first == read_tree(tmp_path, ["sub", "a", "a"]).digest
    os.utime(tmp_path / "a", (1, 1))
    assert first == read_tree(tmp_path, ["a", "sub"]).digest
    (tmp_path / "sub" / "b").write_text("3")
    second = read_tree(tmp_path, ["a", "sub"]).digest
    (tmp_path / "a").rename(tmp_path / "c")
    third = read_tree(tmp_path, ["c", "sub"]).digest
    (tmp_path / "c").unlink()
    fourth = read_tree(tmp_path, ["c", "sub"]).digest
    (tmp_path / "c").symlink_to("1")
    fifth = read_tree(tmp_path, ["c", "sub"]).digest
    assert len({first, second, third, fourth, fifth}) == 5


def test_changed_files_are_those_that_decide_the_build(tmp_path: Path) -> None:
    names = ("src/A.sol", "src/B.sol", "src/C.sol", "foundry.toml", "chainops.yaml", "deployments/1.json")
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("1")
    before = read_tree(tmp_path, walk_files(tmp_path)).entries
    assert set(before) == set(names)
    assert changed_files(tmp_path, before) == ()

    # what a script or a person may write while a run goes on or waits
    for name in ("chainops.yaml", "deployments/1.json", "deployments/2.json", "src/New.sol"):
        (tmp_path / name).write_text("2")
    assert changed_files(tmp_path, before) == ()

    (tmp_path / "src" / "A.sol").write_text("2")
    (tmp_path / "src" / "B.sol").unlink()
    (tmp_path / "src" / "C.sol").unlink()
    (tmp_path / "src" / "C.sol").symlink_to("A.sol")
    (tmp_path / "foundry.toml").write_text("2")
    (tmp_path / "remappings.txt").write_text("")
    assert changed_files(tmp_path, before) == (
        "foundry.toml", "remappings.txt", "src/A.sol", "src/B.sol", "src/C.sol"
    )  # fmt: skip


def test_links_out_of_the_tree_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "out").symlink_to("/etc")
    assert walk_files(tmp_path) == ("loop", "out")
    assert read_tree(tmp_path, walk_files(tmp_path)).digest.startswith("sha256:")
