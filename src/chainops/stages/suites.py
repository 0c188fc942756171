"""What every stage that runs tests makes of a suite: a request, a log, metrics, outputs and a reason."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from chainops.core.errors import Place
from chainops.core.serial import to_json
from chainops.core.text import one_line, plural
from chainops.core.units import format_duration
from chainops.pipeline.model import FailureKind, Outcome, StageContext, StageStatus
from chainops.quality.model import Measurement
from chainops.stages.common import build_dir, compiler_choice, private_home, project_root
from chainops.toolchains.failures import group_failures
from chainops.toolchains.model import FailureGroup, SuiteResult, TestCase, TestStatus
from chainops.toolchains.ports import TestSelection, Toolchain, ToolchainRequest
from chainops.toolchains.settings import FoundrySettings

#: limits of a tool or of the machine: the project may be fine
_MACHINE_LIMITS = frozenset({"solc-memory", "network"})
_MOST_PLACES = 20
#: lines of a suite in the stage's log
_MOST_CASES = 5000
#: what a failed test printed, in lines
_MOST_PRINTED = 20
_SHOWN_REASON = 400


def toolchain_request(
    context: StageContext, settings: FoundrySettings, env: Mapping[str, str]
) -> ToolchainRequest:
    """Return a stage's request: its build, its cell's compiler, the attempt's scratch, the private HOME."""
    choice = compiler_choice(context)
    return ToolchainRequest(
        project_root=project_root(context),
        build_dir=build_dir(context),
        scratch=context.scratch,
        env=env,
        timeout_s=context.timeout_s,
        marker=context.marker,
        profile=settings.profile,
        allow_ffi=settings.allow_ffi,
        home=private_home(context),
        solc=choice.get("solc", ""),
        evm_version=choice.get("evm_version", ""),
    )


async def run_suite(
    toolchain: Toolchain, request: ToolchainRequest, selection: TestSelection, context: StageContext
) -> SuiteResult:
    """Run the selected tests and write a line for each to the stage's log as soon as their report is there.

    Raises what `Toolchain.test` raises.
    """
    suite = await toolchain.test(request, selection, context.log)
    context.log("".join(f"{line}\n" for line in case_lines(suite.cases)).encode())
    return suite


def case_lines(cases: Sequence[TestCase]) -> Iterator[str]:
    """Yield `passed   test/A.t.sol:ATest  test_A() (1.2 ms)` for each test, with a failed one's reason.

    When there are more than 5,000, those that failed come first and the others are counted.
    """
    shown = list(cases)
    if len(shown) > _MOST_CASES:
        shown = sorted(shown, key=lambda case: case.status is not TestStatus.FAILED)[:_MOST_CASES]
    for case in shown:
        name = f"{one_line(case.suite)}  {one_line(case.name)}"
        words = [f"{case.status.value:8} {name} ({format_duration(case.duration_s)})"]
        words += [one_line(text, _SHOWN_REASON) for text in (case.reason, case.counterexample) if text]
        yield ": ".join(words)
        if case.status is TestStatus.FAILED:
            yield from (f"         {one_line(line, _SHOWN_REASON)}" for line in case.logs[:_MOST_PRINTED])
    if len(cases) > len(shown):
        yield f"and {plural(len(cases) - len(shown), 'more test')}, which the stage's report lists"


def failure_kind(limit: str) -> FailureKind:
    """Return whose fault a failed build or suite is."""
    return FailureKind.MACHINE if limit in _MACHINE_LIMITS else FailureKind.PROJECT


def suite_counts(suite: SuiteResult) -> dict[str, int]:
    """Return `{total, passed, failed, skipped}`."""
    return {"total": len(suite.cases), **{status.value: suite.count(status) for status in TestStatus}}


def suite_metrics(suite: SuiteResult) -> tuple[Measurement, ...]:
    """Return `tests.total`, `tests.passed`, `tests.failed` and `tests.skipped`; none when nothing ran."""
    if suite.failure and not suite.cases:
        return ()
    return tuple(
        Measurement(name=f"tests.{name}", value=count, unit="count")
        for name, count in suite_counts(suite).items()
    )


def suite_outputs(suite: SuiteResult, groups: tuple[FailureGroup, ...]) -> dict[str, Any]:
    """Return the outputs that test stages share: `tests`, `cases`, `failure_groups`, `seed`."""
    return {
        "tests": suite_counts(suite),
        "cases": to_json(suite.cases),
        "failure_groups": to_json(groups),
        "seed": suite.seed,
    }


def failed_suite(suite: SuiteResult, *, allow_no_tests: bool) -> Outcome | None:
    """Return a failed outcome with reason, places and hint, or None when the suite passed.

    Nothing counts as passed that did not run: a suite without tests fails unless `allow_no_tests`, and so
    does one whose tool could not run it.
    """
    failed = [case for case in suite.cases if case.status is TestStatus.FAILED]
    if failed:
        groups = group_failures(suite.cases)
        return Outcome(
            status=StageStatus.FAILED,
            failure=FailureKind.PROJECT,
            code="TST201",
            reason=_failure_reason(len(failed), len(suite.cases), groups),
            hint=groups[0].hint or _reproduction(suite, groups[0]),
            places=_places(case.place for case in failed),
        )
    if suite.failure:
        return Outcome(
            status=StageStatus.FAILED,
            failure=failure_kind(suite.limit),
            code="TST202",
            reason=f"the tests could not run: {suite.failure}",
            hint=suite.hint,
        )
    if not any(case.status is TestStatus.PASSED for case in suite.cases) and not allow_no_tests:
        skipped = plural(len(suite.cases), "test was", "tests were") + " skipped" if suite.cases else ""
        return Outcome(
            status=StageStatus.FAILED,
            failure=FailureKind.PROJECT,
            code="TST203",
            reason=f"no test ran: {skipped or 'there is none to run'}",
            hint="write tests named test*, correct the paths in `foundry:`, or set `allow_no_tests: true`",
        )
    return None


def _failure_reason(failed: int, total: int, groups: tuple[FailureGroup, ...]) -> str:
    largest = groups[0]
    if len(groups) == 1 and failed > 1:
        return f"{failed} of {total} tests fail for one reason: {one_line(largest.reason)}"
    start = f"{failed} of {plural(total, 'test')} {'fails' if failed == 1 else 'fail'}"
    if len(largest.tests) > 1:
        return f"{start}, {len(largest.tests)} of them for one reason: {one_line(largest.reason)}"
    more = f" (and {plural(len(groups) - 1, 'other reason')})" if len(groups) > 1 else ""
    return f"{start}: {largest.tests[0].rpartition(':')[2]}: {one_line(largest.reason)}{more}"


def _reproduction(suite: SuiteResult, group: FailureGroup) -> str:
    first = next(case for case in suite.cases if f"{case.suite}.{case.name}" == group.tests[0])
    path, _, contract = first.suite.rpartition(":")
    name = first.name.partition("(")[0]
    random = f" --fuzz-seed {suite.seed}" if suite.seed and first.kind != "unit" else ""
    where = f"--match-path {path} --match-contract {contract}"
    return f"repeat it with: forge test {where} --match-test {name}{random}"


def _places(found: Any) -> tuple[Place, ...]:
    return tuple(dict.fromkeys(place for place in found if place))[:_MOST_PLACES]


def suite_summary(suite: SuiteResult) -> str:
    """Return `17 tests passed, 1 skipped`."""
    skipped = suite.count(TestStatus.SKIPPED)
    words = f"{plural(suite.count(TestStatus.PASSED), 'test')} passed"
    return f"{words}, {skipped} skipped" if skipped else words
