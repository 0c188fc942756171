"""What a folder is: which toolchain builds it and where its parts lie."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Remapping:
    """`context:prefix=target` of the Solidity compiler; `origin` is the file that declares it."""

    prefix: str
    target: str
    context: str = ""
    origin: str = ""

    def __str__(self) -> str:
        context = f"{self.context}:" if self.context else ""
        return f"{context}{self.prefix}={self.target}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A project as its own configuration describes it. Folders are relative to `root`, with `/`."""

    toolchain: str
    #: absolute
    root: Path
    #: from the folder that was asked about to `root`; `.` when they are the same
    path: str = "."
    #: Foundry's profile, and those that its configuration declares
    profile: str = "default"
    profiles: tuple[str, ...] = ("default",)
    src: str = "src"
    test: str = "test"
    script: str = "script"
    out: str = "out"
    cache: str = "cache"
    libs: tuple[str, ...] = ("lib",)
    #: an exact version or a path as configured; empty when each file's pragma decides
    solc: str = ""
    evm_version: str = ""
    via_ir: bool = False
    optimizer: bool = False
    optimizer_runs: int = 200
    #: the project asks for calls to programs of the machine from its tests
    ffi: bool = False
    remappings: tuple[Remapping, ...] = ()
    auto_detect_remappings: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectFiles:
    """The project's own Solidity files by role, sorted; relative to its root, with `/`."""

    sources: tuple[str, ...] = ()
    tests: tuple[str, ...] = ()
    scripts: tuple[str, ...] = ()
    #: stand-ins and helpers for tests that lie among the sources
    mocks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Import:
    """An import statement. Lines and columns count from 1."""

    target: str
    line: int
    column: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MissingImport:
    """An import that leads nowhere, and the remapping that would have led it somewhere."""

    #: the importing file, relative to the root
    path: str
    line: int
    column: int
    target: str
    #: where it was looked for, relative to the root
    looked_for: tuple[str, ...] = field(default=())
    remapping: Remapping | None = None

    @property
    def library(self) -> str:
        """The package that is missing: `@scope/name`, the first folder, or the file itself."""
        if self.target.startswith("."):
            return self.target
        parts = self.target.split("/")
        return "/".join(parts[:2]) if parts[0].startswith("@") and len(parts) > 1 else parts[0]
