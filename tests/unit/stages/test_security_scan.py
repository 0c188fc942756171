"""security-scan succeeds only when every analyzer ran to its end."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from chainops.analysis.errors import AnalyzerError
from chainops.analysis.memory import MemoryAnalyzer
from chainops.analysis.model import Severity
from chainops.analysis.settings import AnalysisSettings
from chainops.pipeline.model import StageContext, StageStatus
from chainops.quality.baseline import AcceptedFinding, Baseline, render
from chainops.stages.security_scan import SecurityScanStage

from .analysis_twins import MemoryArtifacts, context_for, finding


@pytest.fixture
def context(tmp_path: Path) -> StageContext:
    (tmp_path / "src").mkdir()
    (tmp_path / "src/A.sol").write_text("contract A {\n}\n")
    return context_for(tmp_path, "security-scan")


def scan(*analyzers: MemoryAnalyzer) -> SecurityScanStage:
    return SecurityScanStage(analyzers=analyzers, settings=AnalysisSettings())


async def test_findings_are_counted_by_severity(context: StageContext) -> None:
    slither = MemoryAnalyzer(
        "slither",
        finding("low", severity=Severity.LOW),
        finding("reentrancy-eth", severity=Severity.HIGH),
        raw_name="slither.json",
    )
    outcome = await scan(slither).run(context)
    assert outcome.status is StageStatus.SUCCESS
    assert outcome.reason == "2 findings (1 high, 1 low)"
    assert [f.rule for f in outcome.findings] == ["reentrancy-eth", "low"]
    assert outcome.outputs["ran"] is True
    assert outcome.outputs["counts"] == {"info": 0, "low": 1, "medium": 0, "high": 1, "critical": 0}
    assert outcome.outputs["analyzers"] == [{"name": "slither", "version": "1", "findings": 2}]
    values = {m.name: m.value for m in outcome.metrics}
    assert (values["security.findings.high"], values["security.suppressed"]) == (1, 0)
    assert isinstance(context.artifacts, MemoryArtifacts)
    assert context.artifacts.kept["analysis/slither.json"] == (b"{}", "security-report")
    assert slither.requests[0].build_output == context.workspace / "out"


async def test_the_baseline_suppresses_and_its_stale_entries_are_told(context: StageContext) -> None:
    known = finding("reentrancy-eth")
    log = bytearray()
    baseline = Baseline(
        findings=(
            AcceptedFinding(
                path="src/A.sol",
                rule=known.rule,
                fingerprint=known.fingerprint,
                tool="slither",
                reason="guarded",
            ),
            AcceptedFinding(path="src/A.sol", rule="gone", fingerprint="zz", tool="slither", reason="x"),
            AcceptedFinding(path="src/A.sol", rule="other", fingerprint="yy", tool="wake", reason="x"),
        )
    )
    (context.workspace / "chainops-baseline.json").write_bytes(render(baseline))
    outcome = await scan(MemoryAnalyzer("slither", known)).run(replace(context, log=log.extend))
    assert outcome.findings[0].suppressed_by == "baseline: guarded"
    assert outcome.reason == "0 findings, 1 suppressed"
    assert outcome.outputs["suppressed"] == 1
    assert [e["rule"] for e in outcome.outputs["stale_baseline"]] == ["gone"]
    assert b"accepts gone in src/A.sol, which is not found any more" in log


async def test_an_analyzer_that_failed_is_never_a_pass(context: StageContext) -> None:
    with pytest.raises(AnalyzerError, match="slither broke"):
        await scan(MemoryAnalyzer("slither", error=AnalyzerError("slither broke"))).run(context)


def test_a_scan_without_analyzers_is_refused() -> None:
    with pytest.raises(ValueError, match="needs an analyzer"):
        SecurityScanStage(analyzers=[], settings=AnalysisSettings())
