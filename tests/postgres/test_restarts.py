"""PostgreSQL restarts while runs go on: each ends as if it had not, and nothing is stored or run twice."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from pathlib import Path

import psycopg
import pytest

from chainops.app.database import DATABASE_VARIABLE
from chainops.core.store.database import StoreBusyError
from chainops.pipeline.model import RunRecord
from chaos.checks import Undisturbed, check_same, undisturbed
from chaos.harness import Case, Entry, say
from postgres.server import PostgresServer


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    """Return how the run ends that nobody disturbs, in the embedded database."""
    return undisturbed(tmp_path_factory.mktemp("undisturbed"), "ten")


@pytest.fixture
def database(
    expected: Undisturbed, own_url: str, server: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> Iterator[str]:
    """Let every run be recorded in PostgreSQL, from here on; leave a server that answers."""
    monkeypatch.setenv(DATABASE_VARIABLE, own_url)
    yield own_url
    server.restart()


class SharedCase(Case):
    """A run whose journal is in PostgreSQL; a person tries again while that is away."""

    url: str = ""

    def approve(self) -> bool:
        while True:
            try:
                return super().approve()
            except StoreBusyError as error:
                say(f"{self.workspace.name}: {error.message}")

    def record_now(self) -> RunRecord:
        while True:
            try:
                return super().record_now()
            except StoreBusyError as error:
                say(f"{self.workspace.name}: {error.message}")

    def entries(self) -> tuple[Entry, ...]:
        with psycopg.connect(self.url) as connection:
            rows = connection.execute(
                "SELECT seq, kind, payload FROM chainops_journal WHERE run_id = %s ORDER BY seq",
                (self.run_id,),
            ).fetchall()
        return tuple(Entry(seq=seq, kind=kind, payload=payload) for seq, kind, payload in rows)


def execute_all(
    server: PostgresServer,
    chance: random.Random,
    cases: list[SharedCase],
    *,
    at_once: int,
    pace_s: float,
    every_s: tuple[float, float],
) -> tuple[list[RunRecord], int]:
    """Execute the runs, restarting the server meanwhile; return how they stand and how often it was."""
    restarts = 0
    with ThreadPoolExecutor(at_once) as pool:
        runs: list[Future[RunRecord]] = [
            pool.submit(case.to_the_end, case.order(pace_s=pace_s), case.order(pace_s=pace_s))
            for case in cases
        ]
        while wait(runs, timeout=chance.uniform(*every_s)).not_done:
            mode = chance.choice(["fast", "immediate"])
            say(f"restart {restarts}: {mode}")
            server.restart(mode)
            restarts += 1
        return [run.result() for run in runs], restarts


def restarted_while_running(
    server: PostgresServer,
    url: str,
    folder: Path,
    expected: Undisturbed,
    *,
    runs: int,
    at_once: int,
    pace_s: float,
    every_s: tuple[float, float],
) -> int:
    """Return how often the server was restarted; fail unless every run ended as the undisturbed one."""
    cases = [SharedCase(workspace=folder / f"{number}") for number in range(runs)]
    for case in cases:
        case.url = url
    seed = os.environ.get("CHAOS_SEED") or f"{random.SystemRandom().randrange(10**8)}"
    say(f"CHAOS_SEED={seed}")
    chance = random.Random(seed)
    records, restarts = execute_all(server, chance, cases, at_once=at_once, pace_s=pace_s, every_s=every_s)
    for case, record in zip(cases, records, strict=True):
        check_same(case, record, expected)
        assert [e.code for e in case.ends if e.code not in (0, 4)] == [], "a runner gave up"
        # the one that a stage waits in, and the one after the approval
        assert len(case.ends) == 2
    return restarts


def test_three_runs_survive_restarts_at_random_moments(
    server: PostgresServer, database: str, tmp_path: Path, expected: Undisturbed
) -> None:
    restarts = restarted_while_running(
        server, database, tmp_path, expected, runs=3, at_once=3, pace_s=0.05, every_s=(0.3, 1.5)
    )
    assert restarts >= 2


@pytest.mark.chaos
def test_fifty_runs_while_the_server_is_restarted_every_five_to_twenty_seconds(
    server: PostgresServer, database: str, tmp_path: Path, expected: Undisturbed
) -> None:
    restarts = restarted_while_running(
        server, database, tmp_path, expected, runs=50, at_once=4, pace_s=0.6, every_s=(5, 20)
    )
    assert restarts >= 5
