"""A database that is locked or full costs time or the run's going on, never what was recorded."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from chainops.core.clock import SystemClock
from chainops.core.store.database import Database, StoreBusyError, StoreError
from chainops.pipeline.claims import SqliteClaims, this_runner
from chainops.pipeline.events import Event
from chainops.pipeline.journal import MIGRATIONS, MemoryJournal, SqliteJournal
from chainops.pipeline.model import Outcome, RunStatus, StageContext, StageNode
from chainops.pipeline.patience import Patience
from unit.pipeline.fakes import SUCCESS, Bench, FakeStage, chain

LOCKS = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN EXCLUSIVE")
print("locked", flush=True)
sys.stdin.read(1)
connection.execute("COMMIT")
print("free", flush=True)
"""


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(tmp_path / "state.db", MIGRATIONS, wait_s=0.1)
    yield database
    database.close()


class Locker:
    """Another process that locks the database until it is told to let go."""

    def __init__(self, path: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", LOCKS, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == b"locked\n"

    def let_go(self) -> None:
        self._process.communicate(b".")

    def kill(self) -> None:
        self._process.kill()
        self._process.communicate()


def steady(context_count: list[float], stop: asyncio.Event) -> asyncio.Task[None]:
    """Note the longest time for which the event loop did not turn."""

    async def watch() -> None:
        last_s = time.monotonic()
        while not stop.is_set():
            await asyncio.sleep(0.01)
            now_s = time.monotonic()
            context_count.append(now_s - last_s)
            last_s = now_s

    return asyncio.ensure_future(watch())


async def test_a_lock_of_another_process_is_waited_for_while_everything_else_goes_on(
    tmp_path: Path, database: Database
) -> None:
    waited: list[float] = []
    locker: list[Locker] = []

    async def lock(context: StageContext) -> Outcome:
        locker.append(Locker(database.path))
        return SUCCESS

    async def sleep(seconds: float) -> None:
        waited.append(seconds)
        if len(waited) == 4:
            locker[0].let_go()
        await asyncio.sleep(0)

    gaps: list[float] = []
    stop = asyncio.Event()
    watch = steady(gaps, stop)
    clock = SystemClock()
    bench = Bench(tmp_path, chain("a", "b"), [FakeStage("a", body=lock)], journal=SqliteJournal(database))
    engine = bench.engine(
        sleep=sleep, claims=SqliteClaims(database, clock), runner=this_runner(clock.now()), clock=clock
    )
    record = await engine.execute()
    stop.set()
    await watch
    assert record.status is RunStatus.SUCCESS
    assert waited == [0.05, 0.1, 0.2, 0.4]
    assert max(gaps) < 1.5
    kinds = [type(e).__name__ for e in bench.journal.read("run-1")]
    assert kinds.count("AttemptFinished") == kinds.count("AttemptStarted") == 2, "nothing is stored twice"


async def test_a_lock_that_never_goes_away_ends_the_run_which_can_be_taken_up_later(
    tmp_path: Path, database: Database
) -> None:
    locker: list[Locker] = []
    ended: list[str] = []
    both = asyncio.Barrier(2)

    async def lock(context: StageContext) -> Outcome:
        await both.wait()
        locker.append(Locker(database.path))
        return SUCCESS

    async def long(context: StageContext) -> Outcome:
        try:
            await both.wait()
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            ended.append(context.stage)
            raise
        return SUCCESS

    nodes = [*chain("a", "c"), StageNode(name="b")]
    bench = Bench(
        tmp_path,
        nodes,
        [FakeStage("a", body=lock), FakeStage("b", body=long)],
        journal=SqliteJournal(database),
    )
    # the bench's clock goes on by what is waited
    with pytest.raises(StoreBusyError, match="locked"):
        await bench.engine(patience_s=5).execute()
    assert 3 < sum(bench.slept) <= 5
    assert ended == ["b"]
    assert bench.stages["c"].calls == 0
    locker[0].kill()
    for stage in bench.stages.values():
        stage.body = None
    assert (await bench.execute()).status is RunStatus.SUCCESS


async def test_a_full_disk_ends_the_run_and_starts_nothing_more_until_there_is_room(
    tmp_path: Path, database: Database
) -> None:
    journal = SqliteJournal(database)
    large = Outcome(status=SUCCESS.status, outputs={"text": "x" * 200_000})

    async def fill(context: StageContext) -> Outcome:
        # SQLite answers a full database as it answers a full disk: SQLITE_FULL
        pages = int(str(database.rows("PRAGMA page_count")[0][0]))
        database.rows(f"PRAGMA max_page_count = {pages + 2}")
        return large

    bench = Bench(tmp_path, chain("a", "b"), [FakeStage("a", body=fill)], journal=journal)
    with pytest.raises(StoreError, match="full") as caught:
        await bench.execute()
    assert not isinstance(caught.value, StoreBusyError)
    assert bench.stages["b"].calls == 0
    database.rows("PRAGMA max_page_count = 1000000")
    bench.stages["a"].body = None
    record = await bench.execute()
    assert (record.status, bench.statuses(record)) == (RunStatus.SUCCESS, {"a": "success", "b": "success"})


async def test_an_append_that_is_repeated_keeps_its_key(tmp_path: Path) -> None:
    class Unanswered(MemoryJournal):
        """Stores, and fails to say so the first time."""

        keys: tuple[str, ...] = ()

        def append(self, run_id: str, *events: Event, runner: str = "", key: str = "") -> int:
            last = super().append(run_id, *events, runner=runner, key=key)
            fresh = key not in self.keys
            self.keys = (*self.keys, key)
            if fresh:
                raise StoreBusyError("connection lost")
            return last

    journal = Unanswered()
    bench = Bench(tmp_path, chain("a", "b"), journal=journal)
    assert (await bench.execute()).status is RunStatus.SUCCESS
    kinds = [type(e).__name__ for e in journal.read("run-1")]
    assert kinds == [
        "RunStarted", "AttemptStarted", "AttemptFinished", "AttemptStarted", "AttemptFinished", "RunFinished",
    ]  # fmt: skip
    assert len(journal.keys) == 2 * len(set(journal.keys))


async def test_patience_ends_with_the_error_and_spends_none_on_others() -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    def full() -> int:
        raise StoreError("disk is full")

    with pytest.raises(StoreError, match="full"):
        await Patience(patience_s=60, clock=SystemClock(), sleep=sleep).call(full)
    assert slept == []
