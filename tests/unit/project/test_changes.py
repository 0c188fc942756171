"""The base of a change is what the CI system says it is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from chainops.core.process import MemoryProcessRunner, ScriptedAnswer
from chainops.project.changes import base_of, changed_files
from chainops.project.git import Git


@pytest.mark.parametrize(
    ("env", "base"),
    [
        ({}, "origin/HEAD"),
        ({"GITHUB_ACTIONS": "true", "GITHUB_BASE_REF": "main"}, "origin/main"),
        ({"GITHUB_ACTIONS": "true"}, ""),
        ({"GITHUB_ACTIONS": "true", "GITHUB_EVENT_PATH": "/nowhere"}, ""),
        ({"GITLAB_CI": "true", "CI_MERGE_REQUEST_DIFF_BASE_SHA": "a1", "CI_COMMIT_BEFORE_SHA": "b2"}, "a1"),
        ({"GITLAB_CI": "true", "CI_COMMIT_BEFORE_SHA": "b2"}, "b2"),
        ({"GITLAB_CI": "true", "CI_COMMIT_BEFORE_SHA": "0" * 40}, ""),
    ],
)
def test_the_base_by_environment(env: dict[str, str], base: str) -> None:
    assert base_of(env) == base


@pytest.mark.parametrize(
    ("event", "base"), [({"before": "c3"}, "c3"), ({"before": "0" * 40}, ""), ({"before": 5}, ""), ([], "")]
)
def test_the_base_of_a_push_is_in_its_event(tmp_path: Path, event: object, base: str) -> None:
    file = tmp_path / "event.json"
    file.write_text(json.dumps(event))
    assert base_of({"GITHUB_ACTIONS": "true", "GITHUB_EVENT_PATH": str(file)}) == base


async def test_what_differs_holds_untracked_files_and_none_of_ours() -> None:
    runner = MemoryProcessRunner(
        ScriptedAnswer(when="merge-base", stdout=b"abc\n"),
        ScriptedAnswer(when="config --list"),
        ScriptedAnswer(when="diff --name-only", stdout="src/Ü.sol\0README\0".encode()),
        ScriptedAnswer(when="ls-files", stdout=b"new.sol\0.chainops/state.db\0"),
    )
    git = Git(runner=runner, folder=Path("/x"), environ={})
    assert await changed_files(git, {}) == ("README", "new.sol", "src/Ü.sol")


async def test_it_is_unknown_without_a_base_or_git() -> None:
    shallow = MemoryProcessRunner(ScriptedAnswer(when="merge-base", returncode=128))
    assert await changed_files(Git(runner=shallow, folder=Path("/x"), environ={}), {}) is None
    missing = Git(runner=MemoryProcessRunner(), folder=Path("/x"), environ={})
    assert await changed_files(missing, {}) is None
    assert await changed_files(missing, {"GITHUB_ACTIONS": "true"}) is None
