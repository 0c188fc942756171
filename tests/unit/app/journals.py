"""Runs in memory for tests of what is said of them and done to them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from chainops.app.state import RunState
from chainops.pipeline.claims import MemoryClaims, Runner
from chainops.pipeline.events import AttemptFinished, AttemptStarted, Event, RunFinished, RunStarted
from chainops.pipeline.journal import MemoryJournal
from chainops.pipeline.model import FailureKind, Outcome, RunStatus, StageNode, StageStatus

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
DIGEST = "sha256:" + "a" * 64
CHAIN = (
    StageNode(name="source-checkout"),
    StageNode(name="compilation", needs=("source-checkout",)),
    StageNode(name="unit-tests", needs=("compilation",)),
    StageNode(name="static-analysis", needs=("source-checkout",)),
)


def at(second: float) -> datetime:
    return BEGAN + timedelta(seconds=second)


def started(nodes: Sequence[StageNode] = CHAIN, second: float = 0, workspace: str = "/w") -> RunStarted:
    return RunStarted(
        at=at(second), pipeline_id="p", project_name="p", workspace=workspace, nodes=tuple(nodes)
    )


def begun(stage: str, second: float = 1, attempt: int = 1) -> AttemptStarted:
    return AttemptStarted(at=at(second), stage=stage, attempt=attempt)


def ended(
    stage: str, status: StageStatus = StageStatus.SUCCESS, *, attempt: int = 1, **outcome: Any
) -> AttemptFinished:
    if status is StageStatus.FAILED:
        outcome.setdefault("failure", FailureKind.PROJECT)
    made = Outcome(status=status, **outcome)
    return AttemptFinished(at=at(2), stage=stage, attempt=attempt, duration_s=1, outcome=made)


def went(stage: str, status: StageStatus = StageStatus.SUCCESS, **outcome: Any) -> tuple[Event, Event]:
    return begun(stage), ended(stage, status, **outcome)


def waits(stage: str, digest: str = DIGEST) -> tuple[Event, Event]:
    return went(stage, StageStatus.WAITING, reason="a plan waits", outputs={"plan_digest": digest})


def finished(status: RunStatus, exit_code: int = 0, waiting_for: str = "") -> RunFinished:
    return RunFinished(at=at(5), status=status, exit_code=exit_code, waiting_for=waiting_for)


def runner(token: str = "t", pid: int = 4711) -> Runner:
    return Runner(token=token, host="host", pid=pid, started="boot/1", since=at(0))


def memory_state(*events: Event, run_id: str = "r1", held: bool = False, dead: bool = False) -> RunState:
    """A state with one run; `held` by a living runner, or by a `dead` one."""
    claims = MemoryClaims()
    journal = MemoryJournal(claims)
    if events:
        journal.append(run_id, *events)
    if held or dead:
        claims.claim(run_id, runner())
    if dead:
        claims.dead.add("t")
    return RunState(journal=journal, claims=claims)
