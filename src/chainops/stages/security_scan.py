"""Runs the security analyzers on the run's build. An analyzer that failed is a failed stage, never a pass.

Outputs: `analyzers` ({name, version, findings, ...details}), `counts` by severity of what is not suppressed,
`suppressed`, `ran` (true when every analyzer ran to its end), `stale_baseline` (entries that match nothing).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from chainops.analysis.merge import merge
from chainops.analysis.model import Finding, Severity
from chainops.analysis.ports import AnalysisReport, Analyzer
from chainops.analysis.settings import AnalysisSettings
from chainops.analysis.sources import Sources
from chainops.analysis.suppress import suppress
from chainops.core.serial import to_json
from chainops.core.text import plural
from chainops.pipeline.model import FailureKind, Outcome, StageContext, StageStatus
from chainops.quality.baseline import AcceptedFinding, Baseline
from chainops.quality.model import Measurement
from chainops.stages.analyzing import analysis_request, baseline_of, keep_reports, run_analyzers
from chainops.stages.common import COMPILATION, SECURITY_SCAN, builds_itself, upstream_output


class SecurityScanStage:
    """Runs the analyzers side by side; their errors end the stage."""

    name = SECURITY_SCAN

    def __init__(
        self,
        *,
        analyzers: Sequence[Analyzer],
        settings: AnalysisSettings,
        env: Mapping[str, str] | None = None,
    ) -> None:
        if not analyzers:
            raise ValueError("a security scan needs an analyzer")
        self._analyzers = tuple(analyzers)
        self._settings = settings
        self._env = env or {}

    async def run(self, context: StageContext) -> Outcome:
        """See `Stage.run`."""
        if builds_itself(context):
            return _no_build(context)
        build_output = Path(upstream_output(context, COMPILATION, "output_dir"))
        request = analysis_request(context, build_output=build_output, env=self._env)
        baseline = baseline_of(context, self._settings.baseline)
        reports = await run_analyzers(self._analyzers, request, context)
        found = [finding for report in reports.values() for finding in report.findings]
        judged = suppress(found, Sources(request.project_root), baseline.accepted)
        findings = tuple(sorted(merge(judged), key=_worst_first))
        counts = _counts(findings)
        suppressed = sum(bool(f.suppressed_by) for f in findings)
        stale = _stale(baseline, found, frozenset(reports))
        for entry in stale:
            context.say(f"the baseline accepts {entry.rule} in {entry.path}, which is not found any more")
        return Outcome(
            status=StageStatus.SUCCESS,
            reason=_summary(counts, suppressed),
            metrics=_metrics(counts, suppressed),
            findings=findings,
            artifacts=keep_reports(context, reports, kind="security-report"),
            tools=tuple(dict.fromkeys(use for report in reports.values() for use in report.uses)),
            outputs={
                "analyzers": [_analyzer(name, report) for name, report in reports.items()],
                "counts": {severity.label: count for severity, count in counts.items()},
                "suppressed": suppressed,
                "ran": True,
                "stale_baseline": to_json(stale),
            },
        )


def _no_build(context: StageContext) -> Outcome:
    values = ", ".join(f"{axis} {value}" for axis, value in context.cell.items())
    return Outcome(
        status=StageStatus.FAILED,
        failure=FailureKind.CONFIG,
        code="ANA203",
        reason=f"no {COMPILATION} of this run used {values}, so there is no build to scan",
        hint=f"leave the combination out of `stages.{SECURITY_SCAN}.matrix` as well",
    )


def _worst_first(finding: Finding) -> tuple[object, ...]:
    return (bool(finding.suppressed_by), -finding.severity, -finding.confidence, finding.places, finding.rule)


def _analyzer(name: str, report: AnalysisReport) -> dict[str, object]:
    own = {"name": name, "version": report.tool.version, "findings": len(report.findings)}
    return {**to_json(report.details), **own}


def _counts(findings: Sequence[Finding]) -> dict[Severity, int]:
    return {s: sum(f.severity is s and not f.suppressed_by for f in findings) for s in Severity}


def _metrics(counts: Mapping[Severity, int], suppressed: int) -> tuple[Measurement, ...]:
    return (
        *(Measurement(name=f"security.findings.{s.label}", value=n, unit="count") for s, n in counts.items()),
        Measurement(name="security.suppressed", value=suppressed, unit="count"),
    )


def _stale(
    baseline: Baseline, found: Sequence[Finding], tools: frozenset[str]
) -> tuple[AcceptedFinding, ...]:
    known = {finding.fingerprint for finding in found}
    return tuple(e for e in baseline.findings if e.tool in tools and e.fingerprint not in known)


def _summary(counts: Mapping[Severity, int], suppressed: int) -> str:
    words = [f"{counts[s]} {s.label}" for s in reversed(Severity) if counts[s]]
    text = plural(sum(counts.values()), "finding") + (f" ({', '.join(words)})" if words else "")
    return text + (f", {suppressed} suppressed" if suppressed else "")
