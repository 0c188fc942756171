"""Lints, checks formatting and measures complexity. Findings do not fail the stage: the gates judge.

Outputs: `complexity` (FunctionComplexity, worst first), `files` (FileMetrics), `unformatted` (paths),
`linters` ({name, version, findings, not_run}), `suppressed` (count).
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from statistics import fmean

from chainops.analysis.complexity import measure
from chainops.analysis.identify import identify
from chainops.analysis.merge import merge
from chainops.analysis.model import FileMetrics, Finding, FunctionComplexity
from chainops.analysis.ports import AnalysisReport, AnalysisRequest, Analyzer
from chainops.analysis.settings import AnalysisSettings
from chainops.analysis.sources import Sources
from chainops.analysis.suppress import incomplete_ignores, suppress
from chainops.core.serial import to_json
from chainops.core.text import plural
from chainops.pipeline.model import FailureKind, Outcome, StageContext, StageStatus
from chainops.quality.model import Measurement
from chainops.stages.analyzing import analysis_request, baseline_of, keep_reports, run_analyzers
from chainops.stages.common import STATIC_ANALYSIS

FORMAT_RULE = "format"


class StaticAnalysisStage:
    """Runs the linters side by side; needs sources and dependencies, no build."""

    name = STATIC_ANALYSIS

    def __init__(
        self,
        *,
        linters: Sequence[Analyzer],
        settings: AnalysisSettings,
        env: Mapping[str, str] | None = None,
    ) -> None:
        self._linters = tuple(linters)
        self._settings = settings
        self._env = env or {}

    async def run(self, context: StageContext) -> Outcome:
        """See `Stage.run`."""
        request = analysis_request(context, env=self._env)
        sources = Sources(request.project_root)
        measuring = asyncio.to_thread(_measure, request, sources)
        reports, files = await asyncio.gather(run_analyzers(self._linters, request, context), measuring)
        accepted = baseline_of(context, self._settings.baseline)
        findings = _judged(reports, request, sources, accepted.accepted)
        unformatted = _unformatted(findings)
        functions = _worst_first(files)
        return replace(
            self._verdict(unformatted, findings, functions, reports),
            metrics=_metrics(functions, findings),
            findings=findings,
            artifacts=keep_reports(context, reports, kind="lint-report"),
            tools=tuple(dict.fromkeys(use for report in reports.values() for use in report.uses)),
            outputs={
                "complexity": to_json(functions),
                "files": to_json(files),
                "unformatted": unformatted,
                "linters": [
                    {
                        "name": name,
                        "version": report.tool.version,
                        "findings": len(report.findings),
                        "not_run": report.not_run,
                    }
                    for name, report in reports.items()
                ],
                "suppressed": sum(bool(f.suppressed_by) for f in findings),
            },
        )

    def _verdict(
        self,
        unformatted: list[str],
        findings: tuple[Finding, ...],
        functions: tuple[FunctionComplexity, ...],
        reports: Mapping[str, AnalysisReport],
    ) -> Outcome:
        counted = sum(not f.suppressed_by for f in findings)
        words = [plural(counted, "finding"), plural(len(functions), "function")]
        if unformatted:
            words.append(f"{plural(len(unformatted), 'file')} not formatted")
        words += [f"{name} did not run: {r.not_run}" for name, r in reports.items() if r.not_run]
        if unformatted and self._settings.require_format:
            return Outcome(
                status=StageStatus.FAILED,
                failure=FailureKind.PROJECT,
                code="ANA202",
                reason=f"{plural(len(unformatted), 'file')} not formatted: {', '.join(unformatted[:5])}",
                hint="run `forge fmt`",
                places=tuple(f.places[0] for f in findings if f.rule == FORMAT_RULE and f.places),
            )
        return Outcome(status=StageStatus.SUCCESS, reason=", ".join(words))


def _measure(request: AnalysisRequest, sources: Sources) -> tuple[FileMetrics, ...]:
    return tuple(measure(path, sources[path].text) for path in sorted(request.sources))


def _judged(
    reports: dict[str, AnalysisReport],
    request: AnalysisRequest,
    sources: Sources,
    accepted: Mapping[str, str],
) -> tuple[Finding, ...]:
    own = identify(incomplete_ignores(sorted(request.sources), sources))
    found = [finding for report in reports.values() for finding in report.findings]
    judged = suppress([*found, *own], sources, accepted)
    return merge(sorted(judged, key=lambda f: (f.places[:1], f.tool, f.rule)))


def _unformatted(findings: tuple[Finding, ...]) -> list[str]:
    return [f.places[0].path for f in findings if f.rule == FORMAT_RULE and not f.suppressed_by]


def _worst_first(files: tuple[FileMetrics, ...]) -> tuple[FunctionComplexity, ...]:
    functions = [function for file in files for function in file.functions]
    return tuple(sorted(functions, key=lambda f: (-f.complexity, f.place)))


def _metrics(
    functions: tuple[FunctionComplexity, ...], findings: tuple[Finding, ...]
) -> tuple[Measurement, ...]:
    counted = sum(not f.suppressed_by for f in findings)
    lint = Measurement(name="lint.findings", value=counted, unit="count")
    if not functions:
        return (lint,)
    worst = functions[0]
    subject = f"{worst.place.path}:{worst.name}"
    return (
        Measurement(
            name="complexity.max", value=worst.complexity, unit="count", place=worst.place, subject=subject
        ),
        Measurement(name="complexity.mean", value=fmean(f.complexity for f in functions), unit="count"),
        lint,
    )
