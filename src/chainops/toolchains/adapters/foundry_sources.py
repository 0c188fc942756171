"""Walks a project's sources and what they import, to learn which compilers forge will ask for."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from pathlib import Path

from chainops.core.text import decode
from chainops.toolchains.adapters.solc_versions import SourceHead, read_head
from chainops.toolchains.foundry_config import FoundryConfig

_SKIPPED_FOLDERS = frozenset({"node_modules", ".git", ".chainops"})


def compiled_sources(root: Path, config: FoundryConfig) -> tuple[str, ...]:
    """Return the sources, tests and scripts that forge compiles, relative to the root, sorted."""
    found: set[str] = set()
    for folder in {config.src, config.test, config.script}:
        if (root / folder).is_dir():
            found.update(_solidity_below(root, root / folder, config))
    return tuple(sorted(found))


def _solidity_below(root: Path, folder: Path, config: FoundryConfig) -> Iterator[str]:
    import os

    for where, folders, names in os.walk(folder):
        folders[:] = [f for f in folders if f not in _SKIPPED_FOLDERS]
        for name in names:
            if name.endswith(".sol"):
                path = (Path(where) / name).relative_to(root).as_posix()
                if not config.layout.is_library(path):
                    yield path


def gather_pragmas(root: Path, config: FoundryConfig) -> dict[str, tuple[str, ...]]:
    """Return, for each compiled source, the pragmas of it and of all it imports.

    What an import leads to is found as forge finds it: relative to the importer, by the longest remapping
    that fits, in the library folders, or from the root. An import that leads nowhere is left for the build.
    """
    heads = _Heads(root, config)
    return {path: heads.conditions(path) for path in compiled_sources(root, config)}


class _Heads:
    """Reads each source once."""

    def __init__(self, root: Path, config: FoundryConfig) -> None:
        self._root = root
        self._config = config
        self._heads: dict[str, tuple[SourceHead, tuple[str, ...]]] = {}

    def conditions(self, path: str) -> tuple[str, ...]:
        seen: set[str] = set()
        waiting = [path]
        conditions: dict[str, None] = {}
        while waiting:
            current = waiting.pop()
            if current in seen:
                continue
            seen.add(current)
            head, imported = self._read(current)
            conditions.update(dict.fromkeys(head.pragmas))
            waiting.extend(imported)
        return tuple(conditions)

    def _read(self, path: str) -> tuple[SourceHead, tuple[str, ...]]:
        if path not in self._heads:
            file = self._root / path
            head = read_head(decode(file.read_bytes())) if file.is_file() else SourceHead()
            targets = (resolve_import(self._root, self._config, path, name) for name in head.imports)
            self._heads[path] = (head, tuple(t for t in targets if t))
        return self._heads[path]


def resolve_import(root: Path, config: FoundryConfig, importer: str, name: str) -> str:
    """Return the path that an import leads to, relative to the root; empty when there is no such file."""
    if name.startswith("."):
        candidates = [posixpath.normpath(posixpath.join(posixpath.dirname(importer), name))]
    else:
        remapped = applied_remapping(config.remappings, importer, name)
        candidates = [remapped[1]] if remapped else []
        candidates += [f"{lib}/{name}" for lib in config.libs] + [name]
    return next((c for c in candidates if (root / c).is_file()), "")


def applied_remapping(remappings: list[str], importer: str, name: str) -> tuple[str, str] | None:
    """Return the remapping that solc applies to an import, and the path it makes of it.

    The longest context that fits wins, then the longest prefix
    (https://docs.soliditylang.org/en/latest/path-resolution.html#import-remapping).
    """
    best: tuple[int, int, str, str] | None = None
    for remapping in remappings:
        left, equals, target = remapping.partition("=")
        context, colon, prefix = left.rpartition(":")
        if not equals or not prefix or not name.startswith(prefix):
            continue
        if colon and not importer.startswith(context):
            continue
        rank = (len(context), len(prefix), remapping, target + name[len(prefix) :])
        if best is None or rank[:2] >= best[:2]:
            best = rank
    return (best[2], best[3]) if best else None


def pinned_place_order(unserved: Mapping[str, tuple[str, ...]]) -> str:
    """Return the source to name when no release fits: one whose conditions are fewest, then by name."""
    return min(unserved, key=lambda path: (len(unserved[path]), path))
