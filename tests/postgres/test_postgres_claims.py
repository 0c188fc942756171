"""Claims in PostgreSQL: those of every keeper, and what only a shared database has to get right."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace

import psycopg
import pytest

from chainops.core.store.postgres import PostgresDatabase
from chainops.pipeline.claims import SILENCE_S, ClaimLostError, Claims, RunHeldError
from chainops.pipeline.events import RunResumed
from chainops.pipeline.postgres import MIGRATIONS, PostgresClaims, PostgresJournal
from unit.pipeline.claims_suite import AT, ClaimsSuite, dead, living
from unit.pipeline.journal_suite import STARTED


@pytest.fixture
def database(url: str) -> Iterator[PostgresDatabase]:
    database = PostgresDatabase(url, MIGRATIONS)
    yield database
    database.close()


@pytest.fixture
def claims(database: PostgresDatabase) -> Claims:
    return PostgresClaims(database)


class TestSuite(ClaimsSuite):
    """The suite, on a real server."""


def test_a_dead_process_of_this_host_loses_its_run_at_once(claims: Claims) -> None:
    first, second = dead(), living()
    claims.claim("run", first)
    holder = claims.holder("run")
    assert holder
    assert not holder.alive
    claims.claim("run", second)
    with pytest.raises(ClaimLostError):
        claims.beat("run", first.token)


def test_another_host_is_alive_while_it_beats_by_the_clock_of_the_database(url: str, claims: Claims) -> None:
    far = replace(living(), host="elsewhere")
    claims.claim("run", far)
    _silent_for(url, SILENCE_S - 5)
    with pytest.raises(RunHeldError, match="on elsewhere"):
        claims.claim("run", living())
    _silent_for(url, SILENCE_S + 5)
    holder = claims.holder("run")
    assert holder
    assert not holder.alive
    claims.beat("run", far.token)  # late, and still its own
    with pytest.raises(RunHeldError):
        claims.claim("run", living())
    _silent_for(url, SILENCE_S + 5)
    claims.claim("run", living())


def test_who_was_taken_over_cannot_append(database: PostgresDatabase, claims: Claims) -> None:
    journal = PostgresJournal(database)
    first, second = dead(), living()
    claims.claim("run", first)
    journal.append("run", STARTED, runner=first.token, key="start")
    claims.claim("run", second)
    with pytest.raises(ClaimLostError):
        journal.append("run", RunResumed(at=AT), runner=first.token)
    with pytest.raises(ClaimLostError):  # not even what it had stored
        journal.append("run", STARTED, runner=first.token, key="start")
    assert journal.append("run", RunResumed(at=AT), runner=second.token) == 2
    claims.release("run", second.token)
    with pytest.raises(ClaimLostError):
        journal.append("run", RunResumed(at=AT), runner=second.token)
    assert journal.last("run") == 2


def test_of_several_who_take_a_dead_runners_run_one_gets_it(url: str, claims: Claims) -> None:
    claims.claim("run", dead())
    start = threading.Barrier(6)
    won: list[str] = []
    refused: list[str] = []

    def take() -> None:
        database = PostgresDatabase(url, MIGRATIONS)
        runner = living()
        start.wait()
        try:
            PostgresClaims(database).claim("run", runner)
            won.append(runner.token)
        except RunHeldError:
            refused.append(runner.token)
        finally:
            database.close()

    threads = [threading.Thread(target=take) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(won), len(refused)) == (1, 5)
    holder = claims.holder("run")
    assert holder
    assert holder.runner.token == won[0]


def _silent_for(url: str, seconds: float) -> None:
    with psycopg.connect(url) as other:
        other.execute(
            "UPDATE chainops_claims SET beaten_at = clock_timestamp() - make_interval(secs => %s)", (seconds,)
        )
