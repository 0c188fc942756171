"""What static-analysis and security-scan share: request, running side by side, baseline, raw reports."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from chainops.analysis.ports import AnalysisReport, AnalysisRequest, Analyzer
from chainops.artifacts.model import Artifact
from chainops.core.text import plural
from chainops.core.units import format_duration
from chainops.pipeline.model import StageContext
from chainops.quality.baseline import Baseline, read_baseline
from chainops.stages.common import (
    SOURCE_CHECKOUT,
    compiler_choice,
    private_home,
    project_root,
    upstream_output,
)

_MEDIA_TYPES = {
    ".json": "application/json",
    ".jsonl": "application/jsonl",
    ".diff": "text/x-diff",
}


def analysis_request(
    context: StageContext, *, build_output: Path | None = None, env: Mapping[str, str] | None = None
) -> AnalysisRequest:
    """Return what to analyze: the project's own sources, as source-checkout found them."""
    own = [
        path
        for key in ("tests", "scripts")
        for path in context.upstream[SOURCE_CHECKOUT].outputs.get(key, ())
    ]
    choice = compiler_choice(context)
    return AnalysisRequest(
        project_root=project_root(context),
        sources=tuple(upstream_output(context, SOURCE_CHECKOUT, "sources")),
        own_files=tuple(own),
        home=private_home(context),
        scratch=context.scratch,
        build_output=build_output,
        timeout_s=context.timeout_s,
        marker=context.marker,
        env=env or {},
        solc=choice.get("solc", ""),
        evm_version=choice.get("evm_version", ""),
    )


async def run_analyzers(
    analyzers: Sequence[Analyzer], request: AnalysisRequest, context: StageContext
) -> dict[str, AnalysisReport]:
    """Run all analyzers side by side, each with a scratch folder of its own.

    The first failure is raised when the others have ended: their processes are stopped, none is left behind.
    """
    try:
        async with asyncio.TaskGroup() as group:
            tasks = {a.name: group.create_task(_run(a, request, context)) for a in analyzers}
    except BaseExceptionGroup as failures:
        raise failures.exceptions[0] from None
    return {name: task.result() for name, task in tasks.items()}


def baseline_of(context: StageContext, name: str) -> Baseline:
    """Return the project's committed baseline, an empty one when it has none.

    Raises `InputError` with every mistake and its place when the file is wrong.
    """
    return read_baseline(project_root(context) / name, shown=name) or Baseline()


def keep_reports(
    context: StageContext, reports: Mapping[str, AnalysisReport], *, kind: str
) -> tuple[Artifact, ...]:
    """Store what the analyzers themselves wrote."""
    return tuple(
        context.artifacts.put_bytes(
            f"analysis/{report.raw_name}",
            report.raw,
            kind=kind,
            media_type=_MEDIA_TYPES.get(Path(report.raw_name).suffix, "text/plain"),
        )
        for report in reports.values()
        if report.raw_name
    )


async def _run(analyzer: Analyzer, request: AnalysisRequest, context: StageContext) -> AnalysisReport:
    scratch = context.scratch / analyzer.name
    scratch.mkdir(parents=True, exist_ok=True)
    context.say(f"{analyzer.name} begins")
    started_s = asyncio.get_running_loop().time()
    report = await analyzer.analyze(replace(request, scratch=scratch), context.log)
    duration = format_duration(asyncio.get_running_loop().time() - started_s)
    context.say(f"{analyzer.name}: {plural(len(report.findings), 'finding')} in {duration}")
    return report
