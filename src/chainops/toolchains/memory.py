"""A toolchain that answers from memory, for tests of whatever stands on the port."""

from __future__ import annotations

from chainops.core.sink import Sink
from chainops.core.tooluse import ToolUse
from chainops.toolchains.model import BuildResult, Coverage, Document, GasReport, SuiteResult
from chainops.toolchains.ports import TestSelection, ToolchainRequest


class MemoryToolchain:
    """Gives prepared results and remembers what was asked.

    `builds` are given one after the other, the last one again and again.
    """

    name = "memory"

    def __init__(
        self,
        *,
        builds: tuple[BuildResult, ...] = (BuildResult(ok=True),),
        suite: SuiteResult | None = None,
        coverage: Coverage | None = None,
        gas: GasReport | None = None,
        documents: tuple[Document, ...] = (),
        uses: tuple[ToolUse, ...] = (ToolUse(name="memory", version="1"),),
    ) -> None:
        self._builds = list(builds)
        self._suite = suite or SuiteResult()
        self._coverage = coverage or Coverage()
        self._gas = gas or GasReport()
        self._documents = documents
        self._uses = uses
        self.requests: list[tuple[str, ToolchainRequest, TestSelection | None]] = []

    async def tools(self) -> tuple[ToolUse, ...]:
        """Return the prepared tools."""
        return self._uses

    async def build(self, request: ToolchainRequest, sink: Sink) -> BuildResult:
        """Return the next prepared build."""
        self.requests.append(("build", request, None))
        sink(b"memory build\n")
        return self._builds.pop(0) if len(self._builds) > 1 else self._builds[0]

    async def documentation(self, build: BuildResult) -> tuple[Document, ...]:
        """Return the prepared pages; none for a build that failed."""
        return self._documents if build.ok else ()

    async def test(self, request: ToolchainRequest, selection: TestSelection, sink: Sink) -> SuiteResult:
        """Return the prepared suite."""
        self.requests.append(("test", request, selection))
        sink(b"memory test\n")
        return self._suite

    async def coverage(
        self,
        request: ToolchainRequest,
        selection: TestSelection,
        sink: Sink,  # noqa: ARG002 - named by the port; the twin prints only where a stage shows it
    ) -> Coverage:
        """Return the prepared coverage."""
        self.requests.append(("coverage", request, selection))
        return self._coverage

    async def gas(
        self,
        request: ToolchainRequest,
        selection: TestSelection,
        sink: Sink,  # noqa: ARG002 - named by the port; the twin prints only where a stage shows it
    ) -> GasReport:
        """Return the prepared gas report."""
        self.requests.append(("gas", request, selection))
        return self._gas
