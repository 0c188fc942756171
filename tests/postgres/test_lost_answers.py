"""When the answer to a commit is lost nobody knows whether it was stored; repeated, it is stored once."""

from __future__ import annotations

import time

import psycopg
import pytest

from chainops.core.store.database import StoreBusyError
from chainops.core.store.postgres import PostgresDatabase
from chainops.pipeline.events import RunResumed
from chainops.pipeline.postgres import MIGRATIONS, PostgresJournal
from postgres.proxy import proxied
from unit.pipeline.journal_suite import AT, STARTED


class Trouble:
    """Lets everything pass until it is armed, then does its worst to the next commit."""

    def __init__(self) -> None:
        self.fate = "pass"
        self.struck = 0

    def __call__(self, data: bytes) -> str:
        if self.fate != "pass" and b"COMMIT\0" in data:
            self.struck += 1
            fate, self.fate = self.fate, "pass"
            return fate
        return "pass"


@pytest.mark.parametrize(("fate", "stored"), [("lose", True), ("cut", False)])
def test_an_append_whose_commit_got_no_answer_is_stored_once(url: str, fate: str, stored: bool) -> None:
    trouble = Trouble()
    with proxied(url, trouble) as through:
        database = PostgresDatabase(through, MIGRATIONS)
        journal = PostgresJournal(database)
        journal.append("run", STARTED, key="start")
        trouble.fate = fate
        with pytest.raises(StoreBusyError):
            journal.append("run", RunResumed(at=AT), RunResumed(at=AT), key="again")
        assert trouble.struck == 1
        assert _count(url, settled=3 if stored else 1) == (3 if stored else 1)
        assert journal.append("run", RunResumed(at=AT), RunResumed(at=AT), key="again") == 3
        assert len(journal.read("run")) == 3
        database.close()


def test_a_server_that_says_nothing_any_more_is_given_up(url: str) -> None:
    trouble = Trouble()
    with proxied(url, trouble) as through:
        database = PostgresDatabase(through, MIGRATIONS, answer_s=0.5)
        journal = PostgresJournal(database)
        trouble.fate = "hang"
        before = time.monotonic()
        with pytest.raises(StoreBusyError):
            journal.append("run", STARTED, key="start")
        assert time.monotonic() - before < 3
        assert journal.append("run", STARTED, key="start") == 1
        assert journal.last("run") == 1
        database.close()


def test_a_backend_that_is_ended_is_an_error_that_passes_or_not_even_noticed(url: str) -> None:
    database = PostgresDatabase(url, MIGRATIONS)
    journal = PostgresJournal(database)
    journal.append("run", STARTED, key="start")
    _end_backends(url)
    assert journal.last("run") == 1  # between two calls nothing is lost with the connection
    _end_backends(url)
    assert journal.append("run", RunResumed(at=AT), key="k") == 2
    with pytest.raises(StoreBusyError):
        _end_within(database, url)
    assert journal.append("run", RunResumed(at=AT), key="k") == 2
    database.close()


def _count(url: str, *, settled: int) -> int:
    """Count entries; a commit whose client is gone may take a moment to be seen."""
    deadline = time.monotonic() + 5
    while True:
        with psycopg.connect(url) as other:
            row = other.execute("SELECT count(*) FROM chainops_journal").fetchone()
        if (row and row[0] == settled) or time.monotonic() > deadline:
            return int(row[0]) if row else -1


def _end_within(database: PostgresDatabase, url: str) -> None:
    with database.transaction() as connection:
        _end_backends(url)
        connection.execute("SELECT 1")


def _end_backends(url: str) -> None:
    with psycopg.connect(url) as other:
        other.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = 'chainops'"
        )
