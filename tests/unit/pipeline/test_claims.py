"""A run has one runner at a time: another takes it only when the first is dead, and then the first stops."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from chainops.core.clock import MemoryClock, SystemClock
from chainops.core.store.database import Database
from chainops.pipeline.claims import (
    BEAT_S,
    SILENCE_S,
    ClaimLostError,
    Claims,
    MemoryClaims,
    RunHeldError,
    Runner,
    SqliteClaims,
    process_start,
    this_runner,
)
from chainops.pipeline.events import Event, RunStarted
from chainops.pipeline.journal import MIGRATIONS, MemoryJournal, SqliteJournal
from chainops.pipeline.model import Outcome, RunStatus, StageContext, StageNode
from unit.pipeline.claims_suite import ClaimsSuite
from unit.pipeline.fakes import SUCCESS, Bench, DyingJournal, FakeStage, RunnerDiedError, chain

AT = datetime(2026, 1, 1, tzinfo=UTC)
STARTED = RunStarted(at=AT, pipeline_id="", project_name="", workspace="", nodes=())


@pytest.fixture(params=["memory", "sqlite"])
def claims(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Claims]:
    if request.param == "memory":
        yield MemoryClaims()
        return
    database = Database(tmp_path / "state.db", MIGRATIONS)
    yield SqliteClaims(database, MemoryClock())
    database.close()


class TestSuite(ClaimsSuite):
    """The suite, on the claims in memory and on the embedded ones."""


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(tmp_path / "state.db", MIGRATIONS)
    yield database
    database.close()


HOLDS = """
import sys
from pathlib import Path
from chainops.core.clock import SystemClock
from chainops.core.store.database import Database
from chainops.pipeline.claims import SqliteClaims, this_runner
from chainops.pipeline.journal import MIGRATIONS
clock = SystemClock()
claims = SqliteClaims(Database(Path(sys.argv[1]), MIGRATIONS), clock)
claims.claim("run", this_runner(clock.now()))
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def holder(database: Database) -> Iterator[subprocess.Popen[bytes]]:
    """A process that holds the run until it is killed."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDS, str(database.path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"held\n"
    yield process
    process.kill()
    process.communicate()


def test_a_process_that_lives_keeps_its_run_and_one_that_was_killed_loses_it(
    database: Database, holder: subprocess.Popen[bytes]
) -> None:
    claims = SqliteClaims(database, SystemClock())
    mine = this_runner(SystemClock().now())
    with pytest.raises(RunHeldError, match=f"process {holder.pid} on") as caught:
        claims.claim("run", mine)
    assert "runs logs -f run" in caught.value.hint
    holder.kill()
    os.waitid(os.P_PID, holder.pid, os.WEXITED | os.WNOWAIT)  # dead, and still in the process table
    claims.claim("run", mine)
    held = claims.holder("run")
    assert held
    assert (held.runner.token, held.alive) == (mine.token, True)


@pytest.mark.parametrize("hours", [-1, 0, 1])
def test_on_one_host_no_clock_decides_who_lives(
    database: Database, holder: subprocess.Popen[bytes], hours: int
) -> None:
    clock = MemoryClock(SystemClock().now())
    clock.advance(hours * 3600)
    claims = SqliteClaims(database, clock)
    with pytest.raises(RunHeldError):
        claims.claim("run", this_runner(clock.now()))
    holder.kill()
    os.waitid(os.P_PID, holder.pid, os.WEXITED | os.WNOWAIT)
    claims.claim("run", this_runner(clock.now()))


def test_a_pid_that_is_another_process_now_holds_nothing(database: Database) -> None:
    claims = SqliteClaims(database, SystemClock())
    mine = this_runner(AT)
    claims.claim("run", replace(mine, token="earlier", started=mine.started.rpartition("/")[0] + "/1"))
    held = claims.holder("run")
    assert held
    assert not held.alive
    claims.claim("run", mine)


def test_a_process_that_does_not_exist_has_no_start() -> None:
    assert process_start(2**22 + 1) == ""
    assert process_start(os.getpid()) == this_runner(AT).started


def test_on_another_host_the_heartbeat_decides(database: Database) -> None:
    clock = MemoryClock()
    claims = SqliteClaims(database, clock)
    other = Runner(token="far", host="another.example", pid=1, started="x", since=clock.now())
    claims.claim("run", other)
    clock.advance(SILENCE_S - 1)
    claims.beat("run", "far")
    clock.advance(SILENCE_S - 1)
    with pytest.raises(RunHeldError, match=r"process 1 on another\.example"):
        claims.claim("run", this_runner(clock.now()))
    clock.advance(-3600)  # set back: it was heard of in what is the future now
    with pytest.raises(RunHeldError):
        claims.claim("run", this_runner(clock.now()))
    clock.advance(3600 + 2)
    claims.claim("run", this_runner(clock.now()))
    with pytest.raises(ClaimLostError):
        claims.beat("run", "far")


def test_a_run_that_was_taken_over_cannot_be_written_by_who_had_it(database: Database) -> None:
    claims, journal = SqliteClaims(database, MemoryClock()), SqliteJournal(database)
    dead = Runner(token="dead", host=this_runner(AT).host, pid=2**22 + 1, started="gone", since=AT)
    claims.claim("run", dead)
    journal.append("run", STARTED, runner="dead")
    mine = this_runner(AT)
    claims.claim("run", mine)
    with pytest.raises(ClaimLostError, match="taken over"):
        journal.append("run", STARTED, runner="dead")
    journal.append("run", STARTED, runner=mine.token)
    assert journal.last("run") == 2


class Held(MemoryJournal):
    """A journal in memory that knows who holds its runs."""

    def __init__(self) -> None:
        self.claims = MemoryClaims()
        super().__init__(self.claims)


def held_by(journal: Held, token: str) -> dict[str, object]:
    return {"claims": journal.claims, "runner": replace(this_runner(AT), token=token)}


async def test_two_resumptions_at_once_are_one_and_a_refusal(tmp_path: Path) -> None:
    begun, end = asyncio.Event(), asyncio.Event()

    async def body(context: StageContext) -> Outcome:
        begun.set()
        await end.wait()
        return SUCCESS

    journal = Held()
    bench = Bench(tmp_path, chain("a"), [FakeStage("a", body=body)], journal=journal)
    first = asyncio.ensure_future(bench.engine(**held_by(journal, "one")).execute())
    await begun.wait()
    entries = journal.read("run-1")
    with pytest.raises(RunHeldError, match="run run-1 is being run by process"):
        await bench.engine(**held_by(journal, "two")).execute()
    assert journal.read("run-1") == entries
    end.set()
    assert (await first).status is RunStatus.SUCCESS
    assert bench.stages["a"].calls == 1
    assert journal.claims.holder("run-1") is None
    assert (await bench.engine(**held_by(journal, "two")).execute()).status is RunStatus.SUCCESS


async def test_a_runner_that_was_taken_for_dead_ends_what_it_runs_and_writes_nothing_more(
    tmp_path: Path,
) -> None:
    both, ended = asyncio.Semaphore(0), []
    go_on = asyncio.Event()

    async def body(context: StageContext) -> Outcome:
        both.release()
        try:
            await go_on.wait()
        except asyncio.CancelledError:
            ended.append(context.stage)
            raise
        return SUCCESS

    async def long(context: StageContext) -> Outcome:
        both.release()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            ended.append(context.stage)
            raise
        return SUCCESS

    journal = Held()
    nodes = [StageNode(name="short"), StageNode(name="long")]
    bench = Bench(
        tmp_path, nodes, [FakeStage("short", body=body), FakeStage("long", body=long)], journal=journal
    )
    first = asyncio.ensure_future(bench.engine(**held_by(journal, "one")).execute())
    await both.acquire()
    await both.acquire()
    journal.claims.dead.add("one")
    journal.claims.claim("run-1", replace(this_runner(AT), token="two"))
    entries = journal.read("run-1")
    go_on.set()
    with pytest.raises(ClaimLostError):
        await asyncio.wait_for(first, 10)
    assert ended == ["long"]
    assert journal.read("run-1") == entries
    holder = journal.claims.holder("run-1")
    assert holder
    assert holder.runner.token == "two"


async def test_a_runner_says_that_it_lives_and_notices_in_time_that_the_run_is_no_longer_its_own(
    tmp_path: Path,
) -> None:
    begun = asyncio.Event()

    async def body(context: StageContext) -> Outcome:
        begun.set()
        await asyncio.Event().wait()
        return SUCCESS

    journal = Held()
    bench = Bench(tmp_path, chain("a"), [FakeStage("a", body=body)], journal=journal)
    first = asyncio.ensure_future(bench.engine(**held_by(journal, "one")).execute())
    await begun.wait()
    journal.claims.release("run-1", "one")
    bench.clock.advance(BEAT_S)
    done, _ = await asyncio.wait({first}, timeout=5)
    assert done, "cancelling it would find out as well"
    with pytest.raises(ClaimLostError):
        await first


async def test_an_error_gives_the_run_back_too(tmp_path: Path) -> None:
    journal = Held()
    bench = Bench(tmp_path, chain("a", "b"), journal=journal)
    with pytest.raises(RunnerDiedError):
        await bench.engine(DyingJournal(journal, 3, stored=True), **held_by(journal, "one")).execute()
    assert journal.claims.holder("run-1") is None


async def test_claims_without_a_runner_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="go together"):
        Bench(tmp_path, chain("a")).engine(claims=MemoryClaims())


async def test_orphans_of_a_dead_runner_are_ended_once_and_before_anything_runs_again(tmp_path: Path) -> None:
    bench = Bench(tmp_path, [StageNode(name=n) for n in "abc"])
    calls: list[tuple[str, int]] = []

    def end_orphans(prefix: str) -> None:
        calls.append((prefix, sum(s.calls for s in bench.stages.values())))

    with pytest.raises(RunnerDiedError):
        await bench.engine(DyingJournal(bench.journal, 2, stored=True), end_orphans=end_orphans).execute()
    assert calls == []
    record = await bench.engine(end_orphans=end_orphans, by="alice").execute()
    assert calls == [("run-1/", 0)]
    assert [[a.status.value for a in s.attempts] for s in record.stages] == [["lost", "success"]] * 3
    await bench.engine(end_orphans=end_orphans).execute()
    assert len(calls) == 1


def resumed_by(events: tuple[Event, ...]) -> list[str]:
    return [e.by for e in events if type(e).__name__ == "RunResumed" and hasattr(e, "by")]


async def test_the_journal_says_who_took_a_run_up(tmp_path: Path) -> None:
    bench = Bench(tmp_path, chain("a"))
    with pytest.raises(RunnerDiedError):
        await bench.engine(DyingJournal(bench.journal, 2, stored=True)).execute()
    await bench.engine(by="alice").execute()
    assert resumed_by(bench.journal.read("run-1")) == ["alice"]
