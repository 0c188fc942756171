"""One SQLite file in WAL mode, opened fast: the journal must be open before the first stage starts."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from chainops.core.errors import MachineError
from chainops.core.files import disk_errors


class StoreError(MachineError):
    """The database cannot be opened, read or written."""

    code = "STO301"


class StoreBusyError(StoreError):
    """The database cannot answer now (locked, restarting, out of reach); the same call may succeed later."""

    code = "STO302"


#: SQLite's primary result codes for "not now": busy, locked, and a lock protocol that was raced
_NOT_NOW = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """One step of a room's tables; `version` counts from 1 within the room."""

    room: str
    version: int
    sql: str


class Database:
    """A connection whose every write is durable when its transaction ends (WAL, synchronous=FULL)."""

    def __init__(
        self,
        path: Path,
        migrations: Sequence[Migration],
        *,
        wait_s: float = 0.5,
        open_wait_s: float = 30.0,
    ) -> None:
        """Open or create the file; another writer is waited for `open_wait_s` seconds here, `wait_s` later.

        The latter is short because everything else in the process stands still meanwhile: who can wait longer
        calls again. Raises `DiskError`, `StoreError`, or `StoreBusyError` when the time is over.
        """
        self.path = path
        with disk_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            if not path.exists():
                os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
        with self._errors():
            self._connection = sqlite3.connect(path, isolation_level=None, timeout=open_wait_s)
        try:
            self._use_wal(open_wait_s)
            with self._errors():
                self._connection.execute("PRAGMA synchronous=FULL")
                self._connection.execute("PRAGMA foreign_keys=ON")
            self._migrate(migrations)
            with self._errors():
                self._connection.execute(f"PRAGMA busy_timeout={int(wait_s * 1000)}")
        except BaseException:
            self._connection.close()
            raise

    def _use_wal(self, wait_s: float) -> None:
        """Change the mode, which SQLite refuses without waiting while another process does the same."""
        deadline_s = time.monotonic() + wait_s
        changed = False
        while not changed:
            try:
                with self._errors():
                    self._connection.execute("PRAGMA journal_mode=WAL")
                changed = True
            except StoreBusyError:
                if time.monotonic() >= deadline_s:
                    raise
                time.sleep(0.005)

    def close(self) -> None:
        """Close the file; safe to call twice."""
        self._connection.close()

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Yield the connection inside one immediate transaction: all of it is durable, or none.

        Raises `StoreBusyError` when another writer does not end in time; then nothing was stored.
        """
        with self._errors():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                with contextlib.suppress(sqlite3.Error):  # SQLite may have rolled back by itself
                    self._connection.execute("ROLLBACK")
                raise

    def rows(self, sql: str, parameters: Sequence[object] = ()) -> list[tuple[object, ...]]:
        """Return all rows of a query."""
        with self._errors():
            return self._connection.execute(sql, parameters).fetchall()

    def _migrate(self, migrations: Sequence[Migration]) -> None:
        with self._errors():
            known = self.rows("SELECT name FROM sqlite_master WHERE name = 'schema_version'")
        if known and self._is_current(migrations):
            return
        with self.transaction() as connection:
            connection.execute(
                "CREATE TABLE IF NOT EXISTS schema_version (room TEXT PRIMARY KEY, version INTEGER NOT NULL)"
            )
            for migration in sorted(migrations, key=lambda m: (m.room, m.version)):
                if migration.version > self._version(migration.room):
                    self._apply(connection, migration)

    def _is_current(self, migrations: Sequence[Migration]) -> bool:
        for room in {m.room for m in migrations}:
            newest = max(m.version for m in migrations if m.room == room)
            version = self._version(room)
            if version > newest:
                raise StoreError(
                    f"{self.path} was written by a newer chainops ({room} {version}, known is {newest})",
                    hint="upgrade chainops, or move the file away and start anew",
                )
            if version < newest:
                return False
        return True

    def _version(self, room: str) -> int:
        rows = self.rows("SELECT version FROM schema_version WHERE room = ?", (room,))
        return int(str(rows[0][0])) if rows else 0

    @staticmethod
    def _apply(connection: sqlite3.Connection, migration: Migration) -> None:
        # executescript() would commit the transaction that keeps the steps together
        for statement in filter(str.strip, migration.sql.split(";")):
            connection.execute(statement)
        connection.execute(
            "INSERT INTO schema_version (room, version) VALUES (?, ?) "
            "ON CONFLICT (room) DO UPDATE SET version = excluded.version",
            (migration.room, migration.version),
        )

    @contextlib.contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            # extended codes say more in the upper bits; a misuse has no code
            primary = getattr(error, "sqlite_errorcode", 0) & 0xFF
            kind = StoreBusyError if primary in _NOT_NOW else StoreError
            raise kind(f"{self.path}: {error}", hint=_hint(str(error))) from error


def _hint(message: str) -> str:
    if "full" in message:
        return "free some space; what was committed is safe, and the run can be resumed"
    if "readonly" in message or "unable to open" in message:
        return "choose a workspace that can be written"
    if "locked" in message:
        return "another program holds the database; end it and run this again"
    if "malformed" in message or "not a database" in message:
        return "the file is damaged; move it away and start anew, the artifacts are kept elsewhere"
    return ""
