"""Runs in PostgreSQL: the journal and the claims of the embedded database, shared by several machines."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from chainops.core.clock import isoformat, parse_time
from chainops.core.store.database import Migration
from chainops.core.store.postgres import PostgresDatabase, lock
from chainops.pipeline.claims import Holder, Runner, check_claim, is_alive, refuse_held
from chainops.pipeline.events import Event, RunStarted, event_from_json, event_kind, event_to_json
from chainops.pipeline.fold import JournalError
from chainops.pipeline.journal import RunHandle

MIGRATIONS = (
    Migration(
        room="pipeline",
        version=1,
        # the payload is TEXT: JSON with escapes holds what no jsonb does (NUL, half of a surrogate pair)
        sql="""
        CREATE TABLE chainops_journal (
            run_id TEXT COLLATE "C" NOT NULL,
            seq INTEGER NOT NULL,
            at TEXT COLLATE "C" NOT NULL,
            kind TEXT NOT NULL,
            payload TEXT NOT NULL,
            key TEXT COLLATE "C" NOT NULL,
            workspace TEXT COLLATE "C" NOT NULL,
            PRIMARY KEY (run_id, seq)
        );
        CREATE INDEX chainops_journal_starts ON chainops_journal (workspace, at) WHERE kind = 'RunStarted';
        CREATE INDEX chainops_journal_keys ON chainops_journal (run_id, key) WHERE key <> '';
        CREATE TABLE chainops_claims (
            run_id TEXT COLLATE "C" PRIMARY KEY,
            token TEXT NOT NULL,
            host TEXT NOT NULL,
            pid INTEGER NOT NULL,
            started TEXT NOT NULL,
            since TEXT NOT NULL,
            beaten_at TIMESTAMPTZ NOT NULL
        )
        """,
    ),
)
_STANDING = """
    SELECT (SELECT token FROM chainops_claims WHERE run_id = %(run)s),
           (SELECT COALESCE(MAX(seq), 0) FROM chainops_journal WHERE run_id = %(run)s),
           (SELECT MAX(seq) FROM chainops_journal WHERE run_id = %(run)s AND key = %(key)s AND key <> '')
"""
_INSERT = """
    INSERT INTO chainops_journal (run_id, key, seq, at, kind, payload, workspace)
    SELECT %s, %s, entry.* FROM unnest(%s::integer[], %s::text[], %s::text[], %s::text[], %s::text[]) AS entry
"""
_HOLDER = """
    SELECT token, host, pid, started, since, EXTRACT(EPOCH FROM clock_timestamp() - beaten_at)::float8
    FROM chainops_claims WHERE run_id = %s
"""
_CLAIM = """
    INSERT INTO chainops_claims (run_id, token, host, pid, started, since, beaten_at)
    VALUES (%s, %s, %s, %s, %s, %s, clock_timestamp())
    ON CONFLICT (run_id) DO UPDATE SET token = excluded.token, host = excluded.host, pid = excluded.pid,
        started = excluded.started, since = excluded.since, beaten_at = excluded.beaten_at
"""
_BEAT = """
    UPDATE chainops_claims SET beaten_at = clock_timestamp() WHERE run_id = %s AND token = %s RETURNING token
"""


class PostgresJournal:
    """A journal in PostgreSQL; one writer of a run at a time, so that its numbers have no gap."""

    def __init__(self, database: PostgresDatabase, *, workspace: str = "") -> None:
        """`workspace` is put to each run that starts here, and `runs` lists its runs; empty: all of them."""
        self._database = database
        self._workspace = workspace

    def append(self, run_id: str, *events: Event, runner: str = "", key: str = "") -> int:
        """See `Journal.append`. Raises `StoreBusyError` also when nobody knows whether it was stored."""
        data = [(event, event_to_json(event)) for event in events]
        rows = [
            (d["at"], event_kind(e), json.dumps(d), self._workspace if isinstance(e, RunStarted) else "")
            for e, d in data
        ]
        with self._database.transaction() as connection:
            lock(connection, f"run/{run_id}")
            standing = connection.execute(_STANDING, {"run": run_id, "key": key}).fetchone()
            token, last, stored = standing or (None, 0, None)
            if runner:
                check_claim((token,), run_id, runner)
            if stored is not None:
                return int(stored)
            if rows:
                numbers = list(range(last + 1, last + 1 + len(rows)))
                connection.execute(_INSERT, (run_id, key, numbers, *map(list, zip(*rows, strict=True))))
            return int(last) + len(rows)

    def read(self, run_id: str, after: int = 0) -> tuple[Event, ...]:
        """See `Journal.read`. Raises `JournalError` for an entry that is not one of ours."""
        rows = self._database.rows(
            "SELECT seq, kind, payload FROM chainops_journal WHERE run_id = %s AND seq > %s ORDER BY seq",
            (run_id, after),
        )
        return tuple(self._event(run_id, *row) for row in rows)

    def last(self, run_id: str) -> int:
        """See `Journal.last`."""
        query = "SELECT COALESCE(MAX(seq), 0) FROM chainops_journal WHERE run_id = %s"
        return int(self._database.rows(query, (run_id,))[0][0])

    def runs(self) -> tuple[RunHandle, ...]:
        """Return the workspace's runs, newest first."""
        rows = self._database.rows(
            "SELECT run_id, at FROM chainops_journal "
            "WHERE kind = 'RunStarted' AND (%(own)s = '' OR workspace = %(own)s) "
            "ORDER BY at DESC, run_id DESC",
            {"own": self._workspace},
        )
        return tuple(RunHandle(run_id=run, started_at=parse_time(at)) for run, at in rows)

    def _event(self, run_id: str, seq: int, kind: str, payload: str) -> Event:
        try:
            return event_from_json(kind, json.loads(payload))
        except (KeyError, TypeError, ValueError) as error:
            raise JournalError(
                f"{self._database.shown}: entry {seq} of run {run_id} cannot be read: {error}",
                hint="it was written by a newer chainops, or the database is damaged",
            ) from error


class PostgresClaims:
    """Claims in PostgreSQL; how long another host has been silent is told by the database's clock alone."""

    def __init__(self, database: PostgresDatabase) -> None:
        self._database = database

    def claim(self, run_id: str, runner: Runner) -> None:
        """See `Claims.claim`."""
        with self._database.transaction() as connection:
            lock(connection, f"run/{run_id}")
            refuse_held(_holder(connection.execute(_HOLDER, (run_id,)).fetchall()), run_id, runner.token)
            since = isoformat(runner.since)
            connection.execute(_CLAIM, (run_id, runner.token, runner.host, runner.pid, runner.started, since))

    def beat(self, run_id: str, token: str) -> None:
        """See `Claims.beat`."""
        with self._database.transaction() as connection:
            check_claim(connection.execute(_BEAT, (run_id, token)).fetchone(), run_id, token)

    def release(self, run_id: str, token: str) -> None:
        """See `Claims.release`."""
        with self._database.transaction() as connection:
            connection.execute(
                "DELETE FROM chainops_claims WHERE run_id = %s AND token = %s", (run_id, token)
            )

    def holder(self, run_id: str) -> Holder | None:
        """See `Claims.holder`."""
        return _holder(self._database.rows(_HOLDER, (run_id,)))


def _holder(rows: Sequence[tuple[Any, ...]]) -> Holder | None:
    if not rows:
        return None
    token, host, pid, started, since, silent_s = rows[0]
    runner = Runner(token=token, host=host, pid=pid, started=started, since=parse_time(since))
    now = datetime.now(UTC)  # only the time since the last beat means anything, and the database told it
    return Holder(runner=runner, alive=is_alive(runner, now - timedelta(seconds=silent_s), now))
