"""The journal in PostgreSQL does what every journal does, also when several processes write at once."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator

import psycopg
import pytest

from chainops.core.store.postgres import PostgresDatabase
from chainops.pipeline.events import RunResumed
from chainops.pipeline.fold import JournalError
from chainops.pipeline.journal import Journal
from chainops.pipeline.postgres import MIGRATIONS, PostgresJournal
from unit.pipeline.journal_suite import AT, EVENTS, STARTED, JournalSuite


@pytest.fixture
def database(url: str) -> Iterator[PostgresDatabase]:
    database = PostgresDatabase(url, MIGRATIONS)
    yield database
    database.close()


@pytest.fixture
def journal(database: PostgresDatabase) -> Journal:
    return PostgresJournal(database)


class TestSuite(JournalSuite):
    """The suite, on a real server."""


def test_it_is_there_for_another_connection(url: str, journal: Journal) -> None:
    assert journal.append("run", *EVENTS) == len(EVENTS)
    other = PostgresDatabase(url, MIGRATIONS)
    assert PostgresJournal(other).read("run") == EVENTS
    assert PostgresJournal(other).read("run", after=len(EVENTS) - 1) == EVENTS[-1:]
    other.close()


def test_a_workspace_lists_its_own_runs_and_reads_every_run(database: PostgresDatabase) -> None:
    one, two = PostgresJournal(database, workspace="one"), PostgresJournal(database, workspace="two")
    one.append("a", STARTED)
    two.append("b", STARTED)
    assert [h.run_id for h in one.runs()] == ["a"]
    assert [h.run_id for h in two.runs()] == ["b"]
    assert {h.run_id for h in PostgresJournal(database).runs()} == {"a", "b"}
    assert one.read("b") == (STARTED,)


def test_an_append_repeated_with_its_key_is_stored_once(journal: Journal) -> None:
    assert journal.append("run", STARTED, RunResumed(at=AT), key="k") == 2
    assert journal.append("run", RunResumed(at=AT), key="other") == 3
    assert journal.append("run", STARTED, RunResumed(at=AT), key="k") == 2
    assert journal.append("second", STARTED, key="k") == 1
    assert (journal.last("run"), journal.last("second")) == (3, 1)


def test_an_append_without_a_key_is_stored_each_time(journal: Journal) -> None:
    journal.append("run", STARTED)
    journal.append("run", RunResumed(at=AT))
    journal.append("run", RunResumed(at=AT))
    assert journal.last("run") == 3


@pytest.mark.parametrize(("kind", "payload"), [("FromTheFuture", "{}"), ("RunResumed", "not json")])
def test_an_entry_that_is_not_ours_is_named(url: str, journal: Journal, kind: str, payload: str) -> None:
    with psycopg.connect(url) as other:
        other.execute("INSERT INTO chainops_journal VALUES ('run', 1, 'x', %s, %s, '', '')", (kind, payload))
    with pytest.raises(JournalError, match="entry 1 of run run cannot be read"):
        journal.read("run")


_WRITER = """
import sys
from datetime import datetime, UTC
from chainops.core.store.postgres import PostgresDatabase
from chainops.pipeline.events import RunResumed
from chainops.pipeline.postgres import MIGRATIONS, PostgresJournal
database = PostgresDatabase(sys.stdin.readline().strip(), MIGRATIONS)
journal = PostgresJournal(database)
print("ready", flush=True)
sys.stdin.readline()
for number in range(25):
    at = datetime(2026, 1, 1, tzinfo=UTC)
    event = RunResumed(at=at, by=f"{sys.argv[1]}/{number}")
    journal.append("run", event, RunResumed(at=at, by=event.by + "b"))
    assert journal.append("run", key="nothing") >= 2
"""


def test_writers_in_several_processes_number_without_gaps(url: str) -> None:
    # none of them has made the tables: they start at once
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", _WRITER, str(number)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(4)
    ]
    for writer in writers:
        assert writer.stdin
        writer.stdin.write(f"{url}\n")
        writer.stdin.flush()
    for writer in writers:
        assert writer.stdout
        assert writer.stdout.readline() == "ready\n"
    for writer in writers:
        assert writer.stdin
        writer.stdin.write("go\n")
        writer.stdin.flush()
    for writer in writers:
        writer.communicate()
    assert [w.returncode for w in writers] == [0] * 4
    with psycopg.connect(url) as other:
        rows = other.execute("SELECT seq, payload FROM chainops_journal ORDER BY seq").fetchall()
        migrated = other.execute("SELECT room, version FROM chainops_schema_version").fetchall()
    assert [seq for seq, _ in rows] == list(range(1, 201))
    names = [json.loads(payload)["by"] for _, payload in rows]
    assert len(set(names)) == 200
    writers_in_order = [name.partition("/")[0] for name in names]
    assert writers_in_order != sorted(writers_in_order), "they wrote one after the other"
    assert all(second == first + "b" for first, second in zip(names[::2], names[1::2], strict=True))
    assert migrated == [("pipeline", 1)]
