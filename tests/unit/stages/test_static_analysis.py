"""static-analysis measures and lists; it fails for formatting only when asked, and when a linter failed."""

from __future__ import annotations

from pathlib import Path

import pytest

from chainops.analysis.errors import AnalyzerError
from chainops.analysis.memory import MemoryAnalyzer
from chainops.analysis.model import Severity
from chainops.analysis.settings import AnalysisSettings
from chainops.core.errors import InputErrors
from chainops.pipeline.model import FailureKind, StageStatus
from chainops.stages.static_analysis import StaticAnalysisStage

from .analysis_twins import MemoryArtifacts, context_for, finding

SOURCE = """contract A {
    // chainops-ignore: avoid-tx-origin known
    function f(uint a) external { if (a > 1 && a < 9) {} }
    function g() external {}
}
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "src").mkdir()
    (tmp_path / "src/A.sol").write_text(SOURCE)
    return tmp_path


async def test_complexity_metrics_and_linters_are_outputs(root: Path) -> None:
    linter = MemoryAnalyzer("solhint", finding("x", tool="solhint", severity=Severity.LOW, line=4))
    stage = StaticAnalysisStage(linters=[linter], settings=AnalysisSettings())
    outcome = await stage.run(context_for(root, stage.name))
    assert outcome.status is StageStatus.SUCCESS
    assert [(c["name"], c["complexity"]) for c in outcome.outputs["complexity"]] == [("A.f", 3), ("A.g", 1)]
    assert outcome.outputs["files"][0]["code_lines"] == 4
    assert outcome.outputs["linters"] == [{"name": "solhint", "version": "1", "findings": 1, "not_run": ""}]
    metrics = {m.name: (m.value, str(m.place), m.subject) for m in outcome.metrics}
    assert metrics["complexity.max"] == (3, "src/A.sol:3:5", "src/A.sol:A.f")
    assert metrics["complexity.mean"][0] == 2
    assert metrics["lint.findings"][0] == 1
    assert [t.name for t in outcome.tools] == ["solhint"]


async def test_linters_get_sources_tests_and_a_scratch_of_their_own(root: Path) -> None:
    linters = [MemoryAnalyzer("a"), MemoryAnalyzer("b")]
    stage = StaticAnalysisStage(linters=linters, settings=AnalysisSettings(), env={"X": "1"})
    context = context_for(root, stage.name)
    await stage.run(context)
    (first,), (second,) = linters[0].requests, linters[1].requests
    assert first.sources == ("src/A.sol",)
    assert first.own_files == ("test/A.t.sol",)
    assert first.scratch != second.scratch
    assert (first.marker, first.env, first.timeout_s) == ("m", {"X": "1"}, 60)
    assert first.home == root / ".chainops" / "home"


async def test_a_suppressed_finding_stays_and_does_not_count(root: Path) -> None:
    linter = MemoryAnalyzer("solhint", finding("avoid-tx-origin", tool="solhint", line=3))
    stage = StaticAnalysisStage(linters=[linter], settings=AnalysisSettings())
    outcome = await stage.run(context_for(root, stage.name))
    assert outcome.findings[0].suppressed_by == "src/A.sol:2: known"
    assert outcome.outputs["suppressed"] == 1
    assert next(m.value for m in outcome.metrics if m.name == "lint.findings") == 0


async def test_what_two_linters_say_counts_once(root: Path) -> None:
    linters = [
        MemoryAnalyzer("solhint", finding("no-unused-import", tool="solhint", line=4)),
        MemoryAnalyzer("forge-lint", finding("unused-import", tool="forge-lint", line=4)),
    ]
    outcome = await StaticAnalysisStage(linters=linters, settings=AnalysisSettings()).run(
        context_for(root, "static-analysis")
    )
    assert len(outcome.findings) == 1
    assert len(outcome.findings[0].also) == 1


@pytest.mark.parametrize(("required", "status"), [(False, StageStatus.SUCCESS), (True, StageStatus.FAILED)])
async def test_formatting_fails_only_when_required(
    root: Path, *, required: bool, status: StageStatus
) -> None:
    linter = MemoryAnalyzer("forge-fmt", finding("format", tool="forge-fmt", line=4))
    stage = StaticAnalysisStage(linters=[linter], settings=AnalysisSettings(require_format=required))
    outcome = await stage.run(context_for(root, stage.name))
    assert outcome.status is status
    assert outcome.outputs["unformatted"] == ["src/A.sol"]
    if required:
        assert outcome.failure is FailureKind.PROJECT
        assert [str(p) for p in outcome.places] == ["src/A.sol:4"]
        assert "src/A.sol" in outcome.reason


async def test_a_failed_linter_fails_the_stage(root: Path) -> None:
    linters = [MemoryAnalyzer("a"), MemoryAnalyzer("b", error=AnalyzerError("b broke"))]
    stage = StaticAnalysisStage(linters=linters, settings=AnalysisSettings())
    with pytest.raises(AnalyzerError, match="b broke"):
        await stage.run(context_for(root, stage.name))


async def test_a_malformed_baseline_is_told_with_its_place(root: Path) -> None:
    (root / "chainops-baseline.json").write_text('{"version": 1,\n "gas": [{}]}')
    stage = StaticAnalysisStage(linters=[MemoryAnalyzer("a")], settings=AnalysisSettings())
    with pytest.raises(InputErrors, match=r"chainops-baseline\.json:2:10: `contract` is missing"):
        await stage.run(context_for(root, stage.name))


async def test_raw_reports_are_kept(root: Path) -> None:
    linter = MemoryAnalyzer("solhint", raw_name="solhint.json")
    context = context_for(root, "static-analysis")
    outcome = await StaticAnalysisStage(linters=[linter], settings=AnalysisSettings()).run(context)
    assert isinstance(context.artifacts, MemoryArtifacts)
    assert context.artifacts.kept == {"analysis/solhint.json": (b"{}", "lint-report")}
    assert [a.name for a in outcome.artifacts] == ["analysis/solhint.json"]
