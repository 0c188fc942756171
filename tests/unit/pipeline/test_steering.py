"""A run obeys who steers it, from its own process and from any other, while it goes on."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from chainops.pipeline.events import (
    ApprovalGiven,
    AttemptFinished,
    CancelRequested,
    Event,
    PauseRequested,
    RunFinished,
    StagesReopened,
)
from chainops.pipeline.fold import JournalError, reduce
from chainops.pipeline.journal import Journal, MemoryJournal, RunHandle
from chainops.pipeline.model import (
    FailureKind,
    Outcome,
    RunRecord,
    RunStatus,
    StageContext,
    StageNode,
    StageStatus,
)
from chainops.pipeline.running import STOP_S, retry_delay_s
from unit.pipeline.fakes import SUCCESS, Bench, FakeStage, chain, failure

ASKS = Outcome(status=StageStatus.WAITING, reason="approve sha256:1", outputs={"plan_digest": "sha256:1"})


class Gate:
    """A stage's work that says when it has begun and ends when it is opened."""

    def __init__(self, outcome: Outcome = SUCCESS) -> None:
        self.begun = asyncio.Event()
        self.open = asyncio.Event()
        self._outcome = outcome

    async def __call__(self, context: StageContext) -> Outcome:
        self.begun.set()
        await self.open.wait()
        return self._outcome


def approval(bench: Bench, stage: str, digest: str = "sha256:1") -> ApprovalGiven:
    return ApprovalGiven(at=bench.clock.now(), stage=stage, digest=digest, by="alice")


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.005)


def has_come_to(bench: Bench, stage: str, status: StageStatus) -> bool:
    """Look at the journal as other processes do: what it does not hold yet has not happened for them."""
    events = bench.journal.read("run-1")
    return bool(events) and reduce("run-1", events).stage(stage).status is status


def same_as_journal(bench: Bench, record: RunRecord) -> bool:
    return record == reduce("run-1", bench.journal.read("run-1"))


async def test_a_pause_from_another_process_lets_what_runs_finish_and_starts_no_more(tmp_path: Path) -> None:
    gate = Gate()
    bench = Bench(tmp_path, chain("a", "b"), [FakeStage("a", body=gate)])
    engine = bench.engine()
    run = asyncio.ensure_future(engine.execute())
    await gate.begun.wait()
    bench.journal.append("run-1", PauseRequested(at=bench.clock.now(), by="alice"))
    await until(lambda: bool(engine.record and engine.record.pause_requested))
    gate.open.set()
    record = await asyncio.wait_for(run, 10)
    assert bench.statuses(record) == {"a": "success", "b": "pending"}
    assert (record.status, record.exit_code) == (RunStatus.PAUSED, 4)
    assert record.waiting_for == "paused by alice; go on with `chainops runs resume run-1`"
    assert same_as_journal(bench, record)
    assert (await bench.execute()).status is RunStatus.SUCCESS
    assert list(bench.started()) == ["a", "b"]


async def test_a_pause_that_comes_too_late_for_anything_changes_nothing(tmp_path: Path) -> None:
    gate = Gate()
    bench = Bench(tmp_path, chain("a"), [FakeStage("a", body=gate)])
    run = asyncio.ensure_future(bench.execute())
    await gate.begun.wait()
    bench.journal.append("run-1", PauseRequested(at=bench.clock.now(), by="alice"))
    gate.open.set()
    record = await asyncio.wait_for(run, 10)
    assert (record.status, record.exit_code) == (RunStatus.SUCCESS, 0)
    assert same_as_journal(bench, record)


async def test_the_process_that_runs_can_pause_as_well_and_says_who(tmp_path: Path) -> None:
    gate = Gate()
    bench = Bench(tmp_path, chain("a", "b"), [FakeStage("a", body=gate)])
    engine = bench.engine()
    run = asyncio.ensure_future(engine.execute())
    await gate.begun.wait()
    engine.pause("bob")
    gate.open.set()
    record = await asyncio.wait_for(run, 10)
    assert (record.exit_code, record.requested_by) == (4, "bob")
    assert bench.statuses(record) == {"a": "success", "b": "pending"}
    assert [e.by for e in bench.journal.read("run-1") if isinstance(e, PauseRequested)] == ["bob"]


async def test_a_cancellation_from_another_process_ends_what_runs_within_five_seconds(tmp_path: Path) -> None:
    gate = Gate()
    bench = Bench(tmp_path, chain("a", "b"), [FakeStage("a", body=gate)])
    run = asyncio.ensure_future(bench.execute())
    await gate.begun.wait()
    bench.journal.append("run-1", CancelRequested(at=bench.clock.now(), by="alice"))
    asked_s = time.monotonic()
    record = await asyncio.wait_for(run, 10)
    assert time.monotonic() - asked_s < 5
    assert bench.statuses(record) == {"a": "cancelled", "b": "pending"}
    assert (record.status, record.exit_code, record.requested_by) == (RunStatus.CANCELLED, 130, "alice")
    assert same_as_journal(bench, record)


async def test_a_stage_that_does_not_obey_holds_up_no_cancellation(tmp_path: Path) -> None:
    begun, end = asyncio.Event(), asyncio.Event()

    async def deaf(context: StageContext) -> Outcome:
        begun.set()
        while not end.is_set():
            try:
                await end.wait()
            except asyncio.CancelledError:
                continue
        return SUCCESS

    bench = Bench(tmp_path, chain("a"), [FakeStage("a", body=deaf)])
    engine = bench.engine()
    run = asyncio.ensure_future(engine.execute())
    await begun.wait()
    asked_s = time.monotonic()
    engine.cancel()
    record = await asyncio.wait_for(run, 10)
    assert STOP_S <= time.monotonic() - asked_s < 5
    assert (record.exit_code, record.stage("a").status) == (130, StageStatus.CANCELLED)
    assert "did not end" in record.stage("a").reason
    end.set()


async def test_an_approval_starts_the_stage_that_waits_while_others_still_run(tmp_path: Path) -> None:
    gate = Gate()
    nodes = [StageNode(name="ask"), StageNode(name="after", needs=("ask",)), StageNode(name="long")]
    bench = Bench(tmp_path, nodes, [FakeStage("ask", [ASKS, SUCCESS]), FakeStage("long", body=gate)])
    engine = bench.engine()
    run = asyncio.ensure_future(engine.execute())
    await gate.begun.wait()
    await until(lambda: has_come_to(bench, "ask", StageStatus.WAITING))
    bench.journal.append("run-1", approval(bench, "ask", "sha256:2"))
    await until(lambda: bool(engine.record and len(engine.record.approvals) == 1))
    assert bench.stages["ask"].calls == 1, "an approval of something else changes nothing"
    bench.journal.append("run-1", approval(bench, "ask"))
    await until(lambda: bench.stages["after"].calls == 1)
    gate.open.set()
    record = await asyncio.wait_for(run, 10)
    assert (record.status, record.exit_code) == (RunStatus.SUCCESS, 0)
    assert [a.status.value for a in record.stage("ask").attempts] == ["waiting", "success"]
    assert same_as_journal(bench, record)


async def test_an_approved_plan_that_has_changed_waits_for_a_new_approval(tmp_path: Path) -> None:
    changed = replace(ASKS, outputs={"plan_digest": "sha256:2"})
    bench = Bench(tmp_path, chain("ask"), [FakeStage("ask", [ASKS, changed, SUCCESS])])
    assert (await bench.execute()).exit_code == 4
    bench.journal.append("run-1", approval(bench, "ask"))
    assert (await bench.execute()).exit_code == 4
    assert bench.stages["ask"].calls == 2


class LateApproval:
    """A journal in which somebody approves at the very moment in which the run is closed."""

    def __init__(self, journal: Journal, event: Event) -> None:
        self._journal = journal
        self._event: Event | None = event

    def append(self, run_id: str, *events: Event, runner: str = "", key: str = "") -> int:
        if self._event and any(isinstance(e, RunFinished) for e in events):
            event, self._event = self._event, None
            self._journal.append(run_id, event)
        return self._journal.append(run_id, *events, runner=runner, key=key)

    def read(self, run_id: str, after: int = 0) -> tuple[Event, ...]:
        return self._journal.read(run_id, after)

    def last(self, run_id: str) -> int:
        return self._journal.last(run_id)

    def runs(self) -> tuple[RunHandle, ...]:
        return self._journal.runs()


async def test_an_approval_at_the_moment_of_closing_is_not_overlooked(tmp_path: Path) -> None:
    bench = Bench(tmp_path, chain("ask"), [FakeStage("ask", [ASKS, SUCCESS])])
    journal = LateApproval(bench.journal, approval(bench, "ask"))
    record = await bench.engine(journal).execute()
    assert (record.status, record.exit_code) == (RunStatus.SUCCESS, 0)
    assert same_as_journal(bench, record)


async def test_stages_that_are_reopened_run_again_while_others_still_run(tmp_path: Path) -> None:
    gate = Gate()
    nodes = [*chain("a", "b"), StageNode(name="long")]
    bench = Bench(tmp_path, nodes, [FakeStage("long", body=gate)])
    engine = bench.engine()
    run = asyncio.ensure_future(engine.execute())
    await until(lambda: has_come_to(bench, "b", StageStatus.SUCCESS) and gate.begun.is_set())
    bench.journal.append("run-1", StagesReopened(at=bench.clock.now(), stages=("a", "b", "long"), by="alice"))
    await until(lambda: bench.stages["b"].successes == 2)
    gate.open.set()
    record = await asyncio.wait_for(run, 10)
    assert [(s.node.name, len(s.attempts)) for s in record.stages] == [("a", 2), ("b", 2), ("long", 1)]
    assert same_as_journal(bench, record)


async def test_an_entry_that_makes_no_sense_ends_the_run_and_is_named(tmp_path: Path) -> None:
    gate = Gate()
    bench = Bench(tmp_path, chain("a"), [FakeStage("a", body=gate)])
    run = asyncio.ensure_future(bench.execute())
    await gate.begun.wait()
    bench.journal.append("run-1", StagesReopened(at=bench.clock.now(), stages=("unknown",)))
    with pytest.raises(JournalError, match="run-1: 'unknown'"):
        await asyncio.wait_for(run, 10)


async def test_a_failed_stage_that_is_reopened_has_all_its_retries_again(tmp_path: Path) -> None:
    down = failure(FailureKind.MACHINE)
    bench = Bench(tmp_path, [StageNode(name="a", retries=1)], [FakeStage("a", [down, down, down, SUCCESS])])
    assert (await bench.execute()).exit_code == 3
    bench.journal.append("run-1", StagesReopened(at=bench.clock.now(), stages=("a",)))
    record = await bench.execute()
    assert ([a.attempt for a in record.stage("a").attempts], record.exit_code) == ([1, 2, 3, 4], 0)
    assert bench.slept == [1.0, 1.0]


@pytest.mark.parametrize("act", ["pause", "cancel"])
async def test_a_stop_while_a_stage_waits_to_be_tried_again_works_at_once(tmp_path: Path, act: str) -> None:
    resting = asyncio.Event()

    async def rest(seconds: float) -> None:
        resting.set()
        await asyncio.Event().wait()

    bench = Bench(
        tmp_path, [StageNode(name="a", retries=1)], [FakeStage("a", [failure(FailureKind.MACHINE), SUCCESS])]
    )
    engine = bench.engine(sleep=rest)
    run = asyncio.ensure_future(engine.execute())
    await resting.wait()
    if act == "pause":
        engine.pause("bob")
    else:
        engine.cancel()
    record = await asyncio.wait_for(run, 2)
    assert record.exit_code == (4 if act == "pause" else 130)
    assert [a.status.value for a in record.stage("a").attempts] == ["failed"], "a wait is no attempt"
    assert (await bench.execute()).exit_code == 0
    assert bench.stages["a"].calls == 2


async def test_only_failures_that_the_stage_retries_are_tried_again(tmp_path: Path) -> None:
    nodes = [
        StageNode(name="machine", retries=1),
        StageNode(name="project", retries=1),
        StageNode(name="both", retries=1, retry_on=(FailureKind.MACHINE, FailureKind.PROJECT)),
        StageNode(name="config", retries=1, retry_on=tuple(FailureKind)),
    ]
    kinds = [FailureKind.MACHINE, FailureKind.PROJECT, FailureKind.PROJECT, FailureKind.CONFIG]
    stages = [FakeStage(n.name, [failure(k)]) for n, k in zip(nodes, kinds, strict=True)]
    bench = Bench(tmp_path, nodes, stages)
    await bench.execute()
    assert [s.calls for s in stages] == [2, 1, 2, 1]


async def test_other_stages_run_while_one_waits_to_be_tried_again(tmp_path: Path) -> None:
    rested = asyncio.Event()

    async def free(context: StageContext) -> Outcome:
        rested.set()
        return SUCCESS

    async def rest(seconds: float) -> None:
        await rested.wait()

    nodes = [StageNode(name="a", retries=1), StageNode(name="b"), StageNode(name="c", needs=("b",))]
    stages = [FakeStage("a", [failure(FailureKind.MACHINE), SUCCESS]), FakeStage("c", body=free)]
    bench = Bench(tmp_path, nodes, stages, max_parallel=1)
    record = await asyncio.wait_for(bench.engine(sleep=rest).execute(), 10)
    assert record.exit_code == 0


def test_back_off_doubles_up_to_a_minute_and_is_jittered() -> None:
    assert [retry_delay_s(n, 1.0) for n in (1, 2, 3, 7, 2000)] == [1.0, 2.0, 4.0, 60.0, 60.0]
    assert (retry_delay_s(3, 0.5), retry_delay_s(3, 0.0)) == (2.0, 0.0)


async def test_an_attempt_says_what_it_stood_on(tmp_path: Path) -> None:
    bench = Bench(tmp_path, [*chain("a", "b"), StageNode(name="c")])
    await bench.execute()
    events = bench.journal.read("run-1")
    inputs = {e.stage: dict(e.inputs) for e in events if hasattr(e, "inputs")}
    assert inputs["a"] == inputs["c"] == {}
    assert inputs["b"]["a"].startswith("sha256:")

    other = Bench(tmp_path / "other", chain("a", "b"), [FakeStage("a", [replace(SUCCESS, outputs={"x": 1})])])
    await other.execute()
    stood = next(e.inputs for e in other.journal.read("run-1") if getattr(e, "inputs", None))
    assert stood["a"] != inputs["b"]["a"]


async def test_what_ends_and_what_starts_because_of_it_is_one_append(tmp_path: Path) -> None:
    appends: list[list[str]] = []

    class Counting(MemoryJournal):
        def append(self, run_id: str, *events: Event, runner: str = "", key: str = "") -> int:
            appends.append([type(e).__name__ for e in events])
            return super().append(run_id, *events, runner=runner, key=key)

    await Bench(tmp_path, chain("a", "b"), journal=Counting()).execute()
    assert appends == [
        ["RunStarted"],
        ["AttemptStarted"],
        ["AttemptFinished", "AttemptStarted"],
        ["AttemptFinished"],
        ["RunFinished"],
    ]


async def test_taking_up_a_run_that_is_over_adds_nothing_to_its_journal(tmp_path: Path) -> None:
    nodes = [*chain("a", "b"), StageNode(name="c", skip_reason="not wanted")]
    for outcome in (SUCCESS, failure()):
        bench = Bench(tmp_path, nodes, [FakeStage("a", [outcome])], journal=MemoryJournal())
        first = await bench.execute()
        entries = bench.journal.read("run-1")
        assert await bench.execute() == first
        assert bench.journal.read("run-1") == entries
        assert (
            sum(isinstance(e, AttemptFinished) for e in entries)
            == bench.stages["a"].calls + bench.stages["b"].calls
        )
