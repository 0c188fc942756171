"""A run goes through its graph once, whatever fails, hangs or dies on the way."""

from __future__ import annotations

import asyncio
import dataclasses
import os
import sys
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from chainops.core.errors import InputError, MachineError, Place, ProjectError
from chainops.core.process import Command, LocalProcessRunner
from chainops.core.process_tree import kill_marked, marked_processes
from chainops.core.secrets import Masker
from chainops.core.store.database import Database
from chainops.pipeline.engine import RunPlan
from chainops.pipeline.events import AttemptLost, RunResumed
from chainops.pipeline.fold import reduce
from chainops.pipeline.graph import GraphError, build_graph
from chainops.pipeline.journal import MIGRATIONS, MemoryJournal, SqliteJournal
from chainops.pipeline.model import FailureKind, Outcome, RunStatus, StageContext, StageNode, StageStatus
from chainops.quality.model import GateStatus
from unit.pipeline.fakes import (
    SUCCESS,
    WAITING,
    Bench,
    DyingJournal,
    FakeGates,
    FakeStage,
    RunnerDiedError,
    chain,
    failure,
)


def hold(
    started: asyncio.Event, release: asyncio.Event | None = None
) -> Callable[[StageContext], Awaitable[Outcome]]:
    """Return a stage's work that says it has begun, and ends when released or never."""

    async def body(context: StageContext) -> Outcome:
        started.set()
        await (release or asyncio.Event()).wait()
        return SUCCESS

    return body


async def test_stages_run_in_the_order_of_their_needs(tmp_path: Path) -> None:
    bench = Bench(tmp_path, [*reversed(chain("checkout", "compile", "test"))])
    record = await bench.execute()
    assert list(bench.started()) == ["checkout", "compile", "test"]
    assert (record.status, record.exit_code) == (RunStatus.SUCCESS, 0)


async def test_a_stage_sees_the_outcomes_before_it_and_an_empty_folder_of_its_own(tmp_path: Path) -> None:
    seen: list[StageContext] = []

    async def look(context: StageContext) -> Outcome:
        assert context.scratch.is_dir()
        assert not list(context.scratch.iterdir())
        (context.scratch / "left-over").write_text("x")
        seen.append(context)
        return SUCCESS

    first = FakeStage("first", [Outcome(status=StageStatus.SUCCESS, outputs={"root": "/p"})])
    bench = Bench(tmp_path, chain("first", "second"), [first, FakeStage("second", body=look)])
    await bench.execute()
    assert seen[0].upstream["first"].outputs == {"root": "/p"}
    assert not seen[0].scratch.exists()


async def test_independent_stages_run_side_by_side(tmp_path: Path) -> None:
    meeting = asyncio.Barrier(3)

    async def meet(context: StageContext) -> Outcome:
        await asyncio.wait_for(meeting.wait(), 5)
        return SUCCESS

    nodes = [StageNode(name=n) for n in "abc"]
    bench = Bench(tmp_path, nodes, [FakeStage(n, body=meet) for n in "abc"], max_parallel=3)
    assert (await bench.execute()).status is RunStatus.SUCCESS


@pytest.mark.parametrize("limit", [1, 2])
async def test_no_more_stages_run_side_by_side_than_allowed(tmp_path: Path, limit: int) -> None:
    bench = Bench(tmp_path, [StageNode(name=n) for n in "abcde"], max_parallel=limit)
    await bench.execute()
    running = most = 0
    for line in bench.trail:
        running += 1 if line.endswith(" starts") else -1
        most = max(most, running)
    assert most == limit


def test_a_plan_that_could_start_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="max_parallel"):
        RunPlan(
            run_id="r",
            pipeline_id="p",
            project_name="n",
            workspace=tmp_path,
            graph=build_graph([]),
            max_parallel=0,
        )


async def test_a_failed_stage_blocks_what_stands_on_it_while_its_siblings_finish(tmp_path: Path) -> None:
    nodes = [
        StageNode(name="a"),
        StageNode(name="b"),
        StageNode(name="c", needs=("a",)),
        StageNode(name="d", needs=("b",)),
    ]
    bench = Bench(tmp_path, nodes, [FakeStage("a", [failure()])])
    record = await bench.execute()
    assert bench.statuses(record) == {"a": "failed", "b": "success", "c": "skipped", "d": "success"}
    assert record.stage("c").reason == "a failed"
    assert (record.status, record.exit_code) == (RunStatus.FAILED, 1)


async def test_an_allowed_failure_fails_neither_the_run_nor_what_follows(tmp_path: Path) -> None:
    nodes = [StageNode(name="a", allow_failure=True), StageNode(name="b", needs=("a",))]
    bench = Bench(tmp_path, nodes, [FakeStage("a", [failure()])])
    record = await bench.execute()
    assert bench.statuses(record) == {"a": "failed", "b": "success"}
    assert (record.status, record.exit_code) == (RunStatus.SUCCESS, 0)


@pytest.mark.parametrize("gate", [False, True])
async def test_fail_fast_ends_what_runs_and_starts_nothing_more(tmp_path: Path, gate: bool) -> None:
    started = asyncio.Event()

    async def fail(context: StageContext) -> Outcome:
        await started.wait()
        return SUCCESS if gate else failure()

    nodes = [StageNode(name="a"), StageNode(name="b"), StageNode(name="c", needs=("b",))]
    stages = [FakeStage("a", body=fail), FakeStage("b", body=hold(started))]
    gates = FakeGates(failing={"coverage": "a"} if gate else {})
    bench = Bench(tmp_path, nodes, stages, gates=gates, fail_fast=True)
    record = await asyncio.wait_for(bench.execute(), 10)
    expected = {"a": "success" if gate else "failed", "b": "cancelled", "c": "skipped"}
    assert bench.statuses(record) == expected
    assert (record.status, record.exit_code) == (RunStatus.FAILED, 1)


async def test_retries_wait_longer_each_time_and_stop_at_the_first_success(tmp_path: Path) -> None:
    down = failure(FailureKind.MACHINE)
    flaky = FakeStage("a", [down, down, down, SUCCESS])
    bench = Bench(tmp_path, [StageNode(name="a", retries=5)], [flaky])
    record = await bench.execute()
    assert bench.slept == [1.0, 2.0, 4.0]
    assert [a.status.value for a in record.stage("a").attempts] == ["failed"] * 3 + ["success"]
    assert record.exit_code == 0


async def test_a_stage_that_goes_on_failing_is_tried_once_and_then_as_often_as_allowed(
    tmp_path: Path,
) -> None:
    bench = Bench(
        tmp_path, [StageNode(name="a", retries=2)], [FakeStage("a", [failure(FailureKind.MACHINE)])]
    )
    record = await bench.execute()
    assert (bench.stages["a"].calls, record.exit_code) == (3, 3)


async def test_every_attempt_keeps_its_log(tmp_path: Path) -> None:
    async def talk(context: StageContext) -> Outcome:
        context.say(f"attempt {context.attempt}")
        return failure(FailureKind.MACHINE) if context.attempt == 1 else SUCCESS

    bench = Bench(tmp_path, [StageNode(name="a", retries=1)], [FakeStage("a", body=talk)])
    await bench.execute()
    folder = tmp_path / ".chainops/runs/run-1/a"
    assert [(folder / f"{n}.log").read_text() for n in (1, 2)] == ["attempt 1\n", "attempt 2\n"]
    assert bench.watcher.log["a"] == b"attempt 1\nattempt 2\n"


@pytest.mark.parametrize(
    ("kinds", "code"),
    [
        ([FailureKind.PROJECT], 1),
        ([FailureKind.CONFIG], 2),
        ([FailureKind.MACHINE], 3),
        ([FailureKind.MACHINE, FailureKind.CONFIG], 2),
        ([FailureKind.MACHINE, FailureKind.PROJECT, FailureKind.CONFIG], 1),
    ],
)
async def test_the_exit_code_names_whom_to_ask(tmp_path: Path, kinds: list[FailureKind], code: int) -> None:
    stages = [FakeStage(f"s{i}", [failure(kind)]) for i, kind in enumerate(kinds)]
    bench = Bench(tmp_path, [StageNode(name=s.name) for s in stages], stages)
    assert (await bench.execute()).exit_code == code


async def test_a_stage_that_waits_pauses_the_run_and_resuming_repeats_nothing_that_is_done(
    tmp_path: Path,
) -> None:
    nodes = chain("compile", "deploy", "verify")
    bench = Bench(tmp_path, nodes, [FakeStage("deploy", [WAITING, SUCCESS])])
    paused = await bench.execute()
    assert (paused.status, paused.exit_code) == (RunStatus.PAUSED, 4)
    assert paused.waiting_for == "deploy: approve plan sha256:1 with --approve"
    assert bench.statuses(paused) == {"compile": "success", "deploy": "waiting", "verify": "pending"}

    record = await bench.execute()
    assert (record.status, record.exit_code, record.waiting_for) == (RunStatus.SUCCESS, 0, "")
    assert list(bench.started()) == ["compile", "deploy", "deploy", "verify"]


async def test_a_paused_run_ends_when_it_is_taken_up_without_what_waits(tmp_path: Path) -> None:
    bench = Bench(tmp_path, chain("compile", "deploy"), [FakeStage("deploy", [WAITING])])
    assert (await bench.execute()).exit_code == 4
    nodes = [
        replace(n, skip_reason="--no-production" if n.name == "deploy" else "")
        for n in bench.plan.graph.nodes
    ]
    bench.plan = replace(bench.plan, graph=build_graph(nodes))
    record = await bench.execute()
    assert (record.status, record.exit_code, record.waiting_for) == (RunStatus.SUCCESS, 0, "")
    assert bench.statuses(record) == {"compile": "success", "deploy": "skipped"}
    assert list(bench.started()) == ["compile", "deploy"]


async def test_siblings_of_a_stage_that_waits_still_run(tmp_path: Path) -> None:
    nodes = [StageNode(name="ask"), *chain("b", "c")]
    bench = Bench(tmp_path, nodes, [FakeStage("ask", [WAITING])])
    record = await bench.execute()
    assert bench.statuses(record) == {"ask": "waiting", "b": "success", "c": "success"}
    assert record.exit_code == 4


async def test_a_waiting_run_is_not_failed_by_a_gate_that_can_still_be_measured(tmp_path: Path) -> None:
    gates = FakeGates(required={"smoke": "smoke"})
    bench = Bench(tmp_path, chain("ask", "smoke"), [FakeStage("ask", [WAITING, SUCCESS])], gates=gates)
    assert (await bench.execute()).exit_code == 4
    assert (await bench.execute()).exit_code == 0


async def test_a_failed_gate_blocks_what_stands_on_its_stage_and_every_chain_stage(tmp_path: Path) -> None:
    nodes = [
        *chain("compile", "test", "document"),
        StageNode(name="scan"),
        StageNode(name="deploy", touches_chain=True),
    ]
    bench = Bench(tmp_path, nodes, gates=FakeGates(failing={"coverage": "test"}))
    record = await bench.execute()
    assert bench.statuses(record) == {
        "compile": "success", "test": "success", "document": "skipped", "scan": "success",
        "deploy": "skipped",
    }  # fmt: skip
    assert (record.status, record.exit_code) == (RunStatus.FAILED, 1)
    assert "coverage" in record.stage("deploy").reason


async def test_a_required_gate_that_nothing_measured_blocks_the_chain_and_fails_the_run(
    tmp_path: Path,
) -> None:
    nodes = [
        StageNode(name="scan", skip_reason="no analyzer"),
        StageNode(name="deploy", touches_chain=True),
        StageNode(name="production", touches_chain=True),
    ]
    bench = Bench(tmp_path, nodes, gates=FakeGates(required={"security": "scan"}))
    record = await bench.execute()
    assert bench.statuses(record) == {"scan": "skipped", "deploy": "skipped", "production": "skipped"}
    assert (record.status, record.exit_code) == (RunStatus.FAILED, 1)
    assert [(v.gate, v.status) for v in record.verdicts] == [("security", GateStatus.NOT_RUN)]


async def test_cancelling_ends_what_runs_and_is_journaled(tmp_path: Path) -> None:
    started = asyncio.Event()
    bench = Bench(tmp_path, chain("a", "b"), [FakeStage("a", body=hold(started))])
    engine = bench.engine()
    run = asyncio.ensure_future(engine.execute())
    await started.wait()
    engine.cancel()
    record = await asyncio.wait_for(run, 10)
    assert bench.statuses(record) == {"a": "cancelled", "b": "pending"}
    assert (record.status, record.exit_code) == (RunStatus.CANCELLED, 130)
    assert record == reduce("run-1", bench.journal.read("run-1"))


async def test_a_cancelled_run_can_be_resumed(tmp_path: Path) -> None:
    started = asyncio.Event()
    bench = Bench(tmp_path, chain("a", "b", "c"), [FakeStage("b", body=hold(started))])
    engine = bench.engine()
    run = asyncio.ensure_future(engine.execute())
    await started.wait()
    engine.cancel()
    await run
    bench.stages["b"].body = None
    record = await bench.execute()
    assert (record.status, record.exit_code) == (RunStatus.SUCCESS, 0)
    assert list(bench.started()) == ["a", "b", "b", "c"]


async def test_cancelling_the_task_itself_journals_the_cancellation_too(tmp_path: Path) -> None:
    started = asyncio.Event()
    bench = Bench(tmp_path, chain("a", "b"), [FakeStage("a", body=hold(started))])
    run = asyncio.ensure_future(bench.execute())
    await started.wait()
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run
    record = reduce("run-1", bench.journal.read("run-1"))
    assert (bench.statuses(record)["a"], record.exit_code) == ("cancelled", 130)


async def test_cancelling_leaves_no_process_of_a_stage_behind(tmp_path: Path) -> None:
    started = asyncio.Event()
    script = """if True:
        import os, signal, time
        if os.fork() == 0:
            os.setsid()
            for sign in (signal.SIGINT, signal.SIGTERM):
                signal.signal(sign, signal.SIG_IGN)
        print("up", flush=True)
        time.sleep(600)
    """

    async def serve(context: StageContext) -> Outcome:
        def note(data: bytes) -> None:
            context.log(data)
            if bench.watcher.log["a"].count(b"up") == 2:
                started.set()

        await LocalProcessRunner().run(
            Command(
                argv=(sys.executable, "-I", "-S", "-c", script),
                cwd=tmp_path,
                env={"PATH": os.environ["PATH"]},
                marker=context.marker,
                grace_s=0.2,
            ),
            note,
        )
        return SUCCESS

    bench = Bench(tmp_path, chain("a"), [FakeStage("a", body=serve)])
    bench.plan = dataclasses.replace(bench.plan, run_id=f"cancel-{os.getpid()}")
    engine = bench.engine()
    run = asyncio.ensure_future(engine.execute())
    await asyncio.wait_for(started.wait(), 10)
    assert len(marked_processes(f"{bench.plan.run_id}/a/1/")) == 2
    engine.cancel()
    record = await asyncio.wait_for(run, 10)
    assert record.exit_code == 130
    assert marked_processes(f"{bench.plan.run_id}/") == ()


async def test_a_bug_in_a_stage_fails_that_stage_and_leaves_a_trace_in_its_log(tmp_path: Path) -> None:
    bench = Bench(
        tmp_path, [StageNode(name="a"), StageNode(name="b")], [FakeStage("a", [ZeroDivisionError("oops")])]
    )
    record = await bench.execute()
    outcome = record.stage("a").outcome
    assert outcome is not None
    assert (outcome.code, outcome.failure) == ("PIP399", FailureKind.MACHINE)
    assert "ZeroDivisionError: oops" in outcome.reason
    assert bench.statuses(record)["b"] == "success"
    assert record.exit_code == 3
    log = tmp_path / ".chainops/runs/run-1/a/1.log"
    assert str(log) in outcome.hint
    assert "Traceback" in log.read_text()


async def test_an_outcome_that_cannot_be_journaled_fails_its_stage_and_not_the_run(tmp_path: Path) -> None:
    strange = Outcome(status=StageStatus.SUCCESS, outputs={"handle": object()})
    bench = Bench(tmp_path, [StageNode(name="a"), StageNode(name="b")], [FakeStage("a", [strange])])
    record = await bench.execute()
    assert bench.statuses(record) == {"a": "failed", "b": "success"}
    assert "no JSON form" in record.stage("a").reason


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ProjectError("it reverts", place=Place("src/A.sol", 3)), FailureKind.PROJECT),
        (InputError("unknown network"), FailureKind.CONFIG),
        (MachineError("no answer"), FailureKind.MACHINE),
        (OSError(28, "No space left on device"), FailureKind.MACHINE),
        (TimeoutError(), FailureKind.MACHINE),
    ],
)
async def test_an_error_becomes_the_outcome_of_its_stage(
    tmp_path: Path, error: Exception, kind: FailureKind
) -> None:
    bench = Bench(tmp_path, chain("a"), [FakeStage("a", [error])])
    outcome = (await bench.execute()).stage("a").outcome
    assert outcome is not None
    assert (outcome.status, outcome.failure) == (StageStatus.FAILED, kind)
    assert outcome.reason.strip(": ") == outcome.reason, "a reason says something"
    if isinstance(error, ProjectError):
        assert outcome.places == (Place("src/A.sol", 3),)


async def test_the_time_limit_ends_a_stage_and_is_named(tmp_path: Path) -> None:
    nodes = [StageNode(name="a", timeout_s=0.05), StageNode(name="b", needs=("a",))]
    bench = Bench(tmp_path, nodes, [FakeStage("a", body=hold(asyncio.Event()))])
    record = await bench.execute()
    assert bench.statuses(record) == {"a": "failed", "b": "skipped"}
    assert record.stage("a").reason == "the time limit of 50 ms was reached"
    assert record.exit_code == 3


async def test_no_secret_reaches_log_journal_or_watcher(tmp_path: Path) -> None:
    async def leak(context: StageContext) -> Outcome:
        context.say("key hunter22")
        return Outcome(
            status=StageStatus.FAILED,
            failure=FailureKind.PROJECT,
            reason="hunter22 was refused",
            places=(Place("src/hunter22.sol", 1),),
            outputs={"cases": [{"name": "hunter22"}]},
        )

    stages = [FakeStage("a", body=leak), FakeStage("b", [ValueError("hunter22")])]
    bench = Bench(tmp_path, [StageNode(name="a"), StageNode(name="b")], stages, masker=Masker(["hunter22"]))
    record = await bench.execute()
    logs = "".join(p.read_text() for p in tmp_path.rglob("*.log"))
    for text in (repr(record), repr(bench.journal.read("run-1")), repr(bench.watcher), logs):
        assert "hunter22" not in text
        assert "***" in text


async def test_an_attempt_runner_that_breaks_loses_only_its_own_stage(tmp_path: Path) -> None:
    bench = Bench(tmp_path, [StageNode(name="a"), StageNode(name="b")])
    # the log cannot be opened, nor can the trace of that be written to it
    (tmp_path / ".chainops/runs/run-1/a/1.log").mkdir(parents=True)
    record = await bench.execute()
    assert bench.statuses(record) == {"a": "failed", "b": "success"}
    assert record.exit_code == 3


async def test_a_run_is_not_resumed_with_other_stages(tmp_path: Path) -> None:
    bench = Bench(tmp_path, chain("a", "b"), [FakeStage("b", [WAITING])])
    await bench.execute()
    other = dataclasses.replace(bench.plan, graph=build_graph(chain("a", "c")))
    with pytest.raises(GraphError, match="other stages"):
        await bench.engine(plan=other).execute()


async def test_watchers_see_every_change_once(tmp_path: Path) -> None:
    bench = Bench(tmp_path, chain("a", "b"))
    record = await bench.execute()
    assert bench.watcher.seen == [
        ("", "running"),
        ("a", "running"),
        ("a", "success"),
        ("b", "running"),
        ("b", "success"),
        ("", "success"),
    ]
    assert bench.watcher.runs[-1] == record


def eventful(tmp_path: Path, journal: MemoryJournal | SqliteJournal) -> Bench:
    """Return a run with everything in it: siblings, a retry, an allowed failure, a skip, a chain stage."""
    nodes = [
        StageNode(name="checkout"),
        StageNode(name="test", needs=("checkout",), retries=1),
        StageNode(name="lint", needs=("checkout",), allow_failure=True),
        StageNode(name="broken", needs=("checkout",)),
        StageNode(name="after-broken", needs=("broken",)),
        StageNode(name="left-out", skip_reason="not wanted"),
        StageNode(name="deploy", needs=("test",), touches_chain=True),
        StageNode(name="smoke", needs=("deploy",)),
    ]
    stages = [
        FakeStage("test", [failure(FailureKind.MACHINE), SUCCESS]),
        FakeStage("lint", [failure()]),
        FakeStage("broken", [failure()]),
    ]
    return Bench(tmp_path, nodes, stages, journal=journal)


END = {
    "checkout": "success", "test": "success", "lint": "failed", "broken": "failed",
    "after-broken": "skipped", "left-out": "skipped", "deploy": "success", "smoke": "success",
}  # fmt: skip


@pytest.mark.parametrize("stored", [False, True], ids=["before", "after"])
async def test_a_run_whose_process_dies_at_any_entry_ends_as_if_it_had_not(
    tmp_path: Path, stored: bool
) -> None:
    whole = eventful(tmp_path / "whole", MemoryJournal())
    counted = DyingJournal(whole.journal, 1000, stored=True)
    expected = await whole.engine(counted).execute()
    assert whole.statuses(expected) == END
    assert counted.appends > 7

    for dies_at in range(1, counted.appends + 1):
        bench = eventful(tmp_path / f"{dies_at}", MemoryJournal())
        with pytest.raises(RunnerDiedError):
            await bench.engine(DyingJournal(bench.journal, dies_at, stored=stored)).execute()
        succeeded = {
            e.stage
            for e in bench.journal.read("run-1")
            if getattr(e, "outcome", SUCCESS).status is StageStatus.SUCCESS and hasattr(e, "outcome")
        }
        before = {name: stage.calls for name, stage in bench.stages.items()}
        record = await bench.execute()
        assert bench.statuses(record) == END, f"died at entry {dies_at}"
        assert (record.status, record.exit_code) == (expected.status, expected.exit_code)
        for name in succeeded:
            assert bench.stages[name].calls == before[name], f"{name} was repeated after dying at {dies_at}"


async def test_a_run_that_dies_again_and_again_still_gets_on(tmp_path: Path) -> None:
    database = Database(tmp_path / "state.db", MIGRATIONS)
    bench = eventful(tmp_path, SqliteJournal(database))
    record = None
    for _ in range(60):
        try:
            # three attempts that were lost, the resumption, three starts, and at least one end
            record = await bench.engine(DyingJournal(bench.journal, 9, stored=True)).execute()
            break
        except RunnerDiedError:
            continue
    database.close()
    assert record is not None
    assert bench.statuses(record) == END


async def test_what_a_dead_runner_had_started_is_lost_and_run_again(tmp_path: Path) -> None:
    bench = Bench(tmp_path, chain("a"))
    with pytest.raises(RunnerDiedError):
        await bench.engine(DyingJournal(bench.journal, 2, stored=True)).execute()
    record = await bench.execute()
    assert [a.status.value for a in record.stage("a").attempts] == ["lost", "success"]
    kinds = [type(e) for e in bench.journal.read("run-1")]
    assert kinds[2:4] == [AttemptLost, RunResumed]


async def test_processes_of_a_runner_that_was_killed_are_ended_before_the_next_attempt(
    tmp_path: Path,
) -> None:
    run_id = f"left-{os.getpid()}"
    sleeper = await asyncio.create_subprocess_exec(
        "sleep", "600", env={"PATH": os.environ["PATH"], "CHAINOPS_ATTEMPT": f"{run_id}/a/1/"}
    )
    alive: list[tuple[int, ...]] = []

    async def look(context: StageContext) -> Outcome:
        alive.append(marked_processes(f"{run_id}/a/"))
        return SUCCESS

    bench = Bench(tmp_path, chain("a"), [FakeStage("a", body=look)])
    bench.plan = dataclasses.replace(bench.plan, run_id=run_id)
    with pytest.raises(RunnerDiedError):
        await bench.engine(DyingJournal(bench.journal, 2, stored=True)).execute()
    try:
        assert marked_processes(f"{run_id}/a/") == (sleeper.pid,)
        await bench.execute()
    finally:
        kill_marked(f"{run_id}/")
        await sleeper.wait()
    assert alive == [()]


async def test_the_folder_of_a_killed_attempt_is_gone_before_the_next(tmp_path: Path) -> None:
    bench = Bench(tmp_path, chain("a"))
    with pytest.raises(RunnerDiedError):
        await bench.engine(DyingJournal(bench.journal, 2, stored=True)).execute()
    # a tool's report that nobody has masked yet
    left = tmp_path / ".chainops" / "runs" / "run-1" / "a" / "1"
    left.mkdir(parents=True, exist_ok=True)
    (left / "forge-test.json").write_text("revert: hunter22")
    await bench.execute()
    assert not left.exists()


async def test_resuming_a_run_that_is_done_changes_nothing(tmp_path: Path) -> None:
    bench = Bench(tmp_path, chain("a", "b"))
    first = await bench.execute()
    again = await bench.execute()
    assert (again.status, again.exit_code, again.stages) == (first.status, first.exit_code, first.stages)
    assert list(bench.started()) == ["a", "b"]
