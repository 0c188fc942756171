"""Runs a graph: read the journal, decide, act, journal, and decide again."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from chainops.core.clock import Clock
from chainops.pipeline.advance import advance, is_broken, wants_retry
from chainops.pipeline.attempt import AttemptRunner
from chainops.pipeline.events import (
    AttemptFinished,
    AttemptLost,
    AttemptStarted,
    Event,
    RunResumed,
    RunStarted,
    StageSkipped,
)
from chainops.pipeline.fold import apply, reduce
from chainops.pipeline.graph import Graph, GraphError
from chainops.pipeline.journal import Journal
from chainops.pipeline.model import FailureKind, Outcome, RunRecord, StageNode, StageStatus
from chainops.pipeline.ports import Gatekeeper, RunWatcher
from chainops.pipeline.verdict import final_event
from chainops.quality.model import Verdict

#: seconds before the first retry; doubled for each further one
RETRY_BASE_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPlan:
    """What to run: a checked graph and what the journal should remember of its origin."""

    run_id: str
    pipeline_id: str
    project_name: str
    workspace: Path
    graph: Graph
    config: Mapping[str, Any] = field(default_factory=dict)
    max_parallel: int = 4
    fail_fast: bool = False

    def __post_init__(self) -> None:
        if self.max_parallel < 1:
            raise ValueError("max_parallel must be at least 1, or nothing would ever start")


class Engine:
    """Takes one run to its end, or to the point where a person is needed."""

    def __init__(
        self,
        *,
        plan: RunPlan,
        journal: Journal,
        attempts: AttemptRunner,
        gatekeeper: Gatekeeper,
        clock: Clock,
        watchers: tuple[RunWatcher, ...] = (),
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._plan = plan
        self._journal = journal
        self._attempts = attempts
        self._gatekeeper = gatekeeper
        self._clock = clock
        self._watchers = watchers
        self._sleep = sleep
        self._running: dict[asyncio.Task[Outcome], tuple[StageNode, int, float]] = {}
        self._cancelled = False
        self.record: RunRecord | None = None

    async def execute(self) -> RunRecord:
        """Start the run, or take it up again when the journal knows it; return how it stands at the end.

        Raises `JournalError` or `StoreError` when the journal cannot be read or written: then nothing more
        is started and what was recorded stays.
        """
        self.record = self._open()
        try:
            # a watcher may cancel while a stage is being started
            while not self._cancelled and self._step() and not self._cancelled:
                await self._wait()
        except asyncio.CancelledError:
            self._cancelled = True
            await self._stop_running()
            self._close()
            raise
        finally:
            await self._stop_running()
        self._close()
        return self._record()

    def cancel(self) -> None:
        """Stop: what runs is ended and recorded as cancelled, nothing more is started."""
        self._cancelled = True
        for task in self._running:
            task.cancel()

    def _close(self) -> None:
        self._append(final_event(self._now(), self._record(), self._missing(), cancelled=self._cancelled))

    def _record(self) -> RunRecord:
        if self.record is None:
            raise RuntimeError("the run has not been opened")
        return self.record

    def _open(self) -> RunRecord:
        plan = self._plan
        events = self._journal.read(plan.run_id)
        if not events:
            started = RunStarted(
                at=self._now(),
                pipeline_id=plan.pipeline_id,
                project_name=plan.project_name,
                workspace=str(plan.workspace),
                nodes=plan.graph.nodes,
                config=plan.config,
            )
            self._journal.append(plan.run_id, started)
            return reduce(plan.run_id, [started])
        self.record = reduce(plan.run_id, events)
        if {s.node.name for s in self.record.stages} != {n.name for n in plan.graph.nodes}:
            raise GraphError(
                f"run {plan.run_id} was started with other stages",
                code="PIP102",
                hint="take the stages back to what they were, or start a new run",
            )
        for stage in self.record.stages:
            if stage.status is StageStatus.RUNNING:
                number = stage.attempts[-1].attempt
                self._append(AttemptLost(at=self._now(), stage=stage.node.name, attempt=number))
        self._append(RunResumed(at=self._now()))
        return self._record()

    def _step(self) -> bool:
        """Skip and start what the decision says; return whether there is anything to wait for."""
        while True:
            decision = advance(
                self._plan.graph,
                self._record(),
                missing=self._missing(),
                fail_fast=self._plan.fail_fast,
            )
            for skip in decision.skips:
                self._append(
                    StageSkipped(at=self._now(), stage=skip.stage, reason=skip.reason, blocked=skip.blocked)
                )
            if not decision.skips:
                break
        room = self._plan.max_parallel - len(self._running)
        for node in decision.ready[: max(0, room)]:
            self._start(node)
        return bool(self._running)

    def _start(self, node: StageNode) -> None:
        record = self._record()
        stage = record.stage(node.name)
        number = len(stage.attempts) + 1
        delay_s = RETRY_BASE_S * 2 ** (number - 2) if wants_retry(stage) and number > 1 else 0.0
        self._append(AttemptStarted(at=self._now(), stage=node.name, attempt=number))
        upstream = {s.node.name: s.outcome for s in record.stages if s.outcome}
        task = asyncio.ensure_future(self._attempt(node, number, upstream, delay_s))
        self._running[task] = (node, number, self._clock.monotonic_s())

    async def _attempt(
        self, node: StageNode, number: int, upstream: Mapping[str, Outcome], delay_s: float
    ) -> Outcome:
        if delay_s:
            await self._sleep(delay_s)
        return await self._attempts.run(
            node, number, upstream, output=lambda data: self._output(node.name, data)
        )

    async def _wait(self) -> None:
        done, _ = await asyncio.wait(self._running, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            self._finish(task)
        if self._plan.fail_fast and any(is_broken(s) for s in self._record().stages):
            await self._stop_running()

    async def _stop_running(self) -> None:
        for task in self._running:
            task.cancel()
        if self._running:
            await asyncio.wait(self._running)
        for task in tuple(self._running):
            self._finish(task)

    def _finish(self, task: asyncio.Task[Outcome]) -> None:
        node, number, started_s = self._running.pop(task)
        outcome = _outcome(task)
        self._append(
            AttemptFinished(
                at=self._now(),
                stage=node.name,
                attempt=number,
                duration_s=self._clock.monotonic_s() - started_s,
                outcome=outcome,
                verdicts=self._gatekeeper.judge(node, outcome),
            )
        )

    def _missing(self) -> tuple[Verdict, ...]:
        return self._gatekeeper.judge_missing(self._record().all_verdicts)

    def _append(self, event: Event) -> None:
        self._journal.append(self._plan.run_id, event)
        self.record = apply(event, self._record())
        for watcher in self._watchers:
            watcher.changed(self.record)

    def _output(self, stage: str, data: bytes) -> None:
        for watcher in self._watchers:
            watcher.output(stage, data)

    def _now(self) -> datetime:
        return self._clock.now()


def _outcome(task: asyncio.Task[Outcome]) -> Outcome:
    """Return how an attempt ended, also when its runner broke: the other stages are not lost with it."""
    if task.cancelled():
        return Outcome(status=StageStatus.CANCELLED, reason="cancelled")
    error = task.exception()
    if error is None:
        return task.result()
    return Outcome(
        status=StageStatus.FAILED,
        reason=f"the attempt could not be run: {type(error).__name__}: {error}",
        failure=FailureKind.MACHINE,
        code="PIP398",
    )
