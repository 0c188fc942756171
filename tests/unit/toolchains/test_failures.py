"""Failing tests by cause."""

from __future__ import annotations

from chainops.toolchains.failures import group_failures
from chainops.toolchains.model import TestCase, TestStatus


def failing(name: str, reason: str, suite: str = "test/A.t.sol:A") -> TestCase:
    return TestCase(suite=suite, name=name, status=TestStatus.FAILED, kind="unit", reason=reason)


def test_one_reason_makes_one_group() -> None:
    removed = "`testFail*` has been removed. Consider changing to test_Revert[If|When]_Condition"
    cases = [failing(f"testFail{n}()", removed) for n in range(278)]
    (group,) = group_failures(cases)
    assert len(group.tests) == 278
    assert group.reason == removed
    assert "vm.expectRevert" in group.hint


def test_numbers_and_addresses_do_not_tell_causes_apart() -> None:
    groups = group_failures(
        [
            failing("a()", "Broke(7, 0x0000000000000000000000000000000000000001)"),
            failing("b()", "Broke(8, 0x0000000000000000000000000000000000000002)"),
            failing("c()", "Other()"),
        ]
    )
    assert [(group.reason, len(group.tests)) for group in groups] == [("Broke(N, 0x…)", 2), ("Other()", 1)]


def test_assertions_of_different_tests_are_different_causes() -> None:
    groups = group_failures(
        [failing("a()", "assertion failed: 1 != 2"), failing("b()", "assertion failed: 1 != 2")]
    )
    assert [group.tests for group in groups] == [("test/A.t.sol:A.a()",), ("test/A.t.sol:A.b()",)]
    assert groups[0].reason == "assertion failed: 1 != 2"


def test_a_missing_variable_is_named_in_the_hint() -> None:
    (group,) = group_failures(
        [failing("a()", 'vm.envString: environment variable "MAINNET_RPC_URL" not found')]
    )
    assert group.hint == "set MAINNET_RPC_URL in `environment_vars` of the config"


def test_a_refused_program_says_how_to_allow_it() -> None:
    (group,) = group_failures([failing("a()", "vm.ffi: FFI is disabled; add the `--ffi` flag")])
    assert "foundry: {allow_ffi: true}" in group.hint


def test_a_reason_cannot_write_to_the_terminal() -> None:
    (group,) = group_failures([failing("a()", "\x1b[2Jgone\x00\u202e{x}")])
    assert group.reason == "gone{x}"


def test_passing_tests_make_no_group() -> None:
    passed = TestCase(suite="s", name="n", status=TestStatus.PASSED, kind="unit")
    assert group_failures([passed]) == ()
