"""A run is a fold of its journal: the same entries always give the same record."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import singledispatch
from pathlib import Path

from chainops.core.errors import MachineError
from chainops.pipeline.events import (
    ApprovalGiven,
    AttemptFinished,
    AttemptLost,
    AttemptStarted,
    CancelRequested,
    Event,
    PauseRequested,
    RunFinished,
    RunResumed,
    RunStarted,
    StageSkipped,
    StagesReopened,
)
from chainops.pipeline.model import (
    AttemptRecord,
    GivenApproval,
    RunRecord,
    RunStatus,
    StageRecord,
    StageStatus,
)


class JournalError(MachineError):
    """A journal cannot be read as one."""

    code = "PIP301"


def reduce(run_id: str, events: Iterable[Event]) -> RunRecord:
    """Fold a run's events, the first of which is `RunStarted`; raises `JournalError` when it is not."""
    iterator = iter(events)
    first = next(iterator, None)
    if not isinstance(first, RunStarted):
        raise JournalError(f"the journal of run {run_id} does not begin with its start")
    record = RunRecord(
        run_id=run_id,
        pipeline_id=first.pipeline_id,
        project_name=first.project_name,
        status=RunStatus.RUNNING,
        started_at=first.at,
        ended_at=None,
        workspace=Path(first.workspace),
        stages=tuple(StageRecord(node=n, status=StageStatus.PENDING) for n in first.nodes),
        config=first.config,
    )
    for number, event in enumerate(iterator, 2):
        try:
            record = apply(event, record)
        except LookupError as error:
            raise JournalError(
                f"entry {number} of run {run_id} does not fit those before it: {error}"
            ) from error
    return record


@singledispatch
def apply(event: Event, record: RunRecord) -> RunRecord:
    """Return the record after one more event."""
    raise LookupError(f"{type(event).__name__} cannot follow")


@apply.register
def _(event: RunResumed, record: RunRecord) -> RunRecord:
    stages = tuple(
        replace(s, status=StageStatus.PENDING, reason="", verdicts=(), blocked=False) if reopens(s) else s
        for s in record.stages
    )
    return replace(
        record,
        stages=stages,
        status=RunStatus.RUNNING,
        ended_at=None,
        verdicts=(),
        exit_code=0,
        waiting_for="",
        pause_requested=False,
        cancel_requested=False,
        requested_by="",
    )


@apply.register
def _(event: PauseRequested, record: RunRecord) -> RunRecord:
    return replace(record, pause_requested=True, requested_by=event.by)


@apply.register
def _(event: CancelRequested, record: RunRecord) -> RunRecord:
    return replace(record, cancel_requested=True, requested_by=event.by)


@apply.register
def _(event: ApprovalGiven, record: RunRecord) -> RunRecord:
    given = GivenApproval(stage=event.stage, digest=event.digest, by=event.by, at=event.at)
    return replace(record, approvals=(*record.approvals, given))


@apply.register
def _(event: StagesReopened, record: RunRecord) -> RunRecord:
    names = frozenset(event.stages)
    for name in names:
        record.stage(name)
    stages = tuple(
        replace(s, status=StageStatus.PENDING, reason="", verdicts=(), blocked=False)
        if s.node.name in names
        else s
        for s in record.stages
    )
    return replace(record, stages=stages, status=RunStatus.RUNNING, ended_at=None, verdicts=(), exit_code=0)


def reopens(stage: StageRecord) -> bool:
    """Resuming gives another chance to what never got its turn, was interrupted, or waited."""
    interrupted = stage.status in (StageStatus.WAITING, StageStatus.CANCELLED, StageStatus.LOST)
    return interrupted or (stage.status is StageStatus.SKIPPED and stage.blocked)


@apply.register
def _(event: AttemptStarted, record: RunRecord) -> RunRecord:
    attempt = AttemptRecord(attempt=event.attempt, status=StageStatus.RUNNING, started_at=event.at)
    stage = record.stage(event.stage)
    return _with(
        record,
        # what an earlier attempt measured no longer counts
        replace(
            stage, status=StageStatus.RUNNING, reason="", verdicts=(), attempts=(*stage.attempts, attempt)
        ),
    )


@apply.register
def _(event: AttemptFinished, record: RunRecord) -> RunRecord:
    stage = record.stage(event.stage)
    ended = replace(
        _attempt(stage, event.attempt),
        status=event.outcome.status,
        ended_at=event.at,
        duration_s=event.duration_s,
        outcome=event.outcome,
    )
    return _with(
        record,
        replace(
            stage,
            status=event.outcome.status,
            reason=event.outcome.reason,
            attempts=_replaced(stage, ended),
            verdicts=event.verdicts,
        ),
    )


@apply.register
def _(event: AttemptLost, record: RunRecord) -> RunRecord:
    stage = record.stage(event.stage)
    lost = replace(_attempt(stage, event.attempt), status=StageStatus.LOST, ended_at=event.at)
    return _with(record, replace(stage, status=StageStatus.LOST, attempts=_replaced(stage, lost)))


@apply.register
def _(event: StageSkipped, record: RunRecord) -> RunRecord:
    stage = record.stage(event.stage)
    return _with(
        record, replace(stage, status=StageStatus.SKIPPED, reason=event.reason, blocked=event.blocked)
    )


@apply.register
def _(event: RunFinished, record: RunRecord) -> RunRecord:
    return replace(
        record,
        status=event.status,
        ended_at=event.at,
        exit_code=event.exit_code,
        verdicts=event.verdicts,
        waiting_for=event.waiting_for,
    )


def _attempt(stage: StageRecord, number: int) -> AttemptRecord:
    for attempt in stage.attempts:
        if attempt.attempt == number:
            return attempt
    raise LookupError(f"{stage.node.name} has no attempt {number}")


def _replaced(stage: StageRecord, attempt: AttemptRecord) -> tuple[AttemptRecord, ...]:
    return tuple(attempt if a.attempt == attempt.attempt else a for a in stage.attempts)


def _with(record: RunRecord, stage: StageRecord) -> RunRecord:
    return replace(
        record, stages=tuple(stage if s.node.name == stage.node.name else s for s in record.stages)
    )
