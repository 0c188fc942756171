"""A twin of the analyzers: reports what it was given, or fails as it was told to."""

from __future__ import annotations

from chainops.analysis.model import Finding
from chainops.analysis.ports import AnalysisReport, AnalysisRequest
from chainops.core.errors import ChainopsError
from chainops.core.sink import Sink
from chainops.core.tooluse import ToolUse


class MemoryAnalyzer:
    """Implements `Analyzer` without a program, and remembers what it was asked."""

    def __init__(
        self, name: str, *findings: Finding, error: ChainopsError | None = None, raw_name: str = ""
    ) -> None:
        self._name = name
        self._findings = findings
        self._error = error
        self._raw_name = raw_name
        self.requests: list[AnalysisRequest] = []

    @property
    def name(self) -> str:
        """See `Analyzer.name`."""
        return self._name

    async def analyze(self, request: AnalysisRequest, sink: Sink) -> AnalysisReport:
        """See `Analyzer.analyze`."""
        self.requests.append(request)
        if self._error:
            raise self._error
        sink(f"{self._name}: {len(self._findings)} given\n".encode())
        return AnalysisReport(
            tool=ToolUse(name=self._name, version="1"),
            findings=self._findings,
            raw=b"{}",
            raw_name=self._raw_name,
        )
