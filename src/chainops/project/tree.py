"""The files of a project and one digest over all of them: what a later stage's cache stands on."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from chainops.core.hashing import read_chunks
from chainops.project.model import Project

#: never sources: version control, our own state, installed packages
_NEVER = {".git", ".chainops", "node_modules", ".hg", ".svn", "__pycache__", ".venv"}
_SOURCES = (".sol", ".vy", ".yul")
#: in the project's own folder these also count when they are new
_SETTINGS = (
    "foundry.toml",
    "remappings.txt",
    ".gitmodules",
    "foundry.lock",
    "soldeer.lock",
    "package.json",
    "package-lock.json",
    "pnpm-lock.yaml",
    "yarn.lock",
    "requirements.txt",
)
_ABSENT = "absent"


def walk_files(root: Path, project: Project | None = None) -> tuple[str, ...]:
    """Return all files below `root` that are sources, for a folder without Git; sorted, with `/`."""
    skipped = {project.out, project.cache, "broadcast"} if project else set()
    found: list[str] = []
    for current, folders, names in os.walk(root):
        at = os.path.relpath(current, root).replace(os.sep, "/")
        prefix = "" if at == "." else at + "/"
        folders[:] = sorted(f for f in folders if f not in _NEVER and prefix + f not in skipped)
        links = [f for f in folders if (Path(current) / f).is_symlink()]
        found += [prefix + name for name in (*names, *links)]
    return tuple(sorted(found))


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """A tree's files as they were."""

    #: sha256 over path, kind and content of each file, in the order of their paths
    digest: str
    #: what each path held: `file:<sha256>`, `link:<sha256 of its target>` or `absent`
    entries: Mapping[str, str]


def read_tree(root: Path, paths: Iterable[str]) -> Tree:
    """Return what `paths` below `root` hold.

    A folder among them (a submodule) counts with all its files; what is not there counts as absent. Links
    count by their target and are not followed.
    """
    names = sorted(name for path in set(paths) for name in _expand(root, path))
    entries = {name: _entry(root, name) for name in names}
    state = hashlib.sha256()
    for name, entry in entries.items():
        state.update(name.encode("utf-8", "surrogateescape") + b"\0" + entry.encode() + b"\0")
    return Tree(digest="sha256:" + state.hexdigest(), entries=entries)


def decides_the_build(path: str) -> bool:
    """Return whether what is compiled can depend on a file: a source, or what chooses sources and settings.

    Reports, addresses and snapshots are none of these: scripts and tests may write them during a run.
    """
    *folders, name = path.split("/")
    return not _NEVER.intersection(folders) and (name.endswith(_SOURCES) or name in _SETTINGS)


def changed_files(root: Path, before: Mapping[str, str]) -> tuple[str, ...]:
    """Return which of the files that decide the build are not as they were, sorted; `before` is a `Tree`'s.

    A source that is new is none of them: nothing that was compiled can hold it before it is imported, which
    changes another file, or before a setting names it.
    """
    paths = {path for path in before if decides_the_build(path)} | set(_SETTINGS)
    return tuple(path for path in sorted(paths) if _entry(root, path) != before.get(path, _ABSENT))


def _expand(root: Path, path: str) -> Iterable[str]:
    full = root / path
    if full.is_symlink() or not full.is_dir():
        return [path]
    return [f"{path}/{name}" for name in walk_files(full)]


def _entry(root: Path, path: str) -> str:
    full = root / path
    if full.is_symlink():
        target = str(full.readlink()).encode("utf-8", "surrogateescape")
        return "link:" + hashlib.sha256(target).hexdigest()
    if not full.is_file():
        return _ABSENT
    content = hashlib.sha256()
    for chunk in read_chunks(full):
        content.update(chunk)
    return "file:" + content.hexdigest()
