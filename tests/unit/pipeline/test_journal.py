"""One suite for every journal: what was appended comes back, in order, whole, and after a restart."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from chainops.core.store.database import Database
from chainops.pipeline.events import AttemptFinished, event_from_json
from chainops.pipeline.fold import JournalError
from chainops.pipeline.journal import MIGRATIONS, Journal, MemoryJournal, SqliteJournal
from chainops.pipeline.model import Outcome, StageStatus
from unit.pipeline.journal_suite import EVENTS, JournalSuite


@pytest.fixture(params=["memory", "sqlite"])
def journal(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Journal]:
    if request.param == "memory":
        yield MemoryJournal()
        return
    database = Database(tmp_path / "state.db", MIGRATIONS)
    yield SqliteJournal(database)
    database.close()


class TestSuite(JournalSuite):
    """The suite, on the journal in memory and on the embedded one."""


def test_a_journal_is_there_after_a_restart(tmp_path: Path) -> None:
    for event in EVENTS:
        database = Database(tmp_path / "state.db", MIGRATIONS)
        SqliteJournal(database).append("run", event)
        database.close()
    database = Database(tmp_path / "state.db", MIGRATIONS)
    assert SqliteJournal(database).read("run") == EVENTS
    database.close()


@pytest.mark.parametrize(
    ("kind", "payload"),
    [
        ("RunStarted", "{}"),
        ("RunStarted", "not json"),
        ("RunStarted", "[]"),
        ("RunStarted", '"text"'),
        ("FromTheFuture", "{}"),
        ("RunResumed", '{"at": 3}'),
        ("RunFinished", '{"at": "2026-01-01T00:00:00.000Z", "status": "odd", "exit_code": 0}'),
        ("AttemptFinished", '{"at": "2026-01-01T00:00:00.000Z", "stage": "a", "attempt": 1, "outcome": 7}'),
    ],
)
def test_an_entry_that_is_not_ours_is_named(tmp_path: Path, kind: str, payload: str) -> None:
    path = tmp_path / "state.db"
    database = Database(path, MIGRATIONS)
    with sqlite3.connect(path) as other:
        other.execute("INSERT INTO journal VALUES ('run', 1, 'x', ?, ?, '')", (kind, payload))
    other.close()
    with pytest.raises(JournalError, match="entry 1 of run run cannot be read"):
        SqliteJournal(database).read("run")
    database.close()


def test_fields_of_a_newer_version_are_ignored_and_missing_ones_take_their_default() -> None:
    event = event_from_json(
        "AttemptFinished",
        {
            "at": "2026-01-01T00:00:00.000Z",
            "stage": "a",
            "attempt": 1,
            "duration_s": 1,
            "outcome": {"status": "success", "new": 1},
            "newer": [],
        },
    )
    assert isinstance(event, AttemptFinished)
    assert event.outcome == Outcome(status=StageStatus.SUCCESS)
