"""Lists the libraries that a project uses, and says in words which are missing."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from chainops.core.errors import Place
from chainops.core.recursion import recursion_bounded
from chainops.core.text import one_line, plural
from chainops.project.files import find_files
from chainops.project.missing import find_library_folders, find_missing
from chainops.project.model import MissingImport, Project
from chainops.project.solidity_imports import read_imports

_MAX_SOURCE_BYTES = 4 << 20
_PACKAGES = "node_modules"


@dataclass(frozen=True, slots=True, kw_only=True)
class Library:
    """A library that is there. `version` is empty when it does not say."""

    name: str
    path: str
    version: str


def installed_libraries(
    project: Project, wanted: Iterable[str] = (), packages: str = _PACKAGES
) -> tuple[Library, ...]:
    """Return the folders of the project's libraries, and of the npm packages that it asks for directly.

    `packages` is the folder of npm's packages relative to the root.
    """
    found: list[Library] = []
    for lib in project.libs:
        folder = project.root / lib
        if lib.rpartition("/")[2] != _PACKAGES and folder.is_dir():
            found += [
                _library(child.name, child, f"{lib}/{child.name}")
                for child in sorted(folder.iterdir())
                if child.is_dir() and not child.name.startswith(".") and any(child.iterdir())
            ]
    found += [
        _library(name, project.root / packages / name, f"{packages}/{name}")
        for name in wanted
        if (project.root / packages / name).is_dir()
    ]
    return tuple(found)


def _library(name: str, folder: Path, path: str) -> Library:
    version = ""
    try:
        with recursion_bounded():
            manifest = json.loads((folder / "package.json").read_bytes())
        version = str(manifest.get("version", "")) if isinstance(manifest, dict) else ""
    except (OSError, ValueError, RecursionError):  # a library need not be an npm package
        pass
    return Library(name=name, path=path, version=one_line(version, 60))


def missing_imports(project: Project) -> tuple[MissingImport, ...]:
    """Return the imports of the project's own files, and of what they import, that lead nowhere."""
    files = find_files(project)
    own = [*files.sources, *files.mocks, *files.tests, *files.scripts]
    return find_missing(
        own,
        project,
        read=lambda path: _read(project.root, path),
        library_folders=find_library_folders(project),
    )


def uses_packages(project: Project, wanted: Iterable[str]) -> bool:
    """Whether a remapping or an import of the project's own files needs one of these npm packages."""
    if any(_PACKAGES in remapping.target for remapping in project.remappings):
        return True
    beginnings = tuple(f"{name}/" for name in wanted)
    files = find_files(project)
    own = (*files.sources, *files.mocks, *files.tests, *files.scripts)
    targets = (one.target for path in own for one in read_imports(_read(project.root, path) or ""))
    followed = (one.target for one in missing_imports(project))
    return any(
        _PACKAGES in target or target.startswith(beginnings)
        for found in (targets, followed)
        for target in found
    )


def _read(root: Path, path: str) -> str | None:
    file = root / path
    try:
        if not file.is_file():
            return None
        with file.open("rb") as opened:
            return opened.read(_MAX_SOURCE_BYTES).decode("utf-8", "replace")
    except (OSError, ValueError):
        return None


def describe_missing(missing: tuple[MissingImport, ...]) -> tuple[str, str, tuple[Place, ...]]:
    """Return reason, hint and places for imports that lead nowhere; the first library is spelled out."""
    groups: dict[str, list[MissingImport]] = {}
    for one in missing:
        groups.setdefault(one.library, []).append(one)
    name, first = next((n, g[0]) for n, g in groups.items())
    reason = f"{_subject(first, name)}: {first.path}:{first.line} imports `{one_line(first.target, 120)}`"
    if first.remapping:
        target = first.looked_for[0] if first.looked_for else first.remapping.target
        reason += f"; the remapping `{first.remapping}` leads to {one_line(target, 160)}, which is not there"
    others = [n for n in groups if n != name]
    if others:
        reason += f"; also missing: {', '.join(one_line(n, 60) for n in others[:5])}"
    if len(missing) > 1:
        reason += f" ({plural(len(missing), 'import')} in all)"
    places = tuple(Place(m.path, m.line, m.column) for m in missing[:20])
    return reason, _hint(first), places


def _subject(first: MissingImport, name: str) -> str:
    if first.target.startswith("."):
        return "a file is missing"
    if "://" in first.target:
        return "imports from the web are not fetched"
    return f"library `{one_line(name, 80)}` is missing"


def _hint(first: MissingImport) -> str:
    if first.target.startswith("."):
        return "check the path and its upper and lower case, or add the file to the repository"
    target = first.remapping.target if first.remapping else ""
    library = one_line(first.library, 80)
    if _PACKAGES in target or first.library.startswith("@"):
        package = target.partition(f"{_PACKAGES}/")[2].rstrip("/") or library
        parts = package.split("/")
        package = "/".join(parts[:2] if package.startswith("@") else parts[:1])
        return f"npm install --save-dev {package}, then commit package.json and package-lock.json"
    if target.startswith("dependencies/"):
        return "commit what soldeer installed, or install it before the run: forge soldeer install"
    return f"add it as a submodule under lib/ (forge install), or map `{library}/` to where it lies"
