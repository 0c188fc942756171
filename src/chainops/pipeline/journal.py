"""Where events go: durable before the engine acts on them, and never changed afterwards."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from chainops.core.clock import parse_time
from chainops.core.collecting import collect_later
from chainops.core.store.database import Database, Migration
from chainops.pipeline.claims import Claims, check_claim
from chainops.pipeline.events import Event, event_from_json, event_kind, event_to_json
from chainops.pipeline.fold import JournalError

MIGRATIONS = (
    Migration(
        room="pipeline",
        version=1,
        sql="""
        CREATE TABLE journal (
            run_id TEXT NOT NULL,
            seq INTEGER NOT NULL,
            at TEXT NOT NULL,
            kind TEXT NOT NULL,
            payload TEXT NOT NULL,
            PRIMARY KEY (run_id, seq)
        ) WITHOUT ROWID;
        CREATE INDEX journal_starts ON journal (at) WHERE kind = 'RunStarted'
        """,
    ),
    Migration(
        room="pipeline",
        version=2,
        sql="""
        ALTER TABLE journal ADD COLUMN key TEXT NOT NULL DEFAULT '';
        CREATE TABLE claims (
            run_id TEXT PRIMARY KEY,
            token TEXT NOT NULL,
            host TEXT NOT NULL,
            pid INTEGER NOT NULL,
            started TEXT NOT NULL,
            since TEXT NOT NULL,
            beaten_at TEXT NOT NULL
        ) WITHOUT ROWID
        """,
    ),
)


_STATE = (
    "SELECT (SELECT COALESCE(MAX(seq), 0) FROM journal WHERE run_id = ?), "
    "(SELECT token FROM claims WHERE run_id = ?)"
)
_INSERT = "INSERT INTO journal (run_id, seq, at, kind, payload, key) VALUES (?, ?, ?, ?, ?, ?)"
_to_text = json.JSONEncoder(separators=(",", ":")).encode


@dataclass(frozen=True, slots=True, kw_only=True)
class RunHandle:
    """A run that the journal knows."""

    run_id: str
    started_at: datetime


class Journal(Protocol):
    """Appends events and gives them back in order; a run's entries are numbered from 1."""

    def append(self, run_id: str, *events: Event, runner: str = "", key: str = "") -> int:
        """Store the events in one transaction; when this returns, all of them survive a crash.

        Returns the number of the last one. With `runner` they are stored only while that token holds the
        run (see `Claims`), else `ClaimLostError` is raised. An append that is repeated with the same `key`,
        because its first try failed without an answer, is stored once.
        """

    def read(self, run_id: str, after: int = 0) -> tuple[Event, ...]:
        """Return a run's events in order, those up to entry `after` left out; empty for an unknown run."""

    def last(self, run_id: str) -> int:
        """Return the number of the run's last entry, 0 for an unknown run. Cheap: it is polled."""

    def runs(self) -> tuple[RunHandle, ...]:
        """Return all runs, newest first."""


class SqliteJournal:
    """A journal in the embedded database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def append(self, run_id: str, *events: Event, runner: str = "", key: str = "") -> int:
        """See `Journal.append`. A commit that fails has stored nothing here, so `key` only names it."""
        entries = [(event_kind(event), event_to_json(event)) for event in events]
        with self._database.transaction() as connection:
            last, token = connection.execute(_STATE, (run_id, run_id)).fetchone()
            if runner:
                check_claim((token,), run_id, runner)
            connection.executemany(
                _INSERT,
                [
                    (run_id, number, data["at"], kind, _to_text(data), key)
                    for number, (kind, data) in enumerate(entries, last + 1)
                ],
            )
        return int(last) + len(events)

    def read(self, run_id: str, after: int = 0) -> tuple[Event, ...]:
        """See `Journal.read`. Raises `JournalError` for an entry that is not one of ours."""
        rows = self._database.rows(
            "SELECT seq, kind, payload FROM journal WHERE run_id = ? AND seq > ? ORDER BY seq",
            (run_id, after),
        )
        with collect_later():
            return tuple([self._event(run_id, row) for row in rows])

    def last(self, run_id: str) -> int:
        """See `Journal.last`."""
        rows = self._database.rows("SELECT MAX(seq) FROM journal WHERE run_id = ?", (run_id,))
        return int(str(rows[0][0] or 0))

    def runs(self) -> tuple[RunHandle, ...]:
        """Return all runs, newest first."""
        rows = self._database.rows(
            "SELECT run_id, at FROM journal WHERE kind = 'RunStarted' ORDER BY at DESC, run_id DESC"
        )
        return tuple(RunHandle(run_id=str(run), started_at=parse_time(str(at))) for run, at in rows)

    def _event(self, run_id: str, row: tuple[object, ...]) -> Event:
        seq, kind, payload = row
        try:
            return event_from_json(str(kind), json.loads(str(payload)))
        except (KeyError, TypeError, ValueError) as error:
            raise JournalError(
                f"{self._database.path}: entry {seq} of run {run_id} cannot be read: {error}",
                hint="it was written by a newer chainops, or the file is damaged",
            ) from error


class MemoryJournal:
    """A journal that lasts as long as its object."""

    def __init__(self, claims: Claims | None = None) -> None:
        self._events: dict[str, list[Event]] = defaultdict(list)
        self._claims = claims
        self._keys: dict[tuple[str, str], int] = {}

    def append(self, run_id: str, *events: Event, runner: str = "", key: str = "") -> int:
        """See `Journal.append`."""
        if runner and self._claims:
            holder = self._claims.holder(run_id)
            check_claim((holder.runner.token,) if holder else None, run_id, runner)
        if key and (run_id, key) in self._keys:
            return self._keys[run_id, key]
        kept = self._events[run_id]
        kept += [event_from_json(event_kind(e), event_to_json(e)) for e in events]
        self._keys[run_id, key] = len(kept)
        return len(kept)

    def read(self, run_id: str, after: int = 0) -> tuple[Event, ...]:
        """See `Journal.read`."""
        return tuple(self._events.get(run_id, ())[after:])

    def last(self, run_id: str) -> int:
        """See `Journal.last`."""
        return len(self._events.get(run_id, ()))

    def runs(self) -> tuple[RunHandle, ...]:
        """Return all runs, newest first."""
        handles = [RunHandle(run_id=r, started_at=e[0].at) for r, e in self._events.items()]
        return tuple(sorted(handles, key=lambda h: (h.started_at, h.run_id), reverse=True))
