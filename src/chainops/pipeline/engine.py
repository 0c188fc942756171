"""Runs a graph: read the journal, decide, journal, act, and decide again."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from chainops.core.clock import Clock
from chainops.pipeline.advance import advance
from chainops.pipeline.agenda import Agenda
from chainops.pipeline.attempt import AttemptRunner
from chainops.pipeline.claims import Claims, Runner
from chainops.pipeline.events import (
    ApprovalGiven,
    AttemptFinished,
    AttemptLost,
    AttemptStarted,
    PauseRequested,
    RunResumed,
    RunStarted,
)
from chainops.pipeline.fold import reduce
from chainops.pipeline.graph import Graph
from chainops.pipeline.holding import Hold
from chainops.pipeline.journal import Journal
from chainops.pipeline.ledger import Ledger
from chainops.pipeline.model import Outcome, RunRecord, RunStatus, StageNode, StageRecord
from chainops.pipeline.patience import PATIENCE_S, Patience
from chainops.pipeline.ports import Gatekeeper, RunWatcher
from chainops.pipeline.resume import check_same_stages, is_over
from chainops.pipeline.running import Ended, RunningAttempts, retry_delay_s
from chainops.pipeline.standing import failures
from chainops.pipeline.verdict import final_event

#: how often requests from other processes are looked for
POLL_S = 0.25


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
    #: consent that is given with a new run, before anything waits for it
    approvals: tuple[ApprovalGiven, ...] = ()

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
        claims: Claims | None = None,
        runner: Runner | None = None,
        by: str = "",
        end_orphans: Callable[[str], object] | None = None,
        patience_s: float = PATIENCE_S,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        """Bind a run to what it works with.

        With `claims`, the run is held for `runner` (see `this_runner`) while it goes on; `by` is who takes it
        up. `end_orphans` ends the processes whose marker begins so, which a dead runner left. A database that
        is busy is waited for `patience_s` seconds. `jitter` gives random numbers in 0-1.
        """
        self._plan = plan
        self._attempts = attempts
        self._gatekeeper = gatekeeper
        self._clock = clock
        self._watchers = watchers
        self._by = by
        self._end_orphans = end_orphans
        self._jitter = jitter
        patience = Patience(patience_s=patience_s, clock=clock, sleep=sleep)
        self._hold = Hold(claims, runner, plan.run_id, patience=patience)
        self._ledger = Ledger(
            journal,
            plan.run_id,
            plan.graph,
            fail_fast=plan.fail_fast,
            token=self._hold.token,
            patience=patience,
            watchers=watchers,
        )
        self._wake = asyncio.Event()
        self._running = RunningAttempts(clock, sleep, self._wake)
        self._agenda = Agenda(plan.graph, self._ledger, gatekeeper, rest=self._rest)
        self._cancelled = False
        self._pause_by: str | None = None
        self._due = False

    @property
    def record(self) -> RunRecord | None:
        """The run as it stands; None before it was opened."""
        return self._ledger.record()

    async def execute(self) -> RunRecord:
        """Start the run, or take it up again when the journal knows it; return how it stands at the end.

        Raises `RunHeldError` when another runner has the run, `JournalError` or `StoreError` when the journal
        cannot be read or written, `ClaimLostError` when the run was taken over: then what runs is ended,
        nothing more is written, and what was recorded stays.
        """
        await self._hold.take()
        try:
            if await self._open():
                await self._run()
            return self._ledger.fold.record()
        finally:
            await self._running.stop()
            await self._hold.release()

    def cancel(self) -> None:
        """Stop: what runs is ended and recorded as cancelled, nothing more is started."""
        self._cancelled = True
        self._running.cancel()
        self._wake.set()

    def pause(self, by: str) -> None:
        """Let what runs finish and start nothing more."""
        self._pause_by = by
        self._wake.set()

    async def _open(self) -> bool:
        """Read or begin the journal; return whether there is anything to do."""
        plan = self._plan
        events = await self._ledger.read()
        if not events:
            self._ledger.begin(
                RunStarted(
                    at=self._now(),
                    pipeline_id=plan.pipeline_id,
                    project_name=plan.project_name,
                    workspace=str(plan.workspace),
                    nodes=plan.graph.nodes,
                    config=plan.config,
                )
            )
            for approval in plan.approvals:
                self._ledger.note(approval)
            await self._ledger.commit()
            return True
        check_same_stages(plan.graph, reduce(plan.run_id, events[:1]))
        self._ledger.open(events)
        if is_over(
            plan.graph, events, self._ledger.fold.record(), self._gatekeeper, fail_fast=plan.fail_fast
        ):
            return False
        self._take_up()
        await self._ledger.commit()
        return True

    def _take_up(self) -> None:
        lost = [self._ledger.fold.stages[name] for name in sorted(self._ledger.standing.running)]
        if lost and self._end_orphans:
            self._end_orphans(f"{self._plan.run_id}/")
        for stage in lost:
            self._ledger.note(
                AttemptLost(at=self._now(), stage=stage.node.name, attempt=stage.attempts[-1].attempt)
            )
        self._ledger.note(RunResumed(at=self._now(), by=self._by))

    async def _run(self) -> None:
        ticker = asyncio.ensure_future(self._tick())
        try:
            await self._drive()
            while await self._close() and self._goes_on():
                self._ledger.note(RunResumed(at=self._now(), by=self._by))
                await self._drive()
        except asyncio.CancelledError:
            self._cancelled = True
            await self._close()
            raise
        finally:
            ticker.cancel()

    async def _drive(self) -> None:
        """Go on until nothing is left that could be started or end by itself."""
        while True:
            self._note_ended(self._running.take_ended())
            if self._plan.fail_fast and self._ledger.standing.broken:
                self._note_ended(await self._running.stop())
            if self._is_cancelled:
                return
            starts = self._decide()
            await self._ledger.commit()
            for node in starts:
                self._start(node)
            # a watcher may have cancelled; an approval may have come while the last stages ended
            if self._is_cancelled or (self._running.idle and not await self._ledger.poll()):
                return
            if not self._running.idle:
                await self._wait()

    @property
    def _is_cancelled(self) -> bool:
        return self._cancelled or self._ledger.fold.cancel_requested

    def _decide(self) -> list[StageNode]:
        """Note what is to be skipped and started now; return the latter."""
        ledger = self._ledger
        if self._pause_by is not None and not ledger.fold.pause_requested:
            ledger.note(PauseRequested(at=self._now(), by=self._pause_by))
        self._pause_by = None
        self._agenda.revise(self._running.take_rested(), self._now())
        if ledger.fold.pause_requested:
            self._running.end_rests()
            return []
        starts: list[StageNode] = []
        while len(self._running) + len(starts) < self._plan.max_parallel and (node := self._agenda.next()):
            self._note_start(node)
            starts.append(node)
        return starts

    def _rest(self, stage: StageRecord) -> None:
        """Have a stage that failed wait before it is tried again."""
        if not self._running.rests(stage.node):
            self._running.rest(stage.node, retry_delay_s(failures(stage), self._jitter()))

    def _note_start(self, node: StageNode) -> None:
        number = len(self._ledger.fold.stages[node.name].attempts) + 1
        inputs = self._ledger.digests(node.needs)
        self._ledger.note(AttemptStarted(at=self._now(), stage=node.name, attempt=number, inputs=inputs))

    def _start(self, node: StageNode) -> None:
        fold = self._ledger.fold
        number = len(fold.stages[node.name].attempts)
        self._running.start(node, number, self._attempt(node, number, fold.outcomes))

    async def _attempt(self, node: StageNode, number: int, upstream: Mapping[str, Outcome]) -> Outcome:
        return await self._attempts.run(
            node, number, upstream, output=lambda data: self._output(node.name, data)
        )

    def _note_ended(self, attempts: list[Ended]) -> None:
        for ended in attempts:
            self._ledger.note(
                AttemptFinished(
                    at=self._now(),
                    stage=ended.node.name,
                    attempt=ended.attempt,
                    duration_s=ended.duration_s,
                    outcome=ended.outcome,
                    verdicts=self._gatekeeper.judge(ended.node, ended.outcome),
                )
            )

    async def _wait(self) -> None:
        await self._wake.wait()
        self._wake.clear()
        if self._due:
            self._due = False
            await self._hold.beat()
            await self._ledger.poll()

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(POLL_S)
            self._due = True
            self._wake.set()

    async def _close(self) -> bool:
        """Journal the end of the run; return whether others had written in between."""
        self._note_ended(await self._running.stop())
        run = self._ledger.fold.record()
        end = final_event(
            self._now(),
            run,
            self._agenda.missing(),
            cancelled=self._is_cancelled,
            paused=run.pause_requested and self._is_left(run),
        )
        self._ledger.note(end)
        return await self._ledger.commit()

    def _goes_on(self) -> bool:
        """Whether an approval came at the very moment in which the run was closed for want of it."""
        run = self._ledger.fold.record()
        waits = run.status is RunStatus.PAUSED and not run.pause_requested and not run.cancel_requested
        return waits and self._is_left(run)

    def _is_left(self, run: RunRecord) -> bool:
        return bool(advance(self._plan.graph, run, fail_fast=self._plan.fail_fast).ready)

    def _output(self, stage: str, data: bytes) -> None:
        for watcher in self._watchers:
            watcher.output(stage, data)

    def _now(self) -> datetime:
        return self._clock.now()
