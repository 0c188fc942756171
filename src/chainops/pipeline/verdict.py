"""How a run ends: its status and exit code follow from its stages and gates."""

from __future__ import annotations

from datetime import datetime

from chainops.core.errors import ExitCode
from chainops.pipeline.events import RunFinished
from chainops.pipeline.model import FailureKind, RunRecord, RunStatus, StageRecord, StageStatus
from chainops.quality.model import Verdict

_EXIT_CODES = {
    FailureKind.PROJECT: ExitCode.FAILED,
    FailureKind.CONFIG: ExitCode.USAGE,
    FailureKind.MACHINE: ExitCode.MACHINE,
}


def final_event(
    at: datetime,
    run: RunRecord,
    missing: tuple[Verdict, ...],
    *,
    cancelled: bool,
    paused: bool = False,
) -> RunFinished:
    """Return the event that closes the run.

    A failed stage decides before a failed gate, and the project's fault before the machine's: whoever has to
    mend something is told of what they can mend. A required gate without a verdict fails the run, unless it
    waits: what is missing may still come. `paused` says that something is left which may not start now.
    """
    if cancelled:
        return RunFinished(at=at, status=RunStatus.CANCELLED, exit_code=ExitCode.CANCELLED.value)
    if paused:
        return _waits(at, paused_by(run))
    failed = [s for s in run.stages if s.status is StageStatus.FAILED and not s.node.allow_failure]
    if failed:
        return RunFinished(
            at=at, status=RunStatus.FAILED, exit_code=_stage_exit_code(failed).value, verdicts=missing
        )
    if any(not v.passed for v in run.all_verdicts):
        return RunFinished(at=at, status=RunStatus.FAILED, exit_code=ExitCode.FAILED.value, verdicts=missing)
    waiting = [s for s in run.stages if s.status is StageStatus.WAITING]
    if waiting:
        return _waits(at, f"{waiting[0].node.name}: {waiting[0].reason}")
    if missing:
        return RunFinished(at=at, status=RunStatus.FAILED, exit_code=ExitCode.FAILED.value, verdicts=missing)
    return RunFinished(at=at, status=RunStatus.SUCCESS, exit_code=ExitCode.SUCCESS.value)


def paused_by(run: RunRecord) -> str:
    """Say who paused a run and how it goes on."""
    who = f" by {run.requested_by}" if run.requested_by else ""
    return f"paused{who}; go on with `chainops runs resume {run.run_id}`"


def _waits(at: datetime, what_for: str) -> RunFinished:
    return RunFinished(at=at, status=RunStatus.PAUSED, exit_code=ExitCode.WAITING.value, waiting_for=what_for)


def _stage_exit_code(failed: list[StageRecord]) -> ExitCode:
    codes = [_EXIT_CODES[s.outcome.failure or FailureKind.MACHINE] for s in failed if s.outcome is not None]
    return min(codes, default=ExitCode.MACHINE)
