"""The files of a project and one digest over all of them: what a later stage's cache stands on."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path

from chainops.core.hashing import read_chunks
from chainops.project.model import Project

#: never sources: version control, our own state, installed packages
_NEVER = {".git", ".chainops", "node_modules", ".hg", ".svn", "__pycache__", ".venv"}


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


def tree_digest(root: Path, paths: Iterable[str]) -> str:
    """Return the sha256 over path, kind and content of each file, in the order of their paths.

    A folder among `paths` (a submodule) counts with all its files; what is not there counts as absent. Links
    count by their target and are not followed.
    """
    state = hashlib.sha256()
    for path in sorted(set(paths)):
        for name in _expand(root, path):
            state.update(_entry(root, name))
    return "sha256:" + state.hexdigest()


def _expand(root: Path, path: str) -> Iterable[str]:
    full = root / path
    if full.is_symlink() or not full.is_dir():
        return [path]
    return [f"{path}/{name}" for name in walk_files(full)]


def _entry(root: Path, path: str) -> bytes:
    full = root / path
    name = path.encode("utf-8", "surrogateescape")
    if full.is_symlink():
        target = str(full.readlink()).encode("utf-8", "surrogateescape")
        return b"link\0" + name + b"\0" + hashlib.sha256(target).digest()
    if not full.is_file():
        return b"absent\0" + name + b"\0"
    content = hashlib.sha256()
    for chunk in read_chunks(full):
        content.update(chunk)
    return b"file\0" + name + b"\0" + content.digest()
