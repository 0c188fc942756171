"""Provides the sources: a clone at a ref, or the local tree as it is, with everything that is known of it.

Outputs: `project_root`, `workspace_kind` (`local` or `clone`), `url`, `ref`, `commit`, `author`, `date`,
`subject`, `branch`, `dirty`, `changed_files`, `changes` (path and what happened), `submodules`, `files`,
`tree_digest`, `toolchain`, `path`, `sources`, `tests`, `scripts`, `mocks`.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chainops.core.errors import ChainopsError, Place
from chainops.core.hashing import canonical_json, digest_file
from chainops.core.process import ProcessRunner
from chainops.core.secrets import Masker, git_url_secrets, mask_git_url
from chainops.core.text import one_line, plural
from chainops.core.tooluse import ToolUse
from chainops.pipeline.model import FailureKind, Outcome, StageContext, StageStatus
from chainops.project.clone import clone, is_local
from chainops.project.detect import detect
from chainops.project.files import find_files
from chainops.project.git import Git, git_environment
from chainops.project.model import Project, ProjectFiles
from chainops.project.settings import CONFIG_NAMES, ProjectSettings
from chainops.project.tree import read_tree, walk_files
from chainops.project.worktree import WorkTree, read_worktree
from chainops.quality.model import Measurement
from chainops.stages.common import SOURCE_CHECKOUT, TREE_ARTIFACT
from chainops.stages.options import SourceCheckoutOptions

_MOST_NAMED = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class _Source:
    """Where the tree came from."""

    folder: Path
    kind: str
    url: str = ""
    ref: str = ""


class SourceCheckoutStage:
    """Clones, or takes the workspace, and finds the project in it."""

    name = SOURCE_CHECKOUT

    def __init__(
        self,
        *,
        runner: ProcessRunner,
        settings: ProjectSettings,
        options: SourceCheckoutOptions | None = None,
        repository_url: str = "",
        masker: Masker | None = None,
        profile: str = "",
        environ: Mapping[str, str] | None = None,
    ) -> None:
        """`repository_url` is the settings' one with its references resolved; it may hold a token."""
        self._runner = runner
        self._settings = settings
        self._options = options or SourceCheckoutOptions()
        self._url = repository_url or settings.repository_url
        self._masker = masker or Masker()
        self._profile = profile
        self._environ = os.environ if environ is None else environ

    async def run(self, context: StageContext) -> Outcome:
        """Provide the sources. A project that cannot be found or read fails the stage with its place."""
        source = await self._clone(context) if self._url else _Source(folder=context.workspace, kind="local")
        try:
            project = detect(source.folder, path=self._settings.path, profile=self._profile)
        except ChainopsError as error:
            return _failed(error)
        git = self._git(context, project.root)
        tree = await read_worktree(git)
        files = (
            tree.files if not tree.without_git else await asyncio.to_thread(walk_files, project.root, project)
        )
        read = await asyncio.to_thread(read_tree, project.root, files)
        own = await asyncio.to_thread(find_files, project)
        if not (own.sources or own.tests or own.scripts or own.mocks):
            return _no_sources(project)
        outputs = _outputs(source, project, tree, own)
        outputs |= {"files": len(files), "tree_digest": read.digest}
        _tell(context, source, project, tree)
        if source.kind == "clone":
            _tell_unused_config(context, source.folder, project.root)
        if self._options.require_clean and tree.changes:
            return _not_clean(tree, outputs)
        return Outcome(
            status=StageStatus.SUCCESS,
            reason=_summary(source, tree, own),
            metrics=(Measurement(name="source.files", value=len(files), unit="count"),),
            # a run that is taken up again asks it what has changed since
            artifacts=(
                context.artifacts.put_bytes(
                    TREE_ARTIFACT,
                    canonical_json(read.entries),
                    kind="source-tree",
                    media_type="application/json",
                ),
            ),
            tools=await _tools(git),
            outputs=outputs,
        )

    def _git(self, context: StageContext, folder: Path) -> Git:
        return Git(
            runner=self._runner,
            folder=folder,
            log=context.log,
            marker=context.marker,
            timeout_s=context.timeout_s,
            environ=self._environ,
        )

    async def _clone(self, context: StageContext) -> _Source:
        url = self._url
        for secret in git_url_secrets(url):
            self._masker.add(secret)
        if is_local(url) and not url.startswith("file://"):
            url = str((context.workspace / url).resolve())
        context.say(f"fetching {mask_git_url(url)} at {self._settings.ref or 'its default branch'}")
        cloned = await clone(
            self._git(context, context.scratch),
            url,
            self._settings.ref,
            context.workspace / ".chainops" / "src",
            depth=self._options.depth,
            submodules=self._options.submodules,
        )
        return _Source(folder=cloned.folder, kind="clone", url=mask_git_url(url), ref=self._settings.ref)


def _outputs(source: _Source, project: Project, tree: WorkTree, own: ProjectFiles) -> dict[str, Any]:
    is_clone = source.kind == "clone"
    return {
        "project_root": str(project.root),
        "path": project.path,
        "workspace_kind": source.kind,
        "url": source.url if is_clone else tree.url,
        "ref": source.ref,
        "commit": tree.commit,
        "author": tree.author,
        "date": tree.date,
        "subject": one_line(tree.subject),
        "branch": tree.branch,
        "dirty": bool(tree.changes),
        "changed_files": [path for _, path in tree.changes],
        "changes": [{"path": path, "what": what} for what, path in tree.changes],
        "submodules": [{"path": s.path, "commit": s.commit, "state": s.state} for s in tree.submodules],
        "toolchain": project.toolchain,
        "sources": list(own.sources),
        "tests": list(own.tests),
        "scripts": list(own.scripts),
        "mocks": list(own.mocks),
    }


def _tell(context: StageContext, source: _Source, project: Project, tree: WorkTree) -> None:
    where = project.root if project.path == "." else f"{project.path} of {source.folder}"
    context.say(f"{project.toolchain} project in {where}")
    if tree.without_git:
        context.say(f"{tree.without_git}: commit and author are unknown")
    elif tree.commit:
        context.say(f"commit {tree.commit} by {one_line(tree.author)}: {one_line(tree.subject)}")
    else:
        context.say("a repository without a commit")
    for what, path in tree.changes[:_MOST_NAMED]:
        context.say(f"  not committed: {what} {one_line(path)}")
    if len(tree.changes) > _MOST_NAMED:
        context.say(f"  and {len(tree.changes) - _MOST_NAMED} more")
    for submodule in tree.submodules:
        if submodule.state != "present":
            context.say(f"  submodule {one_line(submodule.path)}: {submodule.state}")


def _tell_unused_config(context: StageContext, *folders: Path) -> None:
    """Whoever can change a repository must not choose what it is judged by."""
    for path in (folder / name for folder in dict.fromkeys(folders) for name in CONFIG_NAMES):
        if path.is_file():
            shown = path.relative_to(folders[0])
            context.say(f"{shown} of the cloned repository is not used: the workspace's configuration holds")


def _summary(source: _Source, tree: WorkTree, own: ProjectFiles) -> str:
    count = f"{plural(len(own.sources), 'source')}, {plural(len(own.tests), 'test file')}"
    at = f"commit {tree.commit[:12]}" if tree.commit else tree.without_git or "no commit yet"
    changed = f", {plural(len(tree.changes), 'uncommitted change')}" if tree.changes else ""
    return f"{source.url or 'local tree'}: {at}{changed}; {count}"


def _no_sources(project: Project) -> Outcome:
    return Outcome(
        status=StageStatus.FAILED,
        failure=FailureKind.PROJECT,
        code="SRC202",
        reason=f"no Solidity files in {one_line(project.src)}/",
        hint='add contracts there, or name their folder in foundry.toml: src = "contracts"',
        places=(Place("foundry.toml", 1),),
    )


def _not_clean(tree: WorkTree, outputs: Mapping[str, Any]) -> Outcome:
    named = ", ".join(one_line(path, 80) for _, path in tree.changes[:5])
    return Outcome(
        status=StageStatus.FAILED,
        failure=FailureKind.PROJECT,
        code="SRC201",
        reason=f"{plural(len(tree.changes), 'change')} not committed: {named}",
        hint="commit or stash them, or set `require_clean: false`",
        places=tuple(Place(path) for _, path in tree.changes[:_MOST_NAMED]),
        outputs=outputs,
    )


def _failed(error: ChainopsError) -> Outcome:
    kinds = {1: FailureKind.PROJECT, 2: FailureKind.CONFIG}
    return Outcome(
        status=StageStatus.FAILED,
        failure=kinds.get(int(error.exit_code), FailureKind.MACHINE),
        code=error.code,
        reason=error.message,
        hint=error.hint,
        places=(error.place,) if error.place else (),
    )


async def _tools(git: Git) -> tuple[ToolUse, ...]:
    try:
        version = (await git.output("version")).strip().removeprefix("git version ")
    except ChainopsError:  # the tree was read without Git
        return ()
    program = shutil.which("git", path=git_environment(git.environ).get("PATH"))
    digest = await asyncio.to_thread(digest_file, Path(program)) if program else ""
    return (ToolUse(name="git", version=version, digest=digest, origin="system"),)
