"""A run's end follows from its stages and gates, and never says more than they do."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from chainops.pipeline.events import (
    AttemptFinished,
    AttemptStarted,
    Event,
    RunStarted,
    event_from_json,
    event_kind,
    event_to_json,
)
from chainops.pipeline.fold import reduce
from chainops.pipeline.model import FailureKind, Outcome, RunRecord, RunStatus, StageNode
from chainops.pipeline.verdict import final_event
from chainops.quality.model import GateStatus, Verdict
from unit.pipeline.fakes import SUCCESS, WAITING, failure, verdict

AT = datetime(2026, 1, 1, tzinfo=UTC)
MISSING = (verdict("security", "scan", GateStatus.NOT_RUN),)


def ended(*stages: tuple[StageNode, Outcome], gates: tuple[Verdict, ...] = ()) -> RunRecord:
    events: list[Event] = [
        RunStarted(at=AT, pipeline_id="", project_name="", workspace="/w", nodes=tuple(n for n, _ in stages))
    ]
    for node, outcome in stages:
        events += [
            AttemptStarted(at=AT, stage=node.name, attempt=1),
            AttemptFinished(at=AT, stage=node.name, attempt=1, duration_s=0, outcome=outcome, verdicts=gates),
        ]
    return reduce("r", events)


A, B = StageNode(name="a"), StageNode(name="b")
ALLOWED = StageNode(name="a", allow_failure=True)


@pytest.mark.parametrize(
    ("record", "missing", "status", "code"),
    [
        (ended((A, SUCCESS)), (), RunStatus.SUCCESS, 0),
        (ended((A, failure())), (), RunStatus.FAILED, 1),
        (ended((A, failure(FailureKind.CONFIG)), (B, failure(FailureKind.MACHINE))), (), RunStatus.FAILED, 2),
        (ended((A, failure(FailureKind.MACHINE))), (), RunStatus.FAILED, 3),
        (ended((ALLOWED, failure()), (B, SUCCESS)), (), RunStatus.SUCCESS, 0),
        (ended((A, SUCCESS), gates=(verdict("g", "a"),)), (), RunStatus.FAILED, 1),
        (ended((A, SUCCESS)), MISSING, RunStatus.FAILED, 1),
        (ended((A, WAITING)), (), RunStatus.PAUSED, 4),
        (ended((A, WAITING)), MISSING, RunStatus.PAUSED, 4),
        (ended((A, WAITING), (B, failure())), (), RunStatus.FAILED, 1),
        (ended((A, WAITING), gates=(verdict("g", "a"),)), (), RunStatus.FAILED, 1),
    ],
)
def test_status_and_exit_code_follow_from_stages_and_gates(
    record: RunRecord, missing: tuple[Verdict, ...], status: RunStatus, code: int
) -> None:
    event = final_event(AT, record, missing, cancelled=False)
    assert (event.status, event.exit_code) == (status, code)
    assert event_from_json(event_kind(event), event_to_json(event)) == event


def test_a_cancelled_run_is_cancelled_whatever_failed() -> None:
    event = final_event(AT, ended((A, failure())), MISSING, cancelled=True)
    assert (event.status, event.exit_code) == (RunStatus.CANCELLED, 130)


def test_a_failed_run_names_the_gates_that_nothing_measured() -> None:
    assert final_event(AT, ended((A, failure())), MISSING, cancelled=False).verdicts == MISSING
