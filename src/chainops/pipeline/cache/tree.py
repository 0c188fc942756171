"""Sees all files of a project at one moment: what there is, and whether a stage left it as it was."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from chainops.pipeline.cache.digests import FileDigests, FileFacts

#: version control and our own state: a stage's work on them is not the project's
_NEVER = frozenset({".git", ".chainops"})
_DEEPEST = 64

#: kind, and for files what stat(2) says; folders count by being there
Seen = tuple[str, int, int, int, int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceTree:
    """Everything below a project's root, and below folders outside that it reads, as it was when seen.

    Paths are relative to the root, absolute for what lies outside of it.
    """

    root: Path
    seen: Mapping[str, Seen]
    digests: FileDigests = field(repr=False)

    @classmethod
    def see(
        cls, root: Path, others: Iterable[Path], digests: FileDigests, *, without: Iterable[Path] = ()
    ) -> SourceTree:
        """Look at all folders but those in `without`; what does not exist is left out."""
        walk = _Walk(without)
        for prefix, folder in [("", root), *((f"{other}/", other) for other in others)]:
            walk.folder(str(folder), prefix, 0)
        walk.follow_links()
        return cls(root=root, seen=walk.found, digests=digests)

    def names(self) -> Iterator[str]:
        """Yield the paths of all files, links to files included."""
        return (name for name, what in self.seen.items() if what[0] == "file")

    def others(self) -> Iterator[str]:
        """Yield what is no file: folders as `name/`, links as `name -> target`, sockets and the like."""
        for name, what in self.seen.items():
            if what[0] != "file":
                yield f"{name}/" if what[0] == "folder" else name

    def has_folder(self, name: str) -> bool:
        """Whether a folder lies there."""
        return self.seen.get(name, ("",))[0] == "folder"

    def facts(self, name: str) -> FileFacts:
        """Return digest and marks of a file, inside or outside of the tree, as it is now."""
        return self.digests.of(self.root / name)

    def digest(self, name: str) -> str:
        """Return a file's digest as it is now; `absent` when there is none."""
        return self.facts(name).digest


def changes(before: Mapping[str, object], after: Mapping[str, object]) -> tuple[str, ...]:
    """Return the paths that came, went or changed, sorted."""
    return tuple(sorted(n for n in before.keys() | after.keys() if before.get(n) != after.get(n)))


class _Walk:
    """Lists folders, each once; links to folders last, so that a file has its own name where it has one."""

    def __init__(self, without: Iterable[Path]) -> None:
        self.found: dict[str, Seen] = {}
        self._without = frozenset(str(p) for path in without for p in (path.absolute(), path.resolve()))
        self._walked: set[tuple[int, int]] = set()
        self._links: list[tuple[str, str, int]] = []

    def folder(self, path: str, prefix: str, depth: int) -> None:
        try:
            status = Path(path).stat()
            identity = (status.st_dev, status.st_ino)
            if identity in self._walked or depth > _DEEPEST:
                return
            self._walked.add(identity)
            with os.scandir(path) as entries:
                listed = sorted(entries, key=lambda entry: entry.name)
        except OSError:  # what cannot be listed holds nothing for the tools either
            return
        for entry in listed:
            if entry.name not in _NEVER and entry.path not in self._without:
                self._see(entry, prefix + entry.name, depth)

    def follow_links(self) -> None:
        while self._links:
            path, prefix, depth = self._links.pop(0)
            self.folder(path, prefix, depth)

    def _see(self, entry: os.DirEntry[str], name: str, depth: int) -> None:
        try:
            is_link = entry.is_symlink()
            if is_link:
                # where it leads may change as well as what lies there; as written, which Path would tidy
                own = entry.stat(follow_symlinks=False)
                self.found[f"{name} -> {os.readlink(entry.path)}"] = _seen("link", own)  # noqa: PTH115
            if entry.is_dir():
                self.found[name] = ("folder", 0, 0, 0, 0, 0)
                if is_link:
                    self._links.append((entry.path, name + "/", depth + 1))
                else:
                    self.folder(entry.path, name + "/", depth + 1)
                return
            status = entry.stat()
            self.found[name] = _seen("file" if stat.S_ISREG(status.st_mode) else "other", status)
        except OSError:  # a link that leads nowhere, or a file that went meanwhile
            self.found[name] = ("gone", 0, 0, 0, 0, 0)


def _seen(kind: str, status: os.stat_result) -> Seen:
    return (kind, status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino, status.st_dev)
