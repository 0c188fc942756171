"""The stage unit-tests, on a toolchain in memory."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from chainops.artifacts.run import MemoryArtifacts
from chainops.core.errors import Place
from chainops.core.process import Sink
from chainops.pipeline.model import FailureKind, Outcome, StageContext, StageStatus
from chainops.stages.common import SOURCE_CHECKOUT, UNIT_TESTS
from chainops.stages.suites import case_lines
from chainops.stages.unit_tests import UnitTestsStage
from chainops.toolchains.errors import ToolchainOutputError
from chainops.toolchains.memory import MemoryToolchain
from chainops.toolchains.model import (
    Coverage,
    FileCoverage,
    GasEntry,
    GasReport,
    Ratio,
    SuiteResult,
    TestCase,
    TestStatus,
)
from chainops.toolchains.ports import TestSelection, ToolchainRequest
from chainops.toolchains.settings import FoundrySettings


@pytest.fixture
def context(tmp_path: Path) -> StageContext:
    return StageContext(
        run_id="r",
        stage=UNIT_TESTS,
        attempt=1,
        workspace=tmp_path,
        scratch=tmp_path / "scratch",
        marker="r/unit-tests/1/",
        timeout_s=60,
        log=lambda data: None,
        upstream={
            SOURCE_CHECKOUT: Outcome(status=StageStatus.SUCCESS, outputs={"project_root": str(tmp_path)})
        },
        artifacts=MemoryArtifacts(stage=UNIT_TESTS),
    )


def case(
    name: str, status: TestStatus = TestStatus.PASSED, reason: str = "", kind: str = "unit", line: int = 7
) -> TestCase:
    return TestCase(
        suite="test/A.t.sol:ATest",
        name=name,
        status=status,
        kind=kind,
        reason=reason,
        place=Place("test/A.t.sol", line),
    )


async def test_the_log_has_a_line_for_each_test_before_coverage_is_measured(context: StageContext) -> None:
    log = bytearray()
    waits = SlowCoverage(
        suite=SuiteResult(
            cases=(
                case("test_A()"),
                replace(
                    failing("test_B(uint256)", "panic: 0x11\x1b[31m\nover"),
                    duration_s=0.0123,
                    counterexample="args=[7]",
                    logs=("balance 7",),
                ),
            )
        ),
        until=lambda: b"test_A()" in log,
    )
    stage = UnitTestsStage(toolchain=waits)
    await asyncio.wait_for(stage.run(replace(context, log=log.extend)), 5)
    assert log.decode().splitlines()[-3:] == [
        "passed   test/A.t.sol:ATest  test_A() (0 ms)",
        "failed   test/A.t.sol:ATest  test_B(uint256) (12 ms): panic: 0x11 over: args=[7]",
        "         balance 7",
    ]


class SlowCoverage(MemoryToolchain):
    """Measures until the log holds the tests."""

    def __init__(self, *, suite: SuiteResult, until: Callable[[], bool]) -> None:
        super().__init__(suite=suite)
        self._until = until

    async def coverage(self, request: ToolchainRequest, selection: TestSelection, sink: Sink) -> Coverage:
        while not self._until():
            await asyncio.sleep(0)
        return await super().coverage(request, selection, sink)


def test_of_too_many_tests_those_that_failed_are_listed_and_the_others_counted() -> None:
    lines = list(case_lines([*(case(f"a{n}()") for n in range(5001)), failing("z()", "why")]))
    assert len(lines) == 5001
    assert lines[0].startswith("failed   test/A.t.sol:ATest  z()")
    assert lines[-1] == "and 2 more tests, which the stage's report lists"


def failing(name: str, reason: str, **more: Any) -> TestCase:
    return case(name, TestStatus.FAILED, reason, **more)


PASSING = SuiteResult(cases=(case("a()"), case("b()", TestStatus.SKIPPED)), seed="0x2a")
COVERED = Coverage(
    files=(
        FileCoverage(
            path="src/A.sol",
            lines=Ratio(hit=9, total=10),
            branches=Ratio(hit=1, total=4),
            functions=Ratio(hit=2, total=2),
            statements=Ratio(hit=3, total=4),
            missed_lines=(4,),
        ),
    ),
    lcov="TN:\n",
)
GAS = GasReport(
    entries=(
        GasEntry(
            contract="src/A.sol:A",
            function="deployment",
            calls=1,
            min_gas=100,
            mean_gas=100,
            median_gas=100,
            max_gas=100,
        ),
        GasEntry(
            contract="src/A.sol:A", function="f()", calls=3, min_gas=1, mean_gas=5, median_gas=4, max_gas=9
        ),
    )
)


async def outcome_of(
    context: StageContext,
    suite: SuiteResult = PASSING,
    coverage: Coverage = COVERED,
    gas: GasReport = GAS,
    **settings: object,
) -> Outcome:
    toolchain = MemoryToolchain(suite=suite, coverage=coverage, gas=gas)
    chosen = FoundrySettings.model_validate(settings)
    return await UnitTestsStage(toolchain=toolchain, settings=chosen).run(context)


async def test_everything_that_was_measured_is_told(context: StageContext) -> None:
    outcome = await outcome_of(context)
    assert outcome.status is StageStatus.SUCCESS
    assert {m.name: m.value for m in outcome.metrics} == {
        "tests.total": 2,
        "tests.passed": 1,
        "tests.failed": 0,
        "tests.skipped": 1,
        "coverage.lines": 0.9,
        "coverage.statements": 0.75,
        "coverage.branches": 0.25,
        "coverage.functions": 1.0,
        "gas.deployment": 100,
        "gas.total": 104,
    }
    assert outcome.reason == "1 test passed, 1 skipped · 90.0 % of lines covered"


async def test_outputs_are_json_that_the_report_reads(context: StageContext) -> None:
    outputs = json.loads(json.dumps((await outcome_of(context)).outputs))
    assert outputs["tests"] == {"total": 2, "passed": 1, "failed": 0, "skipped": 1}
    assert outputs["cases"][0]["place"] == {"path": "test/A.t.sol", "line": 7, "column": 0}
    assert outputs["coverage"]["lines"] == 0.9
    assert outputs["coverage"]["files"][0]["missed_lines"] == [4]
    assert outputs["gas"][1]["median_gas"] == 4
    assert outputs["seed"] == "0x2a"
    assert outputs["failure_groups"] == []


async def test_reports_are_kept(context: StageContext, tmp_path: Path) -> None:
    (tmp_path / "t.json").write_text("{}")
    (tmp_path / "g.json").write_text("[]")
    outcome = await outcome_of(
        context,
        suite=SuiteResult(cases=PASSING.cases, report_file=str(tmp_path / "t.json")),
        gas=GasReport(entries=GAS.entries, report_file=str(tmp_path / "g.json")),
    )
    assert {a.name: a.kind for a in outcome.artifacts} == {
        "unit-tests/tests.json": "test-report",
        "unit-tests/gas.json": "gas-report",
        "unit-tests/lcov.info": "coverage",
    }


async def test_one_cause_reads_as_one(context: StageContext) -> None:
    cases = tuple(failing(f"testFail{n}()", "`testFail*` has been removed") for n in range(278))
    outcome = await outcome_of(context, suite=SuiteResult(cases=(*cases, case("a()"))))
    assert (outcome.status, outcome.failure) == (StageStatus.FAILED, FailureKind.PROJECT)
    assert outcome.reason == "278 of 279 tests fail for one reason: `testFail*` has been removed"
    assert "vm.expectRevert" in outcome.hint
    assert len(outcome.outputs["failure_groups"]) == 1
    assert outcome.metrics  # what was measured stays


async def test_the_largest_cause_comes_first(context: StageContext) -> None:
    outcome = await outcome_of(
        context, suite=SuiteResult(cases=(failing("a()", "X"), failing("b()", "X"), failing("c()", "Y")))
    )
    assert outcome.reason == "3 of 3 tests fail, 2 of them for one reason: X"


async def test_a_failing_test_has_its_place_and_how_to_repeat_it(context: StageContext) -> None:
    suite = SuiteResult(cases=(failing("t(uint256)", "too small", kind="fuzz", line=12),), seed="0x2a")
    outcome = await outcome_of(context, suite=suite)
    assert outcome.reason == "1 of 1 test fails: ATest.t(uint256): too small"
    assert outcome.places == (Place("test/A.t.sol", 12),)
    assert outcome.hint == (
        "repeat it with: forge test --match-path test/A.t.sol --match-contract ATest --match-test t "
        "--fuzz-seed 0x2a"
    )


async def test_no_test_is_no_success(context: StageContext) -> None:
    outcome = await outcome_of(context, suite=SuiteResult())
    assert (outcome.status, outcome.code) == (StageStatus.FAILED, "TST203")
    assert outcome.reason == "no test ran: there is none to run"
    assert (await outcome_of(context, suite=SuiteResult(), allow_no_tests=True)).status is StageStatus.SUCCESS


async def test_tests_that_were_all_skipped_are_no_success(context: StageContext) -> None:
    suite = SuiteResult(cases=(case("a()", TestStatus.SKIPPED),))
    assert (await outcome_of(context, suite=suite)).reason == "no test ran: 1 test was skipped"


async def test_a_suite_that_could_not_run_is_no_success(context: StageContext) -> None:
    suite = SuiteResult(failure="src/A.sol:1:1: broken", hint="h")
    outcome = await outcome_of(context, suite=suite, allow_no_tests=True)
    assert (outcome.code, outcome.failure) == ("TST202", FailureKind.PROJECT)
    assert outcome.reason == "the tests could not run: src/A.sol:1:1: broken"
    assert not any(m.name.startswith("tests.") for m in outcome.metrics)


async def test_an_unreachable_chain_is_the_machines_fault(context: StageContext) -> None:
    outcome = await outcome_of(context, suite=SuiteResult(failure="no connection", limit="network"))
    assert outcome.failure is FailureKind.MACHINE


async def test_what_was_not_measured_has_no_metric(context: StageContext) -> None:
    outcome = await outcome_of(
        context, coverage=Coverage(failure="stack too deep"), gas=GasReport(failure="broken")
    )
    assert {m.name.partition(".")[0] for m in outcome.metrics} == {"tests"}
    assert "no coverage: stack too deep" in outcome.reason
    assert "no gas: broken" in outcome.reason
    assert outcome.outputs["coverage"]["failure"] == "stack too deep"
    assert outcome.outputs["coverage"]["lines"] is None


async def test_a_fall_back_says_what_it_costs(context: StageContext) -> None:
    outcome = await outcome_of(context, coverage=Coverage(files=COVERED.files, accuracy="less exact"))
    assert "less exact" in outcome.reason
    assert outcome.outputs["coverage"]["accuracy"] == "less exact"


async def test_coverage_and_gas_can_be_left_out(context: StageContext) -> None:
    toolchain = MemoryToolchain(suite=PASSING)
    stage = UnitTestsStage(toolchain=toolchain, settings=FoundrySettings(coverage=False, gas=False))
    assert (await stage.run(context)).status is StageStatus.SUCCESS
    assert [name for name, _, _ in toolchain.requests] == ["test"]


async def test_integration_tests_are_not_among_them(context: StageContext) -> None:
    toolchain = MemoryToolchain(suite=PASSING)
    await UnitTestsStage(toolchain=toolchain, env={"A": "1"}).run(context)
    assert {name for name, _, _ in toolchain.requests} == {"test", "coverage", "gas"}
    for _, request, selection in toolchain.requests:
        assert selection == TestSelection(no_match_path="test/integration/**")
        assert request.env == {"A": "1"}
        assert request.build_dir == context.workspace / ".chainops" / "build"


class BreakingToolchain(MemoryToolchain):
    """Its gas report breaks while its coverage still runs."""

    cancelled = False

    async def gas(self, request: ToolchainRequest, selection: TestSelection, sink: Sink) -> GasReport:
        raise ToolchainOutputError("forge was ended by signal 9")

    async def coverage(self, request: ToolchainRequest, selection: TestSelection, sink: Sink) -> Coverage:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.cancelled = True
            raise
        return Coverage()


async def test_a_broken_tool_ends_the_others_too(context: StageContext) -> None:
    toolchain = BreakingToolchain(suite=PASSING)
    with pytest.raises(ToolchainOutputError):
        await UnitTestsStage(toolchain=toolchain).run(context)
    assert toolchain.cancelled
