"""The circumstances of a run that `when` conditions ask about: Git's branch and what the CI system says."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from chainops.app.config import Config
from chainops.pipeline.conditions import Facts


def run_facts(workspace: Path, config: Config, env: Mapping[str, str] | None = None) -> Facts:
    """Return the facts of a run over `workspace`.

    GitHub's and GitLab's documented variables win over the local Git branch. What changed is asked for with
    `run_changes`, as Git has to be run for it.
    """
    environment = os.environ if env is None else env
    network = config.target_network
    if environment.get("GITHUB_ACTIONS") == "true":
        return _github(environment, network)
    if environment.get("GITLAB_CI") == "true":
        return _gitlab(environment, network)
    ci = environment.get("CI", "").lower() in ("1", "true")
    return Facts(branch=_local_branch(workspace), network=network, ci=ci)


async def run_changes(
    workspace: Path, config: Config, env: Mapping[str, str] | None = None
) -> tuple[str, ...] | None:
    """Return the files of the project that differ from the base; None where that cannot be known."""
    from chainops.core.process import LocalProcessRunner
    from chainops.project.changes import changed_files
    from chainops.project.detect import detect
    from chainops.project.errors import NoProjectError
    from chainops.project.git import Git

    if config.repository_url:
        return None
    try:
        root = detect(workspace, path=config.path, profile=config.foundry.profile).root
    except NoProjectError:
        return None
    environment = os.environ if env is None else env
    return await changed_files(
        Git(runner=LocalProcessRunner(), folder=root, environ=environment), environment
    )


def _github(env: Mapping[str, str], network: str) -> Facts:
    event = env.get("GITHUB_EVENT_NAME", "push")
    is_tag = env.get("GITHUB_REF_TYPE") == "tag"
    name = env.get("GITHUB_HEAD_REF") or env.get("GITHUB_REF_NAME", "")
    return Facts(
        branch="" if is_tag else name,
        tag=name if is_tag else "",
        event=event,
        network=network,
        pull_request=event in ("pull_request", "pull_request_target"),
        ci=True,
    )


def _gitlab(env: Mapping[str, str], network: str) -> Facts:
    return Facts(
        branch=env.get("CI_MERGE_REQUEST_SOURCE_BRANCH_NAME") or env.get("CI_COMMIT_BRANCH", ""),
        tag=env.get("CI_COMMIT_TAG", ""),
        event=env.get("CI_PIPELINE_SOURCE", "push"),
        network=network,
        pull_request=env.get("CI_PIPELINE_SOURCE") == "merge_request_event",
        ci=True,
    )


def _local_branch(workspace: Path) -> str:
    """Read the branch from `.git/HEAD` of the nearest repository; empty when detached or without one."""
    for folder in (workspace, *workspace.parents):
        git = folder / ".git"
        if git.is_file():  # a worktree or submodule names its folder in a line
            git = folder / git.read_text().removeprefix("gitdir:").strip()
        head = git / "HEAD"
        if head.is_file():
            return head.read_text().strip().removeprefix("ref: refs/heads/") if _on_branch(head) else ""
    return ""


def _on_branch(head: Path) -> bool:
    return head.read_text().startswith("ref: refs/heads/")
