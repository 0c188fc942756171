"""`forge test --json`."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from chainops.toolchains.adapters.foundry_tests import (
    add_silent,
    has_report,
    parse_cases,
    parse_duration,
    parse_list,
    parse_report,
    silent_suites,
    without_traces,
)
from chainops.toolchains.errors import ToolchainOutputError
from chainops.toolchains.model import TestCase, TestStatus

FAIL = "test/Fail.t.sol:FailTest"


@pytest.fixture
def cases(forge_output: Callable[[str], bytes]) -> dict[str, TestCase]:
    found = parse_cases(parse_report(forge_output("test-report.json")))
    return {f"{case.suite.rpartition(':')[2]}.{case.name.partition('(')[0]}": case for case in found}


def test_statuses_reasons_and_figures(cases: dict[str, TestCase]) -> None:
    assert cases["CounterTest.test_IncrementAddsOne"].status is TestStatus.PASSED
    assert cases["CounterTest.test_IncrementAddsOne"].gas
    assert cases["FailTest.test_Eq"].reason == "assertion failed: 1 != 2"
    assert cases["FailTest.test_Custom"].reason == "Custom(7, 0x0000000000000000000000000000000000000001)"
    assert cases["FailTest.test_Skip"].status is TestStatus.SKIPPED
    assert 0 < cases["FailTest.testFuzz_Rejects"].duration_s < 10


def test_a_fuzz_counterexample_is_its_arguments(cases: dict[str, TestCase]) -> None:
    case = cases["FailTest.testFuzz_Fail"]
    assert case.kind == "fuzz"
    first, _, second = case.counterexample.partition(", ")
    assert int(first.split()[0]) >= 1000
    assert second.startswith("0x")


def test_an_invariant_counterexample_is_its_calls(cases: dict[str, TestCase]) -> None:
    case = cases["InvFailTest.invariant_Small"]
    assert case.kind == "invariant"
    assert case.counterexample.startswith("1. H.inc(")
    assert " from 0x" in case.counterexample.splitlines()[0]


def test_a_failed_setup_fails_every_test_of_its_suite(forge_output: Callable[[str], bytes]) -> None:
    report = parse_report(forge_output("test-report.json"))
    assert silent_suites(report)
    found = add_silent(parse_cases(report), parse_list(forge_output("test-list.json")))
    broken = [case for case in found if case.suite.endswith(":SetupTest")]
    assert [(case.name, case.status, case.reason) for case in broken] == [
        ("test_A", TestStatus.FAILED, "setUp failed: no setup"),
        ("test_B", TestStatus.FAILED, "setUp failed: no setup"),
    ]


def test_tests_beside_a_removed_testfail_did_not_run(forge_output: Callable[[str], bytes]) -> None:
    report = parse_report(forge_output("test-report.json"))
    found = add_silent(parse_cases(report), parse_list(forge_output("test-list.json")))
    old = {case.name.partition("(")[0]: case for case in found if case.suite.endswith(":OldTest")}
    assert old["testFail_Old"].status is TestStatus.FAILED
    assert old["test_Fine"].status is TestStatus.SKIPPED
    assert old["test_Fine"].reason.startswith("not run: ")
    assert len(old) == 3


def test_a_report_of_plain_suites_has_nothing_silent(forge_output: Callable[[str], bytes]) -> None:
    report = parse_report(forge_output("test-report.json"))
    del report["test/Fail.t.sol:SetupTest"], report["test/Fail.t.sol:SetupEnvTest"]
    del report["test/Old.t.sol:OldTest"], report["test/integration/Live.t.sol:LiveTest"]
    assert not silent_suites(report)


def test_noise_around_the_report_is_passed_over(forge_output: Callable[[str], bytes]) -> None:
    report = forge_output("test-report.json")
    noisy = (
        b'Warning: x\n{"event":"failure","reason":"r"}\n{oops\n' + report + b'\nTip: {}\n{"event":"end"}\n'
    )
    assert parse_report(noisy) == parse_report(report)


def test_no_tests_is_an_empty_report() -> None:
    words = b"No tests found in project! Forge looks for functions that start with `test`\n"
    assert parse_report(words) == {}
    assert not has_report(words)


def test_a_cut_report_is_never_taken_for_one(forge_output: Callable[[str], bytes]) -> None:
    report = forge_output("test-report.json")
    for cut in (1, 2, len(report) // 2, len(report) - 1):
        with pytest.raises(ToolchainOutputError, match="cut off"):
            parse_report(report[:cut])
        assert has_report(report[:cut])


@pytest.mark.parametrize("output", [b"", b"\xff\xfe\x00", b"Killed", b"[]", b"null"])
def test_what_is_no_report_is_an_error_of_the_tool(output: bytes) -> None:
    with pytest.raises(ToolchainOutputError):
        parse_report(output)


@pytest.mark.parametrize(
    "report",
    [
        {"a:A": 7},
        {"a:A": {"test_results": []}},
        {"a:A": {"test_results": {"t()": {}}}},
        {"a:A": {"test_results": {"t()": {"status": "Passed?"}}}},
        {"a:A": {"test_results": {"t()": {"status": "Failure", "counterexample": {"Sequence": [1]}}}}},
    ],
)
def test_another_shape_is_an_error_of_the_tool(report: dict[str, object]) -> None:
    with pytest.raises(ToolchainOutputError, match="another shape"):
        parse_cases(report)


def test_reasons_cannot_write_to_the_terminal() -> None:
    result = {"status": "Failure", "reason": "\x1b]0;x\x07bad\u202e", "kind": {"Unit": {"gas": 1}}}
    (case,) = parse_cases({"a:A": {"test_results": {"t()": result}}})
    assert case.reason == "bad"


def test_logs_are_kept_and_capped() -> None:
    result = {
        "status": "Success",
        "decoded_logs": ["hello\x1b[2J"] + 200 * ["x"],
        "kind": {"Unit": {"gas": 1}},
    }
    (case,) = parse_cases({"a:A": {"test_results": {"t()": result}}})
    assert case.logs[0] == "hello"
    assert len(case.logs) == 100


def test_traces_are_left_out_of_the_kept_report() -> None:
    result = {"status": "Success", "traces": [1], "logs": [2], "labeled_addresses": {}, "decoded_logs": ["x"]}
    kept = without_traces({"a:A": {"duration": "1s", "test_results": {"t()": result}}})
    assert kept == {
        "a:A": {"duration": "1s", "test_results": {"t()": {"status": "Success", "decoded_logs": ["x"]}}}
    }


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("50ms 337µs 56ns", 0.050337056), ("1m 2s", 62.0), ("0s", 0.0), ("", 0.0), ("x", 0.0)],
)
def test_durations_are_read(text: str, seconds: float) -> None:
    assert parse_duration(text) == pytest.approx(seconds)


def test_a_damaged_list_is_an_error_of_the_tool() -> None:
    for output in (b"", b'{"a": 7}', b'{"a": {"A": ["t"'):
        with pytest.raises(ToolchainOutputError):
            parse_list(output)


def test_the_list_is_keyed_by_suite(forge_output: Callable[[str], bytes]) -> None:
    listed = parse_list(forge_output("test-list.json"))
    assert listed["test/Fail.t.sol:SetupTest"] == ("test_A", "test_B")
    assert sum(map(len, listed.values())) == sum(
        len(tests)
        for contracts in json.loads(forge_output("test-list.json")).values()
        for tests in contracts.values()
    )
