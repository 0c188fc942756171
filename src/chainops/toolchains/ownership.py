"""Tells the project's own contracts from its tests, scripts, mocks and libraries."""

from __future__ import annotations

import fnmatch
from dataclasses import dataclass
from pathlib import PurePosixPath

_TEST_FOLDERS = frozenset({"test", "tests", "testing"})
_MOCK_FOLDERS = frozenset({"mock", "mocks", "harness", "harnesses"})
_SCRIPT_FOLDERS = frozenset({"script", "scripts"})
_LIBRARY_FOLDERS = frozenset({"node_modules", "lib", "dependencies"})


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceLayout:
    """Where a project keeps what, as paths relative to its root (forward slashes)."""

    source: str = "src"
    test: str = "test"
    script: str = "script"
    libraries: tuple[str, ...] = ("lib",)

    def is_own(self, path: str) -> bool:
        """Whether `path` is a source that ships: not a test, script, mock or library.

        Folders count by name below the source folder too (`src/test/…`, `src/mocks/…`), and so do the
        suffixes `.t.sol` and `.s.sol` and names such as `MockToken.sol`.
        """
        if path.startswith(("/", "../")) or self.is_library(path):
            return False
        if path.endswith((".t.sol", ".s.sol")):
            return False
        if not _within(path, self.source) or self._in_other_folder(path):
            return False
        inner = (
            PurePosixPath(path).relative_to(self.source)
            if self.source not in ("", ".")
            else PurePosixPath(path)
        )
        folders = {part.lower() for part in inner.parts[:-1]}
        return not (
            folders & (_TEST_FOLDERS | _MOCK_FOLDERS | _SCRIPT_FOLDERS)
            or is_mock_name(PurePosixPath(path).stem)
        )

    def _in_other_folder(self, path: str) -> bool:
        # a test folder that is the source folder, or around it, says nothing
        return any(
            _within(path, folder) for folder in (self.test, self.script) if not _within(self.source, folder)
        )

    def is_library(self, path: str) -> bool:
        """Whether `path` belongs to a dependency."""
        if any(_within(path, folder) for folder in self.libraries if not _within(self.source, folder)):
            return True
        return PurePosixPath(path).parts[:1] != () and (
            PurePosixPath(path).parts[0] in _LIBRARY_FOLDERS or "node_modules" in PurePosixPath(path).parts
        )


def is_mock_name(stem: str) -> bool:
    """Whether a file's or contract's name says that it is a stand-in: `MockToken`, `TokenHarness`."""
    return stem.startswith("Mock") or stem.endswith(("Mock", "Mocks", "Harness"))


def matches(path: str, patterns: tuple[str, ...]) -> bool:
    """Whether `path` fits one of the globs: `**` and `*` cross folders, a folder stands for all below it."""
    return any(
        fnmatch.fnmatchcase(path, pattern.replace("**", "*")) or _within(path, pattern.rstrip("/"))
        for pattern in patterns
    )


def _within(path: str, folder: str) -> bool:
    folder = folder.strip("/") if not folder.startswith("/") else folder.rstrip("/")
    if folder in ("", "."):
        return True
    return path == folder or path.startswith(folder + "/")
