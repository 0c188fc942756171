"""Where events go: durable before the engine acts on them, and never changed afterwards."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from chainops.core.clock import parse_time
from chainops.core.store.database import Database, Migration
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
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunHandle:
    """A run that the journal knows."""

    run_id: str
    started_at: datetime


class Journal(Protocol):
    """Appends events and gives them back in order."""

    def append(self, run_id: str, event: Event) -> None:
        """Store one event; when this returns, it survives a crash."""

    def read(self, run_id: str) -> tuple[Event, ...]:
        """Return a run's events in order; empty for an unknown run."""

    def runs(self) -> tuple[RunHandle, ...]:
        """Return all runs, newest first."""


class SqliteJournal:
    """A journal in the embedded database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def append(self, run_id: str, event: Event) -> None:
        """Store one event in a transaction of its own."""
        data = event_to_json(event)
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT INTO journal (run_id, seq, at, kind, payload) "
                "SELECT ?, COALESCE(MAX(seq), 0) + 1, ?, ?, ? FROM journal WHERE run_id = ?",
                (run_id, data["at"], event_kind(event), json.dumps(data), run_id),
            )

    def read(self, run_id: str) -> tuple[Event, ...]:
        """Return a run's events; raises `JournalError` for an entry that is not one of ours."""
        rows = self._database.rows(
            "SELECT seq, kind, payload FROM journal WHERE run_id = ? ORDER BY seq", (run_id,)
        )
        return tuple(self._event(run_id, *map(str, row)) for row in rows)

    def runs(self) -> tuple[RunHandle, ...]:
        """Return all runs, newest first."""
        rows = self._database.rows(
            "SELECT run_id, at FROM journal WHERE kind = 'RunStarted' ORDER BY at DESC, run_id DESC"
        )
        return tuple(RunHandle(run_id=str(run), started_at=parse_time(str(at))) for run, at in rows)

    def _event(self, run_id: str, seq: str, kind: str, payload: str) -> Event:
        try:
            return event_from_json(kind, json.loads(payload))
        except (KeyError, TypeError, ValueError) as error:
            raise JournalError(
                f"{self._database.path}: entry {seq} of run {run_id} cannot be read: {error}",
                hint="it was written by a newer chainops, or the file is damaged",
            ) from error


class MemoryJournal:
    """A journal that lasts as long as its object."""

    def __init__(self) -> None:
        self._events: dict[str, list[Event]] = defaultdict(list)

    def append(self, run_id: str, event: Event) -> None:
        """Keep one event."""
        self._events[run_id].append(event_from_json(event_kind(event), event_to_json(event)))

    def read(self, run_id: str) -> tuple[Event, ...]:
        """Return a run's events."""
        return tuple(self._events.get(run_id, ()))

    def runs(self) -> tuple[RunHandle, ...]:
        """Return all runs, newest first."""
        handles = [RunHandle(run_id=r, started_at=e[0].at) for r, e in self._events.items()]
        return tuple(sorted(handles, key=lambda h: (h.started_at, h.run_id), reverse=True))
