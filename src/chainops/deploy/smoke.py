"""Smoke checks: declared calls of what was deployed, with the result, revert or events they must have."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from chainops.chains.abi import ValueMistake, decode, show
from chainops.chains.abi_answers import Decoded, decode_event, decode_revert
from chainops.chains.errors import RpcAnswerError, TransactionRevertedError
from chainops.chains.model import Log, TransactionRequest
from chainops.chains.rpc import RpcClient
from chainops.chains.sender import Sender
from chainops.core.errors import Place
from chainops.core.text import one_line, plural
from chainops.deploy.builds import Build


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A deployed contract that checks can name."""

    name: str
    address: str
    build: Build


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedEvent:
    """An event that must be among a transaction's logs; `args` by position, None is not looked at."""

    address: str
    abi: Mapping[str, Any]
    args: Mapping[int, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedRevert:
    """How a call must revert; `name` empty for any way. `args` by position."""

    name: str = ""
    args: Mapping[int, Any] = field(default_factory=dict)
    #: `Error(string)`'s text, or the custom error's arguments, as they are shown
    shown: str = "a revert"


@dataclass(frozen=True, slots=True, kw_only=True)
class SmokeCheck:
    """A check, ready to be made."""

    name: str
    place: Place
    target: Target
    function: Mapping[str, Any]
    data: bytes
    value_wei: int
    #: who calls where nothing is sent; empty for the deployer
    sender: str
    sends: bool
    #: expected results by position; None when the result does not matter
    results: Mapping[int, Any] | None = None
    reverts: ExpectedRevert | None = None
    events: tuple[ExpectedEvent, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """How a check ended; `detail` says what was expected and what came."""

    name: str
    status: str  # `passed`, `failed`
    detail: str
    place: Place


def with_args(name: str, args: Mapping[int, Any]) -> str:
    """Return an error or event as it is shown, `…` for arguments that are not looked at."""
    return (
        f"{name}({', '.join(show(args[i]) if i in args else '…' for i in range(max(args, default=-1) + 1))})"
    )


async def run_check(
    check: SmokeCheck, *, rpc: RpcClient, sender: Sender, number: int, say: Callable[[str], None]
) -> CheckResult:
    """Make one check; a wrong answer is a result. Raises when the chain cannot be asked."""
    if check.sends:
        failure, seen = await _send(check, sender, number)
    else:
        failure, seen = await _call(check, rpc, sender.account)
    status = "failed" if failure else "passed"
    say(f"{check.name}: {status}: {failure or seen}")
    return CheckResult(name=check.name, status=status, detail=failure or seen, place=check.place)


async def _call(check: SmokeCheck, rpc: RpcClient, account: str) -> tuple[str, str]:
    call = {
        "from": check.sender or account,
        "to": check.target.address,
        "data": "0x" + check.data.hex(),
        "value": hex(check.value_wei),
    }
    try:
        answer = bytes.fromhex(str(await rpc.call("eth_call", call, "latest"))[2:])
    except RpcAnswerError as error:
        data = error.revert_data
        if data is None:
            raise
        return _judge_revert(check, decode_revert(data, check.target.build.abi))
    if check.reverts:
        return f"expected {check.reverts.shown}, but the call succeeded", ""
    try:
        values = decode(check.function.get("outputs", ()), answer)
    except ValueMistake as mistake:
        return f"the result cannot be read: {mistake}", ""
    return judge_results(check.results, values)


def judge_results(expected: Mapping[int, Any] | None, values: Sequence[Any]) -> tuple[str, str]:
    """Return what is wrong with a result (empty when nothing is) and what was seen."""
    seen = ", ".join(show(v) for v in values) or "no result"
    for position, wanted in (expected or {}).items():
        if values[position] != wanted:
            which = f" (result {position + 1})" if len(values) > 1 else ""
            return f"expected {show(wanted)}, got {show(values[position])}{which}", seen
    return "", f"returned {seen}"


def _judge_revert(check: SmokeCheck, found: Decoded) -> tuple[str, str]:
    wanted = check.reverts
    if wanted is None:
        return f"expected success, but it reverted: {found.text}", ""
    right_args = all(i < len(found.args) and found.args[i] == v for i, v in wanted.args.items())
    if wanted.name and (found.name != wanted.name or not right_args):
        return f"expected {wanted.shown}, but it reverted with {found.text}", ""
    return "", f"reverted with {found.text}"


async def _send(check: SmokeCheck, sender: Sender, number: int) -> tuple[str, str]:
    request = TransactionRequest(
        label=f"smoke {number}: {one_line(check.name, 80)}",
        to=check.target.address,
        data=check.data,
        value_wei=check.value_wei,
        errors=check.target.build.abi,
    )
    try:
        receipt = await sender.send(request)
    except TransactionRevertedError as error:
        return f"expected success, but it reverted: {error.reason}", ""
    for event in check.events:
        if failure := judge_event(event, receipt.logs):
            return failure, ""
    emitted = f", {plural(len(check.events), 'expected event')}" if check.events else ""
    return "", f"mined in block {receipt.block}{emitted}"


def judge_event(event: ExpectedEvent, logs: Sequence[Log]) -> str:
    """Return why `event` is not among `logs`, empty when it is."""
    name = str(event.abi["name"])
    seen = []
    for log in logs:
        if log.address.lower() != event.address.lower():
            continue
        found = decode_event(log.topics, log.data, [event.abi])
        if found is None:
            continue
        if all(found.args[i] == wanted for i, wanted in event.args.items()):
            return ""
        seen.append(found.text)
    wanted = with_args(name, event.args)
    if seen:
        return f"expected event {wanted}, got {'; '.join(seen[:5])}"
    return f"expected event {wanted}; it was not emitted ({plural(len(logs), 'log')} in all)"
