"""Sorts a project's Solidity files by role: sources, tests, scripts, mocks."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import PurePosixPath

from chainops.project.model import Project, ProjectFiles

#: folders among the sources that hold stand-ins and helpers for tests
_MOCK_FOLDERS = {"mock", "mocks", "test", "tests", "testing", "test-helpers", "harness", "harnesses"}
_MOCK_NAME = re.compile(r"(?:\AMock[A-Z0-9_]|Mock\.sol\Z|Mocks\.sol\Z|Harness\.sol\Z)")
_NEVER = {".git", ".chainops", "node_modules"}


def role_of(path: str, project: Project) -> str:
    """Return `source`, `test`, `script`, `mock`, `library` or `other` for a path relative to the root.

    A file is what its most specific folder says; `.t.sol` and `.s.sol` are tests and scripts anywhere, as for
    forge. A mock is a file of the sources that lies in a folder for tests or is named as one.
    """
    if any(_within(path, lib) for lib in project.libs) or path.startswith("../"):
        return "library"
    if path.endswith(".t.sol"):
        return "test"
    if path.endswith(".s.sol"):
        return "script"
    folders = {"source": project.src, "test": project.test, "script": project.script}
    fitting = [(len(folder), role) for role, folder in folders.items() if _within(path, folder)]
    if not fitting:
        return "other"
    role = max(fitting)[1]
    if role != "source":
        return role
    inner = PurePosixPath(path if project.src == "." else path.removeprefix(project.src + "/"))
    is_mock = any(p.lower() in _MOCK_FOLDERS for p in inner.parts[:-1]) or _MOCK_NAME.search(inner.name)
    return "mock" if is_mock else "source"


def sort_files(paths: Iterable[str], project: Project) -> ProjectFiles:
    """Sort Solidity files by role; libraries and what lies elsewhere are left out."""
    by_role: dict[str, list[str]] = {"source": [], "test": [], "script": [], "mock": []}
    for path in sorted(paths):
        if path.endswith(".sol") and (role := role_of(path, project)) in by_role:
            by_role[role].append(path)
    return ProjectFiles(
        sources=tuple(by_role["source"]),
        tests=tuple(by_role["test"]),
        scripts=tuple(by_role["script"]),
        mocks=tuple(by_role["mock"]),
    )


def find_files(project: Project) -> ProjectFiles:
    """Read the project's folders and sort what is in them."""
    found: set[str] = set()
    for folder in {project.src, project.test, project.script}:
        found |= set(_solidity_below(project, folder))
    return sort_files(found, project)


def _solidity_below(project: Project, folder: str) -> Iterable[str]:
    skipped = _NEVER | {project.out, project.cache}
    for current, folders, names in os.walk(project.root / folder):
        at = os.path.relpath(current, project.root).replace(os.sep, "/")
        prefix = "" if at == "." else at + "/"
        folders[:] = [f for f in folders if f not in _NEVER and prefix + f not in skipped]
        yield from (prefix + name for name in names if name.endswith(".sol"))


def _within(path: str, folder: str) -> bool:
    return folder == "." or path.startswith(folder + "/")
