"""Stages, their outcomes and a run's state: the words that the journal, the engine and the report share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from chainops.analysis.model import Finding
from chainops.artifacts.model import Artifact, ArtifactSink
from chainops.core.errors import Place
from chainops.core.sink import Sink
from chainops.core.tooluse import ToolUse
from chainops.quality.model import Measurement, Verdict


class StageStatus(StrEnum):
    """Where a stage stands."""

    PENDING = "pending"
    RUNNING = "running"
    SUCCESS = "success"
    FAILED = "failed"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"
    #: started, and its runner died before it could say how it ended
    LOST = "lost"
    #: its work is prepared, a person has to approve it
    WAITING = "waiting"

    @property
    def ended(self) -> bool:
        """Whether no more will come of this attempt."""
        return self not in (StageStatus.PENDING, StageStatus.RUNNING, StageStatus.WAITING)


class RunStatus(StrEnum):
    """Where a run stands."""

    RUNNING = "running"
    SUCCESS = "success"
    FAILED = "failed"
    CANCELLED = "cancelled"
    PAUSED = "paused"


class FailureKind(StrEnum):
    """Whose fault a failure is; it decides the exit code and whether a retry makes sense."""

    #: the project: a mistake in the code, a failing test, a missed gate (exit code 1)
    PROJECT = "project"
    #: the configuration (exit code 2)
    CONFIG = "config"
    #: a tool, the disk, the network, a time limit (exit code 3)
    MACHINE = "machine"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a stage attempt ended and what it leaves for later stages, gates and the report."""

    status: StageStatus
    #: one line: why it failed or was skipped, or what there is to say of a success
    reason: str = ""
    failure: FailureKind | None = None
    #: the stable code of the error, and what to do about it
    code: str = ""
    hint: str = ""
    #: where in the source the failure lies
    places: tuple[Place, ...] = ()
    metrics: tuple[Measurement, ...] = ()
    findings: tuple[Finding, ...] = ()
    artifacts: tuple[Artifact, ...] = ()
    tools: tuple[ToolUse, ...] = ()
    #: JSON values only: read by later stages and by the report; each stage documents its shape
    outputs: Mapping[str, Any] = field(default_factory=dict)
    #: the run whose result this is, when it was taken from the cache; empty when the stage itself ran
    cached_from: str = ""
    #: digest of everything that the stage stood on, where all of that is known; empty elsewhere
    inputs_digest: str = ""
    #: why the stage ran, or which run its result was taken from; empty without a cache
    cache_note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StageNode:
    """A stage in the graph, or one cell of a stage that fans out. Times are in seconds."""

    #: unique in the graph: the stage's name, followed by `[axis=value,…]` for a cell
    name: str
    needs: tuple[str, ...] = ()
    timeout_s: float = 1800.0
    retries: int = 0
    #: which failures are tried again while retries are left
    retry_on: tuple[FailureKind, ...] = (FailureKind.MACHINE,)
    allow_failure: bool = False
    #: does something outside that cannot be taken back: every gate must have passed before it starts
    touches_chain: bool = False
    #: why it must not run at all, decided before the run (`when`, `--no-production`); empty to run
    skip_reason: str = ""
    #: runs only after somebody approved what it stands on
    approval: bool = False
    #: what a cell's stage runs with, by axis (`network`, `solc`, `evm_version`); empty for a whole stage
    cell: Mapping[str, str] = field(default_factory=dict)

    @property
    def stage(self) -> str:
        """The stage that this node runs: its name without the cell."""
        return self.name.partition("[")[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenApproval:
    """Somebody's consent to what a digest names."""

    stage: str
    digest: str
    by: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class StageContext:
    """What a stage attempt gets to work with."""

    run_id: str
    stage: str
    attempt: int
    #: the folder that holds `.chainops`
    workspace: Path
    #: an empty folder of this attempt's own
    scratch: Path
    #: marks every process of this attempt, see `core.process.Command.marker`
    marker: str
    timeout_s: float
    #: takes the log, masked already or not: the log masks once more
    log: Sink
    #: outcomes of the stages that ended before, by name
    upstream: Mapping[str, Outcome]
    artifacts: ArtifactSink
    #: see `StageNode.cell`
    cell: Mapping[str, str] = field(default_factory=dict)

    def say(self, line: str) -> None:
        """Write one line to the stage's log."""
        self.log(line.encode() + b"\n")


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptRecord:
    """One attempt at a stage, as the journal tells it."""

    attempt: int
    status: StageStatus
    started_at: datetime
    ended_at: datetime | None = None
    duration_s: float = 0.0
    outcome: Outcome | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StageRecord:
    """A stage with its attempts and verdicts."""

    node: StageNode
    status: StageStatus
    reason: str = ""
    attempts: tuple[AttemptRecord, ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    #: skipped because of a failure upstream, not by choice
    blocked: bool = False
    #: how many attempts were made before somebody asked to run the stage anew: they use up no retry
    earlier: int = 0

    @property
    def outcome(self) -> Outcome | None:
        """The outcome of the last attempt that has one. A wait that is over is no outcome any more."""
        return next((a.outcome for a in reversed(self.attempts) if a.outcome and self._counts(a)), None)

    @property
    def duration_s(self) -> float:
        """Seconds spent on all attempts together."""
        return sum(a.duration_s for a in self.attempts)

    def _counts(self, attempt: AttemptRecord) -> bool:
        return attempt.status is not StageStatus.WAITING or self.status is StageStatus.WAITING


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """A run as a fold of its journal."""

    run_id: str
    pipeline_id: str
    project_name: str
    status: RunStatus
    started_at: datetime
    ended_at: datetime | None
    workspace: Path
    stages: tuple[StageRecord, ...] = ()
    #: verdicts that belong to no finished stage: a required measure that nothing made
    verdicts: tuple[Verdict, ...] = ()
    #: the run's settings with secrets left as references
    config: Mapping[str, Any] = field(default_factory=dict)
    exit_code: int = 0
    #: what a person must do next, for a paused run
    waiting_for: str = ""
    approvals: tuple[GivenApproval, ...] = ()
    #: somebody asked for it since a runner last took the run up, and who
    pause_requested: bool = False
    cancel_requested: bool = False
    requested_by: str = ""

    def stage(self, name: str) -> StageRecord:
        """Return a stage by name; raises KeyError."""
        for record in self.stages:
            if record.node.name == name:
                return record
        raise KeyError(name)

    @property
    def all_verdicts(self) -> tuple[Verdict, ...]:
        """Every verdict, by stage and then the run's own."""
        return tuple(v for s in self.stages for v in s.verdicts) + self.verdicts
