"""Reads `forge test --json`: outcomes, counterexamples, and the tests that forge passed over in silence."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from chainops.core.text import clean, decode, one_line, shorten
from chainops.toolchains.errors import ToolchainOutputError
from chainops.toolchains.model import TestCase, TestStatus

_DURATION = re.compile(r"(\d{1,18})\s*(ns|µs|us|ms|s|m|h|d)")
_UNIT_S = {"ns": 1e-9, "µs": 1e-6, "us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_STATUSES = {"Success": TestStatus.PASSED, "Failure": TestStatus.FAILED, "Skipped": TestStatus.SKIPPED}
_NO_TESTS = "No tests found"
_REMOVED = "testFail*` has been removed"
#: where a JSON object or list can begin in a tool's output: at the start of a line
_STARTS = {dict: re.compile(r"^\s*(\{)", re.MULTILINE), list: re.compile(r"^\s*(\[)", re.MULTILINE)}
_TRIES = 50
_LONGEST_REASON = 2000
_LOG_LINES = 100
_SEQUENCE_STEPS = 100


def find_json(text: str, kind: type[dict[str, Any]] | type[list[Any]]) -> Any:
    """Return the first JSON value of `kind` that begins a line; what stands before and after it is noise.

    Raises ValueError when there is none, or when the report is cut off.
    """
    decoder = json.JSONDecoder()
    for tries, start in enumerate(_STARTS[kind].finditer(text)):
        if tries >= _TRIES:
            break
        try:
            found, _ = decoder.raw_decode(text, start.start(1))
        except (ValueError, RecursionError):
            continue
        # noise can be JSON too, a line of it: the report is what spans to an empty rest or is not an event
        if isinstance(found, kind) and not (isinstance(found, dict) and "event" in found):
            return found
    raise ValueError("no JSON report")


def parse_report(output: bytes) -> dict[str, Any]:
    """Return forge's test report; empty when forge says that it found no tests.

    Raises `ToolchainOutputError` when there is no whole report.
    """
    text = decode(output)
    try:
        found = find_json(text, dict)
    except ValueError as error:
        if _NO_TESTS in text:
            return {}
        raise ToolchainOutputError(
            f"forge's test report is cut off or is none; it begins: {one_line(text, 120) or '(nothing)'}",
            hint="look at the stage's log; a full disk or a killed process can cut a report",
        ) from error
    return dict(found)


def has_report(output: bytes) -> bool:
    """Whether forge began to print a report, whole or not."""
    return re.search(rb"^[ \t]*[{\[]", output, re.MULTILINE) is not None


def without_traces(report: Mapping[str, Any]) -> dict[str, Any]:
    """Return the report without call traces and raw logs, which make up nearly all of it."""
    return {
        suite: {
            **result,
            "test_results": {
                name: {k: v for k, v in test.items() if k not in ("traces", "logs", "labeled_addresses")}
                for name, test in result["test_results"].items()
            },
        }
        for suite, result in report.items()
    }


def parse_cases(report: Mapping[str, Any]) -> tuple[TestCase, ...]:
    """Return every test in the report, by suite and name.

    Raises `ToolchainOutputError` when a part has another shape.
    """
    try:
        found = [
            _case(suite, name, result)
            for suite, suite_result in report.items()
            for name, result in suite_result["test_results"].items()
        ]
    except (KeyError, TypeError, AttributeError, ValueError, IndexError) as error:
        raise ToolchainOutputError(
            f"forge's test report has another shape than that of version 1.7 ({type(error).__name__})",
            hint="run `chainops tools verify`, or use the locked forge",
        ) from error
    return tuple(sorted(found, key=lambda case: (case.suite, case.name)))


def _case(suite: str, name: str, result: Mapping[str, Any]) -> TestCase:
    status = _STATUSES[result["status"]]
    kind, figures = _kind(result.get("kind") or {})
    logs = result.get("decoded_logs") or []
    return TestCase(
        suite=clean(suite),
        name=clean(name),
        status=status,
        kind=kind,
        reason=shorten(clean(str(result.get("reason") or "")).strip(), _LONGEST_REASON),
        counterexample=_counterexample(result.get("counterexample")),
        duration_s=parse_duration(result.get("duration") or ""),
        gas=_count(figures.get("gas", figures.get("median_gas"))),
        runs=_count(figures.get("runs")),
        logs=tuple(shorten(clean(str(line)), _LONGEST_REASON) for line in logs[:_LOG_LINES]),
    )


def _kind(kind: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    for name, figures in kind.items():
        return {"Unit": "unit", "Fuzz": "fuzz", "Invariant": "invariant"}.get(name, name.lower()), dict(
            figures
        )
    return "unit", {}


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def parse_duration(text: str) -> float:
    """Return seconds for a duration such as `50ms 337µs 56ns`."""
    return sum(int(number) * _UNIT_S[unit] for number, unit in _DURATION.findall(str(text)))


def _counterexample(found: Any) -> str:
    """Return the arguments of a fuzz test, or an invariant's calls, a line each."""
    if not found:
        return ""
    if "Single" in found:
        single = found["Single"]
        return shorten(clean(_arguments(single)), _LONGEST_REASON)
    _, steps = found["Sequence"]
    lines = [
        f"{number}. {_target(step)}({_arguments(step)}) from {step.get('sender')}"
        for number, step in enumerate(steps[:_SEQUENCE_STEPS], 1)
    ]
    if len(steps) > _SEQUENCE_STEPS:
        lines.append(f"… and {len(steps) - _SEQUENCE_STEPS} more calls")
    return clean("\n".join(lines))


def _target(step: Mapping[str, Any]) -> str:
    contract = str(step.get("contract_name") or step.get("addr")).rpartition(":")[2]
    return f"{contract}.{step.get('func_name') or shorten(str(step.get('calldata')), 10)}"


def _arguments(call: Mapping[str, Any]) -> str:
    return str(call.get("args") or call.get("raw_args") or call.get("calldata") or "")


def silent_suites(report: Mapping[str, Any]) -> bool:
    """Whether forge left tests out of its report: after a failed setUp, or beside a test named testFail*."""
    return any(
        name == "setUp()" or _REMOVED in str(result.get("reason"))
        for suite in report.values()
        for name, result in suite["test_results"].items()
    )


def parse_list(output: bytes) -> dict[str, tuple[str, ...]]:
    """Read `forge test --list --json`: suite (`path:Contract`) → names of its tests, without parameters.

    Raises `ToolchainOutputError` when it is not that.
    """
    text = decode(output)
    try:
        found = find_json(text, dict)
        return {
            f"{path}:{contract}": tuple(str(name) for name in names)
            for path, contracts in found.items()
            for contract, names in contracts.items()
        }
    except (ValueError, TypeError, AttributeError) as error:
        raise ToolchainOutputError(
            f"forge's list of tests is cut off or is none: {one_line(text, 120) or '(nothing)'}"
        ) from error


def add_silent(cases: Iterable[TestCase], listed: Mapping[str, tuple[str, ...]]) -> tuple[TestCase, ...]:
    """Return the cases with those that forge did not report.

    A suite whose setUp failed has one entry, `setUp()`: each of its tests failed for that reason. A suite
    with a test named `testFail*` runs nothing else: its other tests did not run and count as skipped.
    """
    by_suite: dict[str, list[TestCase]] = {}
    for case in cases:
        by_suite.setdefault(case.suite, []).append(case)
    found: list[TestCase] = []
    for suite, members in by_suite.items():
        found += _completed(suite, members, listed.get(suite, ()))
    return tuple(sorted(found, key=lambda case: (case.suite, case.name)))


def _completed(suite: str, members: list[TestCase], listed: tuple[str, ...]) -> list[TestCase]:
    broken = next((case for case in members if case.name == "setUp()"), None)
    if broken and listed:
        reason = f"setUp failed: {broken.reason or 'without a reason'}"
        return [_unreported(suite, name, TestStatus.FAILED, reason, broken.logs) for name in listed]
    if not any(_REMOVED in case.reason for case in members):
        return members
    reported = [case.name.partition("(")[0] for case in members]
    missing = list(listed)
    for name in reported:
        if name in missing:
            missing.remove(name)
    reason = "not run: forge refuses the whole contract because it has tests named testFail*"
    return members + [_unreported(suite, name, TestStatus.SKIPPED, reason) for name in missing]


def _unreported(
    suite: str, name: str, status: TestStatus, reason: str, logs: tuple[str, ...] = ()
) -> TestCase:
    kind = "invariant" if name.startswith(("invariant", "statefulFuzz")) else "unit"
    return TestCase(suite=suite, name=name, status=status, kind=kind, reason=reason, logs=logs)
