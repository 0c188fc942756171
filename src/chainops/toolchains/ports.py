"""What the stages ask of a toolchain; Hardhat, Vyper and the rest follow as further adapters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Protocol

from chainops.core.sink import Sink
from chainops.core.tooluse import ToolUse
from chainops.toolchains.model import BuildResult, Coverage, Document, GasReport, SuiteResult


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolchainRequest:
    """Where a toolchain works and within which limits."""

    project_root: Path
    #: build output and cache shared by the run's stages; written by `build` alone
    build_dir: Path
    #: an empty folder of this stage's own
    scratch: Path
    #: declared by the project's config; secrets are resolved and masked
    env: Mapping[str, str] = field(default_factory=dict)
    timeout_s: float | None = None
    marker: str = ""
    #: Foundry's profile or the like; empty for the default
    profile: str = ""
    allow_ffi: bool = False
    #: HOME of the project's code; `home` beside `build_dir` when None
    home: Path | None = None
    #: release of the compiler, and EVM version, whatever the project's own configuration says; empty for that
    solc: str = ""
    evm_version: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TestSelection:
    """Which tests to run: globs over paths relative to the root. `rpc_url` runs them against that chain."""

    __test__: ClassVar[bool] = False  # pytest would collect the class by its name

    match_path: str = ""
    no_match_path: str = ""
    rpc_url: str = ""
    extra_env: Mapping[str, str] = field(default_factory=dict)


class Toolchain(Protocol):
    """Builds, tests and measures one kind of project."""

    @property
    def name(self) -> str:
        """`foundry`, `hardhat` …"""

    async def tools(self) -> tuple[ToolUse, ...]:
        """Return the programs it runs, installed."""

    async def build(self, request: ToolchainRequest, sink: Sink) -> BuildResult:
        """Compile everything, tests included; a mistake in the code is a result, not an exception."""

    async def documentation(self, build: BuildResult) -> tuple[Document, ...]:
        """Return pages made from the comments (NatSpec) of the project's own contracts."""

    async def test(self, request: ToolchainRequest, selection: TestSelection, sink: Sink) -> SuiteResult:
        """Run the selected tests; failing ones are a result."""

    async def coverage(self, request: ToolchainRequest, selection: TestSelection, sink: Sink) -> Coverage:
        """Measure the coverage of the project's own sources."""

    async def gas(self, request: ToolchainRequest, selection: TestSelection, sink: Sink) -> GasReport:
        """Measure gas by function while running the selected tests."""
