"""Runs the unit, fuzz and invariant tests, and measures coverage and gas beside them.

Outputs: `tests` {total, passed, failed, skipped}, `cases` (TestCase), `failure_groups` (FailureGroup),
`seed`, `coverage` {lines, statements, branches, functions: ratio or null, files (FileCoverage), accuracy,
failure}, `gas` (GasEntry), `gas_failure`, `compiler` {solc, evm_version} (what a cell asks for).
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from chainops.artifacts.model import Artifact
from chainops.core.serial import to_json
from chainops.pipeline.model import Outcome, StageContext, StageStatus
from chainops.quality.model import Measurement
from chainops.stages.cell_builds import compiler_output, own_build
from chainops.stages.common import UNIT_TESTS
from chainops.stages.suites import (
    failed_suite,
    run_suite,
    suite_metrics,
    suite_outputs,
    suite_summary,
    toolchain_request,
)
from chainops.toolchains.failures import group_failures
from chainops.toolchains.model import Coverage, GasReport, SuiteResult
from chainops.toolchains.ports import TestSelection, Toolchain, ToolchainRequest
from chainops.toolchains.settings import FoundrySettings
from chainops.toolchains.totals import DEPLOYMENT, CoverageTotals, coverage_totals, total_gas

_NOT_ASKED = "not asked for (`foundry: {%s: false}`)"


class UnitTestsStage:
    """Runs tests, coverage and gas side by side: each runs alone, and coverage compiles for itself."""

    name = UNIT_TESTS

    def __init__(
        self,
        *,
        toolchain: Toolchain,
        settings: FoundrySettings | None = None,
        env: Mapping[str, str] | None = None,
    ) -> None:
        self._toolchain = toolchain
        self._settings = settings or FoundrySettings()
        self._env = env or {}

    async def run(self, context: StageContext) -> Outcome:
        """Run the tests; failing ones fail the stage with their causes and places."""
        request = toolchain_request(context, self._settings, self._env)
        if unbuilt := await own_build(self._toolchain, request, context):
            return unbuilt
        selection = TestSelection(
            match_path=self._settings.unit_match_path, no_match_path=self._settings.unit_excluded
        )
        suite, coverage, gas = await self._measure(request, selection, context)
        totals = coverage_totals(coverage)
        outcome = Outcome(
            status=StageStatus.SUCCESS,
            reason=_summary(suite, coverage, gas, totals),
            metrics=(*suite_metrics(suite), *_coverage_metrics(totals), *_gas_metrics(gas)),
            artifacts=_keep(context, suite, coverage, gas),
            tools=await self._toolchain.tools(),
            outputs={
                **suite_outputs(suite, group_failures(suite.cases)),
                "coverage": _coverage_output(coverage, totals),
                "gas": to_json(gas.entries),
                "gas_failure": gas.failure,
                "compiler": compiler_output(request),
            },
        )
        failed = failed_suite(suite, allow_no_tests=self._settings.allow_no_tests)
        if not failed:
            return outcome
        return replace(
            failed,
            metrics=outcome.metrics,
            artifacts=outcome.artifacts,
            tools=outcome.tools,
            outputs=outcome.outputs,
        )

    async def _measure(
        self, request: ToolchainRequest, selection: TestSelection, context: StageContext
    ) -> tuple[SuiteResult, Coverage, GasReport]:
        tasks = (
            asyncio.ensure_future(run_suite(self._toolchain, request, selection, context)),
            asyncio.ensure_future(self._coverage(request, selection, context)),
            asyncio.ensure_future(self._gas(request, selection, context)),
        )
        try:
            suite, coverage, gas = await asyncio.gather(*tasks)
        finally:
            # one of them failed, or the stage is cancelled: the others must not go on without us
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        return suite, coverage, gas

    async def _coverage(
        self, request: ToolchainRequest, selection: TestSelection, context: StageContext
    ) -> Coverage:
        if not self._settings.coverage:
            return Coverage(failure=_NOT_ASKED % "coverage")
        return await self._toolchain.coverage(request, selection, context.log)

    async def _gas(
        self, request: ToolchainRequest, selection: TestSelection, context: StageContext
    ) -> GasReport:
        if not self._settings.gas:
            return GasReport(failure=_NOT_ASKED % "gas")
        return await self._toolchain.gas(request, selection, context.log)


def _summary(suite: SuiteResult, coverage: Coverage, gas: GasReport, totals: CoverageTotals) -> str:
    words = [suite_summary(suite)]
    if coverage.failure:
        words.append(f"no coverage: {coverage.failure}")
    elif totals.lines is not None:
        words.append(f"{100 * totals.lines.value:.1f} % of lines covered")
    else:
        words.append("no coverage: no source of the project's own has executable lines")
    if coverage.accuracy:
        words.append(coverage.accuracy)
    if gas.failure:
        words.append(f"no gas: {gas.failure}")
    return " · ".join(words)


def _coverage_metrics(totals: CoverageTotals) -> tuple[Measurement, ...]:
    measured = {
        "lines": totals.lines,
        "statements": totals.statements,
        "branches": totals.branches,
        "functions": totals.functions,
    }
    return tuple(
        Measurement(name=f"coverage.{name}", value=ratio.value, unit="ratio")
        for name, ratio in measured.items()
        if ratio is not None
    )


def _gas_metrics(gas: GasReport) -> tuple[Measurement, ...]:
    if gas.failure or not gas.entries:
        return ()
    deployments = tuple(
        Measurement(name="gas.deployment", value=entry.median_gas, unit="gas", subject=entry.contract)
        for entry in gas.entries
        if entry.function == DEPLOYMENT
    )
    return (*deployments, Measurement(name="gas.total", value=total_gas(gas.entries), unit="gas"))


def _coverage_output(coverage: Coverage, totals: CoverageTotals) -> dict[str, Any]:
    return {
        "lines": totals.lines.value if totals.lines else None,
        "statements": totals.statements.value if totals.statements else None,
        "branches": totals.branches.value if totals.branches else None,
        "functions": totals.functions.value if totals.functions else None,
        "files": to_json(coverage.files),
        "accuracy": coverage.accuracy,
        "failure": coverage.failure,
    }


def _keep(
    context: StageContext, suite: SuiteResult, coverage: Coverage, gas: GasReport
) -> tuple[Artifact, ...]:
    store = context.artifacts
    kept = []
    reports = (("tests.json", suite.report_file, "test-report"), ("gas.json", gas.report_file, "gas-report"))
    for name, path, kind in reports:
        if path:
            kept.append(
                store.put_file(f"{UNIT_TESTS}/{name}", Path(path), kind=kind, media_type="application/json")
            )
    if coverage.lcov:
        kept.append(
            store.put_bytes(
                f"{UNIT_TESTS}/lcov.info", coverage.lcov.encode(), kind="coverage", media_type="text/plain"
            )
        )
    return tuple(kept)
