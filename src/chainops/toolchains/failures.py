"""Groups failing tests by cause, so that 278 failures with one reason read as one."""

from __future__ import annotations

import re
from collections.abc import Iterable

from chainops.core.text import one_line
from chainops.toolchains.model import FailureGroup, TestCase, TestStatus

#: what differs between tests that fail for one reason: numbers, addresses, hashes
_HEX = re.compile(r"\b0x[0-9a-fA-F]{6,}\b")
_NUMBER = re.compile(r"(?<![\w.])-?\d+(?:\.\d+)?(?:e\d+)?(?![\w.])")
_SCIENTIFIC = re.compile(r"\s*\[-?[\d.]+e\d+\]")
_COMPARISON = re.compile(r"^assertion failed(?::.*)?$", re.DOTALL)

_HINTS = (
    (
        re.compile(r"`?testFail"),
        "forge no longer runs tests named testFail*: rename it and expect the revert with vm.expectRevert",
    ),
    (
        re.compile(r"environment variable \"(?P<name>[^\"]+)\" not found"),
        "set {name} in `environment_vars` of the config",
    ),
    (
        re.compile(r"FFI is disabled"),
        "the test starts a program on this machine; set `foundry: {{allow_ffi: true}}` if you trust it",
    ),
    (
        re.compile(r"invalid rpc url: (?P<name>\S+)"),
        "the test forks a chain: give the endpoint `{name}` in foundry.toml's [rpc_endpoints]",
    ),
    (
        re.compile(r"could not instantiate forked environment|error sending request|no active fork"),
        "the test needs a chain that it cannot reach: make it an integration test, or give it an RPC URL",
    ),
    (
        re.compile(r"is not allowed to be accessed"),
        "the test reads or writes a file: allow the path in foundry.toml's fs_permissions",
    ),
)


def cause(reason: str) -> str:
    """Return what tests with one cause have in common: a reason without its numbers and addresses."""
    text = one_line(reason, 300) or "failed without a reason"
    text = _SCIENTIFIC.sub("", _HEX.sub("0x…", text))
    return _NUMBER.sub("N", text)


def hint_for(reason: str) -> str:
    """Return what to do about a reason that is known, or an empty text."""
    for pattern, hint in _HINTS:
        if found := pattern.search(reason):
            return hint.format(**found.groupdict())
    return ""


def group_failures(cases: Iterable[TestCase]) -> tuple[FailureGroup, ...]:
    """Return the failing tests by cause, the largest group first.

    Bare assertion failures of different tests share no cause: they are kept apart by test. A group of one
    keeps its reason as printed.
    """
    groups: dict[tuple[str, str], list[TestCase]] = {}
    for case in cases:
        if case.status is TestStatus.FAILED:
            own = f"{case.suite}.{case.name}" if _COMPARISON.match(case.reason) else ""
            groups.setdefault((cause(case.reason), own), []).append(case)
    found = [_group(reason, members) for (reason, _), members in groups.items()]
    return tuple(sorted(found, key=lambda group: (-len(group.tests), group.tests)))


def _group(common: str, members: list[TestCase]) -> FailureGroup:
    reasons = {one_line(case.reason, 300) for case in members}
    reason = reasons.pop() if len(reasons) == 1 else common
    return FailureGroup(
        reason=reason or "failed without a reason",
        tests=tuple(sorted(f"{case.suite}.{case.name}" for case in members)),
        hint=hint_for(members[0].reason),
    )
