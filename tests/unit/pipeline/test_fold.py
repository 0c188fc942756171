"""The same entries always give the same record, and entries that make no sense are named."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from chainops.pipeline.events import (
    AttemptFinished,
    AttemptLost,
    AttemptStarted,
    Event,
    RunFinished,
    RunResumed,
    RunStarted,
    StageSkipped,
)
from chainops.pipeline.fold import JournalError, reduce
from chainops.pipeline.model import Outcome, RunStatus, StageNode, StageStatus
from unit.pipeline.fakes import SUCCESS, WAITING, failure, verdict

AT = datetime(2026, 1, 1, tzinfo=UTC)
STARTED = RunStarted(
    at=AT,
    pipeline_id="p",
    project_name="n",
    workspace="/w",
    nodes=tuple(StageNode(name=n) for n in "abcd"),
)


def started(stage: str, attempt: int = 1) -> AttemptStarted:
    return AttemptStarted(at=AT, stage=stage, attempt=attempt)


def finished(stage: str, outcome: Outcome = SUCCESS, attempt: int = 1) -> AttemptFinished:
    return AttemptFinished(
        at=AT + timedelta(seconds=attempt),
        stage=stage,
        attempt=attempt,
        duration_s=1.5,
        outcome=outcome,
        verdicts=(verdict("gate", stage),) if outcome is not SUCCESS else (),
    )


def test_a_run_begins_with_all_its_stages_pending() -> None:
    record = reduce("r", [STARTED])
    assert record.status is RunStatus.RUNNING
    assert {s.status for s in record.stages} == {StageStatus.PENDING}
    with pytest.raises(KeyError):
        record.stage("x")


def test_attempts_add_up() -> None:
    record = reduce(
        "r", [STARTED, started("a"), finished("a", failure()), started("a", 2), finished("a", attempt=2)]
    )
    stage = record.stage("a")
    assert [a.status.value for a in stage.attempts] == ["failed", "success"]
    assert (stage.status, stage.outcome, stage.duration_s) == (StageStatus.SUCCESS, SUCCESS, 3.0)
    assert stage.attempts[1].ended_at == AT + timedelta(seconds=2)


def test_verdicts_of_an_earlier_attempt_no_longer_count() -> None:
    events: list[Event] = [STARTED, started("a"), finished("a", failure())]
    assert len(reduce("r", events).all_verdicts) == 1
    assert reduce("r", [*events, started("a", 2)]).all_verdicts == ()


def test_resuming_reopens_what_was_interrupted_waiting_or_blocked_and_nothing_else() -> None:
    record = reduce(
        "r",
        [
            replace(STARTED, nodes=tuple(StageNode(name=n) for n in "abcdefg")),
            started("a"), finished("a"),
            started("b"), finished("b", failure()),
            started("c"), finished("c", WAITING),
            started("d"), AttemptLost(at=AT, stage="d", attempt=1),
            started("e"), finished("e", Outcome(status=StageStatus.CANCELLED)),
            StageSkipped(at=AT, stage="f", reason="b failed", blocked=True),
            StageSkipped(at=AT, stage="g", reason="not wanted", blocked=False),
            RunFinished(at=AT, status=RunStatus.FAILED, exit_code=1, verdicts=(verdict("x", "a"),)),
            RunResumed(at=AT),
        ],
    )  # fmt: skip
    statuses = {s.node.name: s.status.value for s in record.stages}
    assert statuses == {
        "a": "success", "b": "failed", "c": "pending", "d": "pending", "e": "pending",
        "f": "pending", "g": "skipped",
    }  # fmt: skip
    assert (record.status, record.exit_code, record.ended_at, record.verdicts) == (
        RunStatus.RUNNING,
        0,
        None,
        (),
    )
    assert not record.stage("f").blocked
    assert record.stage("c").verdicts == ()


def test_a_stage_that_waited_can_be_left_out_and_leaves_no_outcome() -> None:
    waited: list[Event] = [STARTED, started("a"), finished("a", WAITING)]
    assert reduce("r", waited).stage("a").outcome is WAITING
    left_out = StageSkipped(at=AT, stage="a", reason="--no-production", blocked=False)
    stage = reduce("r", [*waited, RunResumed(at=AT), left_out]).stage("a")
    assert (stage.status, stage.reason, stage.outcome) == (StageStatus.SKIPPED, "--no-production", None)
    assert len(stage.attempts) == 1
    assert reduce("r", [*waited, RunResumed(at=AT), left_out, RunResumed(at=AT)]).stage("a") == stage


@pytest.mark.parametrize(
    "events",
    [
        [],
        [RunResumed(at=AT)],
        [STARTED, STARTED],
        [STARTED, started("unknown")],
        [STARTED, finished("a")],
        [STARTED, started("a"), finished("a", attempt=2)],
        [STARTED, AttemptLost(at=AT, stage="a", attempt=1)],
        [STARTED, StageSkipped(at=AT, stage="x", reason="", blocked=True)],
    ],
)
def test_entries_that_make_no_run_are_named(events: list[Event]) -> None:
    with pytest.raises(JournalError, match="run r"):
        reduce("r", events)
