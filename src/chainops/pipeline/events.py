"""What a journal holds: one event for each thing that happened to a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, get_args

from chainops.core.serial import from_json, to_json
from chainops.pipeline.model import Outcome, RunStatus, StageNode
from chainops.quality.model import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStarted:
    """A run was created with these stages."""

    at: datetime
    pipeline_id: str
    project_name: str
    workspace: str
    nodes: tuple[StageNode, ...]
    config: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResumed:
    """A runner took the run up again."""

    at: datetime
    by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PauseRequested:
    """Somebody wants what runs to finish and nothing more to start; may come from another process."""

    at: datetime
    by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelRequested:
    """Somebody wants what runs to be ended; may come from another process."""

    at: datetime
    by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalGiven:
    """Somebody agreed to what `digest` names and to nothing else; may come from another process."""

    at: datetime
    stage: str
    digest: str
    by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StagesReopened:
    """These stages are to be run again, whatever they ended with."""

    at: datetime
    stages: tuple[str, ...]
    by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptStarted:
    """A stage began. `inputs` are digests of what it stands on: outcomes of earlier stages, by name."""

    at: datetime
    stage: str
    attempt: int
    inputs: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptFinished:
    """A stage attempt ended by itself, by failure, by its time limit or by cancellation."""

    at: datetime
    stage: str
    attempt: int
    duration_s: float
    outcome: Outcome
    verdicts: tuple[Verdict, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptLost:
    """The runner died while this attempt ran."""

    at: datetime
    stage: str
    attempt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StageSkipped:
    """A stage will not run. `blocked` tells a failure upstream from a choice."""

    at: datetime
    stage: str
    reason: str
    blocked: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFinished:
    """Nothing is left to do, for good or until somebody acts."""

    at: datetime
    status: RunStatus
    exit_code: int
    verdicts: tuple[Verdict, ...] = ()
    waiting_for: str = ""


Event = (
    RunStarted
    | RunResumed
    | PauseRequested
    | CancelRequested
    | ApprovalGiven
    | StagesReopened
    | AttemptStarted
    | AttemptFinished
    | AttemptLost
    | StageSkipped
    | RunFinished
)

_KINDS: dict[str, type[Event]] = {kind.__name__: kind for kind in get_args(Event)}


def event_kind(event: Event) -> str:
    """Return the name under which an event is journaled."""
    return type(event).__name__


def event_to_json(event: Event) -> dict[str, Any]:
    """Return an event's JSON object."""
    data: dict[str, Any] = to_json(event)
    return data


def event_from_json(kind: str, data: Mapping[str, Any]) -> Event:
    """Rebuild an event; raises KeyError, TypeError or ValueError when it is not one of ours."""
    return from_json(_KINDS[kind], data)
