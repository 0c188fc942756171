"""Finds imports that lead nowhere before the compiler does, so that the missing library can be named.

Only what is certain is reported: a project that forge can build must never be refused here.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from chainops.project.model import Import, MissingImport, Project
from chainops.project.remappings import match_remapping
from chainops.project.solidity_imports import read_imports

#: where a library keeps its sources, tried in this order as forge's detection does
_SOURCE_FOLDERS = ("src", "contracts", "")
_MAX_FILES = 5_000


def find_missing(
    files: Iterable[str],
    project: Project,
    *,
    read: Callable[[str], str | None],
    library_folders: Mapping[str, tuple[str, ...]],
) -> tuple[MissingImport, ...]:
    """Follow all imports from `files` and return those that lead nowhere, by file and line.

    `read` gives a file's text by its path from the root, or None when there is none. `library_folders` maps a
    library's folder name to its paths, see `find_library_folders`.
    """
    waiting = list(files)
    seen = set(waiting)
    missing: list[MissingImport] = []
    while waiting and len(seen) < _MAX_FILES:
        path = waiting.pop(0)
        text = read(path)
        if text is None:
            continue
        for statement in read_imports(text):
            candidates = resolve_import(path, statement.target, project, library_folders)
            found = next((c for c in candidates if c in seen or read(c) is not None), None)
            if found is None:
                if _is_certain(path, statement.target, project, library_folders):
                    missing.append(_missing(path, statement, candidates, project))
            elif found not in seen:
                seen.add(found)
                waiting.append(found)
    return tuple(sorted(missing, key=lambda m: (m.path, m.line)))


def resolve_import(
    importer: str, target: str, project: Project, library_folders: Mapping[str, tuple[str, ...]]
) -> tuple[str, ...]:
    """Return the paths from the root that an import may mean, the most likely first.

    Relative imports start at the importing file; others go through the remappings, then from the root; forge
    adds what it detects in the library folders.
    https://docs.soliditylang.org/en/latest/path-resolution.html
    """
    if target.startswith(("./", "../")):
        # relative imports are remapped too, after they are joined
        target = posixpath.normpath(posixpath.join(posixpath.dirname(importer), target))
    candidates: list[str] = []
    if remapping := match_remapping(importer, target, project.remappings):
        candidates.append(remapping.target + target.removeprefix(remapping.prefix))
    candidates.append(target)
    candidates += [f"{lib}/{target}" for lib in project.libs]
    name, _, rest = target.partition("/")
    for folder in library_folders.get(name, ()) if rest else ():
        candidates += ["/".join(filter(None, (folder, inner, rest))) for inner in _SOURCE_FOLDERS]
    return tuple(dict.fromkeys(posixpath.normpath(c) for c in candidates))


def find_library_folders(project: Project) -> dict[str, tuple[str, ...]]:
    """Return the libraries that lie in the project's library folders, three levels deep: name → paths."""
    found: dict[str, list[str]] = {}
    for lib in project.libs:
        _collect(project.root, lib, found, depth=3)
    return {name: tuple(paths) for name, paths in found.items()}


def _collect(root: Path, lib: str, found: dict[str, list[str]], *, depth: int) -> None:
    folder = root / lib
    if depth == 0 or not folder.is_dir():
        return
    for child in sorted(folder.iterdir()):
        if child.name.startswith(".") or not child.is_dir():
            continue
        path = f"{lib}/{child.name}"
        found.setdefault(child.name, []).append(path)
        for inner in () if child.is_symlink() else ("lib", "node_modules"):
            _collect(root, f"{path}/{inner}", found, depth=depth - 1)


def _is_certain(
    importer: str, target: str, project: Project, library_folders: Mapping[str, tuple[str, ...]]
) -> bool:
    if target.startswith("."):
        return True
    remapping = match_remapping(importer, target, project.remappings)
    if _is_library(importer, project):
        return False
    if remapping is not None and not remapping.context:
        return True
    # forge reads remappings inside libraries and more; a library that is there may hold it somewhere
    return target.partition("/")[0] not in library_folders


def _is_library(path: str, project: Project) -> bool:
    """Whether a file belongs to a library, whose own remappings are not known here."""
    return path.startswith("../") or any(path.startswith(f"{lib}/") for lib in project.libs)


def _missing(path: str, statement: Import, candidates: tuple[str, ...], project: Project) -> MissingImport:
    return MissingImport(
        path=path,
        line=statement.line,
        column=statement.column,
        target=statement.target,
        looked_for=candidates[:3],
        remapping=match_remapping(path, statement.target, project.remappings),
    )
