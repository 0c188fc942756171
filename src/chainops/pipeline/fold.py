"""A run is a fold of its journal: the same entries always give the same record."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from chainops.core.collecting import collect_later
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
    Outcome,
    RunRecord,
    RunStatus,
    StageRecord,
    StageStatus,
)
from chainops.quality.model import Verdict

#: the output in which a stage that waits says what is to be approved
APPROVAL_DIGEST = "plan_digest"


class JournalError(MachineError):
    """A journal cannot be read as one."""

    code = "PIP301"


def reduce(run_id: str, events: Iterable[Event]) -> RunRecord:
    """Fold a run's events, the first of which is `RunStarted`; raises `JournalError` when it is not."""
    return fold(run_id, events).record()


def fold(run_id: str, events: Iterable[Event]) -> RunFold:
    """Fold a run's events so that more can follow; raises `JournalError` when they make no run."""
    iterator = iter(events)
    first = next(iterator, None)
    if not isinstance(first, RunStarted):
        raise JournalError(f"the journal of run {run_id} does not begin with its start")
    state = RunFold(run_id, first)
    number = 1
    try:
        with collect_later():
            for number, event in enumerate(iterator, 2):  # noqa: B007 - named in the error
                state.apply(event)
    except LookupError as error:
        raise JournalError(f"entry {number} of run {run_id} does not fit those before it: {error}") from error
    return state


class RunFold:
    """A run's events, folded in place: one more costs the same whether the run has 20 stages or 1,000."""

    def __init__(self, run_id: str, first: RunStarted) -> None:
        self.run_id = run_id
        self.status = RunStatus.RUNNING
        self.pause_requested = False
        self.cancel_requested = False
        self.requested_by = ""
        self._first = first
        self._stages = {n.name: StageRecord(node=n, status=StageStatus.PENDING) for n in first.nodes}
        self._outcomes: dict[str, Outcome] = {}
        self._ended_at: datetime | None = None
        self._exit_code = 0
        self._waiting_for = ""
        self._verdicts: tuple[Verdict, ...] = ()
        self._approvals: tuple[GivenApproval, ...] = ()
        self._applied = 0
        self._taken: tuple[int, RunRecord] | None = None

    @property
    def stages(self) -> Mapping[str, StageRecord]:
        """How each stage stands now, by name; it changes with the next event."""
        return self._stages

    @property
    def outcomes(self) -> dict[str, Outcome]:
        """The outcomes so far, by stage, to keep."""
        return self._outcomes.copy()

    def apply(self, event: Event) -> tuple[str, ...]:
        """Take one more event; return the stages that it may have changed.

        Raises LookupError when it cannot follow those before it.
        """
        step = _STEPS.get(type(event))
        if step is None:
            raise LookupError(f"{type(event).__name__} cannot follow")
        names = step(self, event)
        # last: a record that another thread takes meanwhile counts as the one before
        self._applied += 1
        return names

    def record(self) -> RunRecord:
        """Return the run as it stands; costs its size after a change, nothing until the next one."""
        applied, taken = self._applied, self._taken
        if taken is None or taken[0] != applied:
            taken = (applied, self._record())
            self._taken = taken
        return taken[1]

    def _record(self) -> RunRecord:
        first = self._first
        return RunRecord(
            run_id=self.run_id,
            pipeline_id=first.pipeline_id,
            project_name=first.project_name,
            status=self.status,
            started_at=first.at,
            ended_at=self._ended_at,
            workspace=Path(first.workspace),
            stages=tuple(self._stages.values()),
            verdicts=self._verdicts,
            config=first.config,
            exit_code=self._exit_code,
            waiting_for=self._waiting_for,
            approvals=self._approvals,
            pause_requested=self.pause_requested,
            cancel_requested=self.cancel_requested,
            requested_by=self.requested_by,
        )

    def _set(self, stage: StageRecord) -> tuple[str, ...]:
        name = stage.node.name
        self._stages[name] = stage
        outcome = stage.outcome
        if outcome is not None:
            self._outcomes[name] = outcome
        else:
            self._outcomes.pop(name, None)
        return (name,)

    def _reopen(self, stages: Iterable[StageRecord], *, anew: bool) -> tuple[str, ...]:
        names: list[str] = []
        for s in stages:
            earlier = len(s.attempts) if anew else s.earlier
            names += self._set(
                replace(s, status=StageStatus.PENDING, reason="", verdicts=(), blocked=False, earlier=earlier)
            )
        return tuple(names)

    def _continue(self) -> None:
        self.status = RunStatus.RUNNING
        self._ended_at = None
        self._verdicts = ()
        self._exit_code = 0

    def _resumed(self, _: RunResumed) -> tuple[str, ...]:
        self._continue()
        self._waiting_for = ""
        self.pause_requested = self.cancel_requested = False
        self.requested_by = ""
        return self._reopen([s for s in self._stages.values() if reopens(s)], anew=False)

    def _pause_requested(self, event: PauseRequested) -> tuple[str, ...]:
        self.pause_requested, self.requested_by = True, event.by
        return ()

    def _cancel_requested(self, event: CancelRequested) -> tuple[str, ...]:
        self.cancel_requested, self.requested_by = True, event.by
        return ()

    def _approved(self, event: ApprovalGiven) -> tuple[str, ...]:
        given = GivenApproval(stage=event.stage, digest=event.digest, by=event.by, at=event.at)
        self._approvals = (*self._approvals, given)
        stage = self._stages.get(event.stage)
        if stage is None or not waits_for(stage, event.digest):
            return ()
        return self._reopen([stage], anew=False)

    def _stages_reopened(self, event: StagesReopened) -> tuple[str, ...]:
        stages = [self._stages[name] for name in dict.fromkeys(event.stages)]
        self._continue()
        # an attempt that runs gives a fresh result anyway
        return self._reopen([s for s in stages if s.status is not StageStatus.RUNNING], anew=True)

    def _started(self, event: AttemptStarted) -> tuple[str, ...]:
        attempt = AttemptRecord(attempt=event.attempt, status=StageStatus.RUNNING, started_at=event.at)
        stage = self._stages[event.stage]
        return self._set(
            StageRecord(  # what an earlier attempt measured no longer counts
                node=stage.node,
                status=StageStatus.RUNNING,
                attempts=(*stage.attempts, attempt),
                blocked=stage.blocked,
                earlier=stage.earlier,
            )
        )

    def _finished(self, event: AttemptFinished) -> tuple[str, ...]:
        stage, outcome = self._stages[event.stage], event.outcome
        attempt = AttemptRecord(
            attempt=event.attempt,
            status=outcome.status,
            started_at=_attempt(stage, event.attempt).started_at,
            ended_at=event.at,
            duration_s=event.duration_s,
            outcome=outcome,
        )
        return self._set(
            StageRecord(
                node=stage.node,
                status=outcome.status,
                reason=outcome.reason,
                attempts=_replaced(stage, attempt),
                verdicts=event.verdicts,
                blocked=stage.blocked,
                earlier=stage.earlier,
            )
        )

    def _lost(self, event: AttemptLost) -> tuple[str, ...]:
        stage = self._stages[event.stage]
        lost = replace(_attempt(stage, event.attempt), status=StageStatus.LOST, ended_at=event.at)
        return self._set(replace(stage, status=StageStatus.LOST, attempts=_replaced(stage, lost)))

    def _skipped(self, event: StageSkipped) -> tuple[str, ...]:
        stage = self._stages[event.stage]
        return self._set(
            replace(stage, status=StageStatus.SKIPPED, reason=event.reason, blocked=event.blocked)
        )

    def _run_finished(self, event: RunFinished) -> tuple[str, ...]:
        self.status = event.status
        self._ended_at = event.at
        self._exit_code = event.exit_code
        self._verdicts = event.verdicts
        self._waiting_for = event.waiting_for
        return ()


_STEPS: dict[type, Callable[[RunFold, Any], tuple[str, ...]]] = {
    RunResumed: RunFold._resumed,  # noqa: SLF001 - the class's own table, which cannot stand before it
    PauseRequested: RunFold._pause_requested,  # noqa: SLF001
    CancelRequested: RunFold._cancel_requested,  # noqa: SLF001
    ApprovalGiven: RunFold._approved,  # noqa: SLF001
    StagesReopened: RunFold._stages_reopened,  # noqa: SLF001
    AttemptStarted: RunFold._started,  # noqa: SLF001
    AttemptFinished: RunFold._finished,  # noqa: SLF001
    AttemptLost: RunFold._lost,  # noqa: SLF001
    StageSkipped: RunFold._skipped,  # noqa: SLF001
    RunFinished: RunFold._run_finished,  # noqa: SLF001
}


def reopens(stage: StageRecord) -> bool:
    """Resuming gives another chance to what never got its turn, was interrupted, or waited."""
    interrupted = stage.status in (StageStatus.WAITING, StageStatus.CANCELLED, StageStatus.LOST)
    return interrupted or (stage.status is StageStatus.SKIPPED and stage.blocked)


def waits_for(stage: StageRecord, digest: str) -> bool:
    """Whether an approval of `digest`, and of nothing else, lets the stage go on."""
    if stage.status is not StageStatus.WAITING or stage.outcome is None:
        return False
    return bool(digest) and stage.outcome.outputs.get(APPROVAL_DIGEST) == digest


def _attempt(stage: StageRecord, number: int) -> AttemptRecord:
    for attempt in reversed(stage.attempts):
        if attempt.attempt == number:
            return attempt
    raise LookupError(f"{stage.node.name} has no attempt {number}")


def _replaced(stage: StageRecord, attempt: AttemptRecord) -> tuple[AttemptRecord, ...]:
    return tuple(attempt if a.attempt == attempt.attempt else a for a in stage.attempts)
