"""What `when` conditions can ask about, from CI variables and Git."""

from __future__ import annotations

from pathlib import Path

import pytest

from chainops.app.config import load_config
from chainops.app.facts import run_facts
from chainops.pipeline.conditions import Facts


def facts(workspace: Path, **env: str) -> Facts:
    return run_facts(workspace, load_config(workspace, data={}).config, env)


def test_the_branch_is_read_from_a_local_repository(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "HEAD").write_text("ref: refs/heads/feature/x\n")
    assert facts(tmp_path) == Facts(branch="feature/x", network="embedded")


def test_the_branch_of_a_worktree_is_read_through_its_pointer(tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "HEAD").write_text("ref: refs/heads/side\n")
    work = tmp_path / "work" / "packages"
    work.mkdir(parents=True)
    (tmp_path / "work" / ".git").write_text("gitdir: ../store\n")
    assert facts(work).branch == "side"


def test_a_detached_head_has_no_branch(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "HEAD").write_text("0123456789abcdef0123456789abcdef01234567\n")
    assert facts(tmp_path).branch == ""


@pytest.mark.parametrize(
    ("env", "expected"),
    [
        (
            {"GITHUB_ACTIONS": "true", "GITHUB_EVENT_NAME": "pull_request", "GITHUB_HEAD_REF": "fix"},
            Facts(branch="fix", event="pull_request", pull_request=True, ci=True, network="embedded"),
        ),
        (
            {"GITHUB_ACTIONS": "true", "GITHUB_REF_TYPE": "tag", "GITHUB_REF_NAME": "v1"},
            Facts(tag="v1", event="push", ci=True, network="embedded"),
        ),
        (
            {
                "GITLAB_CI": "true",
                "CI_PIPELINE_SOURCE": "merge_request_event",
                "CI_MERGE_REQUEST_SOURCE_BRANCH_NAME": "fix",
            },
            Facts(branch="fix", event="merge_request_event", pull_request=True, ci=True, network="embedded"),
        ),
        ({"CI": "1"}, Facts(ci=True, network="embedded")),
    ],
    ids=["GitHub pull request", "GitHub tag", "GitLab merge request", "another CI system"],
)
def test_ci_systems_tell_their_event(env: dict[str, str], expected: Facts, tmp_path: Path) -> None:
    assert facts(tmp_path, **env) == expected
