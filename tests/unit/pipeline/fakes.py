"""What the pipeline's tests share: stages that do as they are told, gates that say what they are told."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from chainops.artifacts.model import Artifact
from chainops.core.clock import MemoryClock
from chainops.core.secrets import Masker
from chainops.pipeline.attempt import LocalAttemptRunner
from chainops.pipeline.engine import Engine, RunPlan
from chainops.pipeline.events import Event
from chainops.pipeline.graph import build_graph
from chainops.pipeline.journal import Journal, MemoryJournal, RunHandle
from chainops.pipeline.model import (
    FailureKind,
    Outcome,
    RunRecord,
    StageContext,
    StageNode,
    StageRecord,
    StageStatus,
)
from chainops.quality.model import GateStatus, Verdict

Body = Callable[[StageContext], Awaitable[Outcome]]

SUCCESS = Outcome(status=StageStatus.SUCCESS)
WAITING = Outcome(status=StageStatus.WAITING, reason="approve plan sha256:1 with --approve")


def failure(kind: FailureKind = FailureKind.PROJECT, reason: str = "a test failed") -> Outcome:
    return Outcome(status=StageStatus.FAILED, failure=kind, reason=reason)


def verdict(gate: str, stage: str, status: GateStatus = GateStatus.FAILED) -> Verdict:
    return Verdict(
        gate=gate,
        status=status,
        stage=stage,
        measured=None if status is GateStatus.NOT_RUN else 0.4,
        threshold=0.8,
        unit="ratio",
        margin=None,
        direction="at_least",
        message="40 % of 80 %",
    )


class NoArtifacts:
    """A sink for stages that leave nothing."""

    def put_bytes(self, name: str, data: bytes, *, kind: str, media_type: str = "") -> Artifact:
        raise AssertionError(f"no artifact was expected: {name}")

    def put_file(self, name: str, path: Path, *, kind: str, media_type: str = "") -> Artifact:
        raise AssertionError(f"no artifact was expected: {name}")


@dataclass
class FakeStage:
    """Gives the next of its outcomes, the last one again and again; notes when it starts and ends."""

    name: str
    outcomes: Sequence[Outcome | Exception] = (SUCCESS,)
    body: Body | None = None
    calls: int = 0
    successes: int = 0
    trail: list[str] = field(default_factory=list)

    async def run(self, context: StageContext) -> Outcome:
        self.trail.append(f"{self.name} starts")
        self.calls += 1
        try:
            outcome = await self._outcome(context)
        finally:
            self.trail.append(f"{self.name} ends")
        if outcome.status is StageStatus.SUCCESS:
            self.successes += 1
        return outcome

    async def _outcome(self, context: StageContext) -> Outcome:
        if self.body:
            return await self.body(context)
        await asyncio.sleep(0)
        outcome = self.outcomes[min(self.calls, len(self.outcomes)) - 1]
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


@dataclass
class FakeGates:
    """Fails the named gates by stage; requires gates that only the named stages measure."""

    failing: Mapping[str, str] = field(default_factory=dict)
    #: gate → the stage whose success measures it
    required: Mapping[str, str] = field(default_factory=dict)

    def judge(self, node: StageNode, outcome: Outcome) -> tuple[Verdict, ...]:
        if outcome.status is not StageStatus.SUCCESS:
            return ()
        found = [verdict(gate, node.name) for gate, stage in self.failing.items() if stage == node.name]
        found += [
            verdict(gate, node.name, GateStatus.PASSED)
            for gate, stage in self.required.items()
            if stage == node.name
        ]
        return tuple(found)

    def judge_missing(self, verdicts: Sequence[Verdict]) -> tuple[Verdict, ...]:
        have = {v.gate for v in verdicts}
        return tuple(
            verdict(gate, stage, GateStatus.NOT_RUN)
            for gate, stage in self.required.items()
            if gate not in have
        )


class RunnerDiedError(BaseException):
    """The process that ran the engine is gone: no handler of ours may treat it as an error of a stage."""


class DyingJournal:
    """A journal whose process dies instead of, or right after, the append numbered `dies_at` (from 1)."""

    def __init__(self, journal: Journal, dies_at: int, *, stored: bool) -> None:
        self._journal = journal
        self._dies_at = dies_at
        self._stored = stored
        self.appends = 0

    def append(self, run_id: str, *events: Event, runner: str = "", key: str = "") -> int:
        self.appends += 1
        if self.appends > self._dies_at:
            raise RunnerDiedError
        if self.appends < self._dies_at or self._stored:
            self._journal.append(run_id, *events, runner=runner, key=key)
        if self.appends == self._dies_at:
            raise RunnerDiedError
        return self._journal.last(run_id)

    def read(self, run_id: str, after: int = 0) -> tuple[Event, ...]:
        return self._journal.read(run_id, after)

    def last(self, run_id: str) -> int:
        return self._journal.last(run_id)

    def runs(self) -> tuple[RunHandle, ...]:
        return self._journal.runs()


@dataclass
class Watcher:
    """Remembers what it was shown, and the output."""

    #: a stage and its status; for the run as a whole an empty name and the run's status
    seen: list[tuple[str, str]] = field(default_factory=list)
    runs: list[RunRecord] = field(default_factory=list)
    log: dict[str, bytes] = field(default_factory=dict)

    def changed(self, run: Callable[[], RunRecord], stage: StageRecord | None) -> None:
        self.runs.append(run())
        self.seen.append((stage.node.name, stage.status.value) if stage else ("", run().status.value))

    def output(self, stage: str, data: bytes) -> None:
        self.log[stage] = self.log.get(stage, b"") + data


class Bench:
    """A run that can be executed again and again over one journal, each time by a fresh engine."""

    def __init__(
        self,
        workspace: Path,
        nodes: Sequence[StageNode],
        stages: Sequence[FakeStage] = (),
        *,
        gates: FakeGates | None = None,
        journal: Journal | None = None,
        masker: Masker | None = None,
        max_parallel: int = 4,
        fail_fast: bool = False,
    ) -> None:
        self.plan = RunPlan(
            run_id="run-1",
            pipeline_id="pipeline",
            project_name="project",
            workspace=workspace,
            graph=build_graph(nodes),
            max_parallel=max_parallel,
            fail_fast=fail_fast,
        )
        given = {s.name: s for s in stages}
        self.stages = {n.name: given.get(n.name) or FakeStage(n.name) for n in nodes}
        self.trail: list[str] = []
        for stage in self.stages.values():
            stage.trail = self.trail
        self.gates = gates or FakeGates()
        self.journal = journal or MemoryJournal()
        self.masker = masker or Masker()
        self.clock = MemoryClock()
        self.watcher = Watcher()
        self.slept: list[float] = []

    def engine(self, journal: Journal | None = None, plan: RunPlan | None = None, **more: Any) -> Engine:
        return Engine(
            plan=plan or self.plan,
            journal=journal or self.journal,
            attempts=LocalAttemptRunner(
                run_id=self.plan.run_id,
                workspace=self.plan.workspace,
                stages=lambda node: self.stages[node.stage],
                artifacts=lambda stage: NoArtifacts(),
                masker=self.masker,
            ),
            gatekeeper=self.gates,
            watchers=(self.watcher,),
            **{"clock": self.clock, "sleep": self._sleep, "jitter": lambda: 1.0, **more},
        )

    async def execute(self) -> RunRecord:
        return await self.engine().execute()

    def statuses(self, record: RunRecord) -> dict[str, str]:
        return {s.node.name: s.status.value for s in record.stages}

    def started(self) -> Iterator[str]:
        return (line.removesuffix(" starts") for line in self.trail if line.endswith(" starts"))

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.clock.advance(seconds)


def chain(*names: str, **fields: Any) -> list[StageNode]:
    """Return stages each of which needs the one before."""
    return [
        StageNode(name=name, needs=names[i - 1 : i] if i else (), **fields) for i, name in enumerate(names)
    ]
