"""Consent to what a stage waits with: which digest it is, whether somebody agreed to it, and its record."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from chainops.app.run_logs import stages_called
from chainops.core.errors import InputError
from chainops.core.text import one_line
from chainops.pipeline.events import ApprovalGiven
from chainops.pipeline.fold import APPROVAL_DIGEST, waits_for
from chainops.pipeline.model import GivenApproval, RunRecord, RunStatus, StageNode, StageRecord, StageStatus
from chainops.pipeline.ports import Stage
from chainops.stages.common import PRODUCTION_DEPLOY

if TYPE_CHECKING:
    from chainops.app.config import LoadedConfig
    from chainops.deploy.model import Approval

_OPEN = (RunStatus.RUNNING, RunStatus.PAUSED)


class NothingWaitsError(InputError):
    """The stage waits for no approval."""

    code = "RUN108"


class OtherDigestError(InputError):
    """What was approved is not what waits."""

    code = "RUN109"


class UnconfirmedError(InputError):
    """Nobody has said that they agree."""

    code = "RUN110"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a stage asks consent for."""

    stage: str
    digest: str
    #: the waiting outcome's outputs: what a person should see before they agree
    outputs: dict[str, Any]
    #: consent that was given to exactly this already
    given: GivenApproval | None = None


class RunApprovals:
    """Implements `deploy.ports.Approvals` from the journal, for a stage with its cells or for one cell."""

    def __init__(self, status: Callable[[], RunRecord | None], stage: str) -> None:
        self._status = status
        self._stage = stage

    @property
    def given(self) -> frozenset[str]:
        """See `Approvals.given`."""
        return frozenset(a.digest for a in self._all() if a.stage.partition("[")[0] in ("", self._stage))

    def approved(self, stage: str, digest: str) -> Approval | None:
        """See `Approvals.approved`."""
        from chainops.deploy.model import Approval

        found = next((a for a in self._all() if a.digest == digest and a.stage in ("", stage)), None)
        return Approval(digest=digest, by=found.by, at=found.at) if found else None

    def _all(self) -> tuple[GivenApproval, ...]:
        run = self._status()
        return run.approvals if run else ()


def approved(
    node: StageNode, stage: Stage, loaded: LoadedConfig, status: Callable[[], RunRecord | None]
) -> Stage:
    """Return the stage with the approval before it that the settings ask for.

    Production has one of its own, of the very transactions.
    """
    if not node.approval or node.stage == PRODUCTION_DEPLOY:
        return stage
    from chainops.stages.approval import ApprovedStage

    run = status()  # its settings hold, whatever may differ now
    config = run.config if run else loaded.recorded()
    return ApprovedStage(stage, node=node, config=config, approvals=RunApprovals(status, node.name))


def waiting_request(run: RunRecord, stage: str, digest: str = "") -> Request:
    """Return what `stage` waits with, or waited with until that was approved.

    Raises `UnknownStageError`, `NothingWaitsError`, and `OtherDigestError` when `digest` is not what waits.
    """
    names = stages_called(run, stage)
    waiting = [s for s in run.stages if s.node.name in names and _asks(s)]
    if run.status not in _OPEN or not waiting:
        raise _nothing_waits(run, stage)
    if len(waiting) > 1 and digest:
        waiting = [s for s in waiting if _request(run, s).digest == digest] or waiting
    if len(waiting) > 1:
        named = ", ".join(s.node.name for s in waiting)
        raise NothingWaitsError(
            f"{len(waiting)} cells of {stage} wait, each with a plan of its own", hint=f"name one of: {named}"
        )
    request = _request(run, waiting[0])
    if digest and digest != request.digest:
        raise OtherDigestError(
            f"{request.stage} of run {run.run_id} waits with another plan than {one_line(digest, 80)}",
            hint=f"it waits with {request.digest}",
        )
    return request


def given_on_the_command_line(
    run: RunRecord | None, digests: Sequence[str], *, by: str, at: datetime
) -> tuple[ApprovalGiven, ...]:
    """Return what to record of approvals that were given with a run: without a stage where none waits yet."""
    known = {a.digest for a in run.approvals} if run else set()
    return tuple(
        ApprovalGiven(at=at, stage=_waiting_with(run, digest), digest=digest, by=by)
        for digest in dict.fromkeys(digests)
        if digest not in known
    )


def _waiting_with(run: RunRecord | None, digest: str) -> str:
    return next((s.node.name for s in run.stages if waits_for(s, digest)), "") if run else ""


def _asks(stage: StageRecord) -> bool:
    """Whether a stage waits, or has not begun again since what it waited with was approved."""
    if stage.status is StageStatus.PENDING:
        return bool(stage.attempts) and stage.attempts[-1].status is StageStatus.WAITING
    return stage.status is StageStatus.WAITING


def _request(run: RunRecord, stage: StageRecord) -> Request:
    asked = stage.attempts[-1].outcome
    outputs = dict(asked.outputs) if asked else {}
    name, digest = stage.node.name, str(outputs.get(APPROVAL_DIGEST, ""))
    given = next((a for a in run.approvals if a.digest == digest and a.stage in ("", name)), None)
    return Request(stage=name, digest=digest, outputs=outputs, given=given)


def _nothing_waits(run: RunRecord, stage: str) -> NothingWaitsError:
    if run.status not in _OPEN:
        return NothingWaitsError(
            f"nothing waits in run {run.run_id}: it has ended: {run.status.value}",
            hint=f"`chainops runs rerun {run.run_id}` runs it again",
        )
    waiting = ", ".join(s.node.name for s in run.stages if s.status is StageStatus.WAITING)
    states = ", ".join(
        dict.fromkeys(s.status.value for s in run.stages if stage in (s.node.name, s.node.stage))
    )
    return NothingWaitsError(
        f"{stage} of run {run.run_id} waits for no approval: it is {states}",
        hint=f"what waits: {waiting}" if waiting else "nothing in this run waits now",
    )
