"""What the stages ask of an analyzer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from chainops.analysis.model import Finding
from chainops.core.sink import Sink
from chainops.core.tooluse import ToolUse


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalysisRequest:
    """What to analyze."""

    project_root: Path
    #: sources to report on, relative to the root; tests, scripts and dependencies are not among them
    sources: tuple[str, ...]
    #: further files of the project's own (tests, scripts), for checks that concern every file: formatting
    own_files: tuple[str, ...] = ()
    #: the private HOME in which forge finds its compilers; None for an empty one in `scratch`
    home: Path | None = None
    #: an empty folder for whatever the tool writes
    scratch: Path
    #: the compiler's output of this run (`out` with `build-info`), for analyzers that read it
    build_output: Path | None = None
    timeout_s: float | None = None
    #: marks the processes, see `core.process.Command.marker`
    marker: str = ""
    #: environment that the project declares for its tools
    env: Mapping[str, str] = field(default_factory=dict)
    #: what `build_output` was compiled with instead of the project's own choice; empty for that
    solc: str = ""
    evm_version: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalysisReport:
    """What an analyzer found. `raw` is its own report, kept as an artifact."""

    tool: ToolUse
    findings: tuple[Finding, ...]
    raw: bytes = b""
    raw_name: str = ""
    #: analyzer-specific figures for the report, JSON values only
    details: Mapping[str, Any] = field(default_factory=dict)
    #: why the tool cannot look at this project at all; then nothing is known, and the report says so
    not_run: str = ""
    #: programs that take part when the tool runs, such as its interpreter
    stands_on: tuple[ToolUse, ...] = ()

    @property
    def uses(self) -> tuple[ToolUse, ...]:
        """Every program that took part, the tool itself first."""
        return (self.tool, *self.stands_on)


class Analyzer(Protocol):
    """One analyzer; adapters are registered in `app`."""

    @property
    def name(self) -> str:
        """The name used in configs, findings and reports."""

    async def analyze(self, request: AnalysisRequest, sink: Sink) -> AnalysisReport:
        """Run the tool and parse what it printed.

        Raises `MachineError` when the tool failed, which is never the same as finding nothing.
        """


class CompilerProvider(Protocol):
    """Puts the compilers that a project asks for into its HOME, for linters that compile for themselves."""

    async def provide(self, request: AnalysisRequest, sink: Sink) -> None:
        """Make `request.home` hold every solc that forge will look for.

        Raises `ChainopsError` when a compiler cannot be had.
        """


class BuildProvider(Protocol):
    """Compiles sources once more, in one go, for analyzers to which an incremental build is no use."""

    async def build(self, request: AnalysisRequest, folder: Path, sink: Sink) -> Path:
        """Compile `request.sources` into the empty `folder` and return the output folder with `build-info`.

        Raises `ChainopsError` when the sources do not compile.
        """
