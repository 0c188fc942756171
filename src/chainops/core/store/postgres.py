"""One PostgreSQL database that several machines share: its restart is an error that passes, never a hang."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, LiteralString

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from chainops.core.secrets import Masker
from chainops.core.store.database import Migration, StoreBusyError, StoreError
from chainops.core.store.postgres_errors import answers, translated
from chainops.core.store.postgres_url import DatabaseUrlError, check_url, secrets_of, shown_url

if TYPE_CHECKING:
    from psycopg.abc import PQGen

#: libpq's settings unless the URL has its own: a lost network is noticed, a server that is away soon told
_DEFAULTS: Mapping[str, str | int] = {
    "connect_timeout": 2,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 2,
    "tcp_user_timeout": 5000,
    "application_name": "chainops",
}
#: the server ends what takes longer; the limits hold for a transaction, as poolers share connections
_LOCK_WAIT_MS = 2_000
_STATEMENT_MS = 5_000
#: a server that says nothing at all for so long is given up, and the connection with it
ANSWER_S = 8.0
#: steps between tries to connect at the start, and how long a server is waited for that says it will be there
_RETRY_S = 0.1
_STARTING_S = 30.0
_BEGIN = (
    "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; "
    f"SET LOCAL lock_timeout = {_LOCK_WAIT_MS}; SET LOCAL statement_timeout = {_STATEMENT_MS}; "
    # a commit that returned is durable, whatever the server's default
    "SELECT set_config('synchronous_commit', 'on', true) WHERE current_setting('synchronous_commit') = 'off'"
)
_VERSIONS = "SELECT room, version FROM chainops_schema_version"

# what the driver would print of a lost connection is told by our error; a program's own log still gets it
logging.getLogger("psycopg").addHandler(logging.NullHandler())

Parameters = Sequence[object] | Mapping[str, object]
Row = tuple[Any, ...]


class _Connection(psycopg.Connection[Row]):
    """A connection that waits for no answer for ever."""

    answer_s = ANSWER_S

    def wait(self, gen: PQGen[Any], interval: float = 0.1, timeout: float | None = None) -> Any:
        return super().wait(gen, interval, self.answer_s if timeout is None else timeout)


class PostgresDatabase:
    """A connection that is made anew after a loss; every write is durable when its transaction ends."""

    def __init__(
        self, url: str, migrations: Sequence[Migration], *, wait_s: float = 5.0, answer_s: float = ANSWER_S
    ) -> None:
        """Connect, and bring the tables up to date; a server that is away is waited for `wait_s` seconds.

        An answer that does not come within `answer_s` seconds is given up with the connection.
        `url` is any that libpq takes. Raises `DatabaseUrlError` for another, `StoreBusyError` when the
        server cannot be reached, `StoreError` when it refuses.
        """
        check_url(url)
        self.shown = shown_url(url)
        self._conninfo = _conninfo(url)
        self._masker = Masker(secrets_of(url))
        self._connection: _Connection | None = None
        self._was_connected = False
        self._answer_s = answer_s
        try:
            self._patiently_migrated(migrations, wait_s)
        except BaseException:
            self.close()
            raise

    def __repr__(self) -> str:
        return f"<PostgresDatabase {self.shown}>"

    def close(self) -> None:
        """Close the connection; safe to call twice."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(psycopg.Error):
                connection.close()

    @contextlib.contextmanager
    def transaction(self) -> Iterator[psycopg.Connection[Row]]:
        """Yield the connection inside one transaction: all of it is durable, or none.

        Raises `StoreBusyError` when the server is away or busy. When the connection is lost while it
        commits, nobody knows whether it did.
        """
        with self._errors():
            self._run(_BEGIN)
            connection = self._connected()
            try:
                yield connection
                self._commit(connection)
            except BaseException:
                self._abandon(connection)
                raise

    def rows(self, sql: LiteralString | bytes, parameters: Parameters = ()) -> list[Row]:
        """Return all rows of a query that changes nothing."""
        with self._errors():
            return self._run(sql, parameters).fetchall()

    def _commit(self, connection: _Connection) -> None:
        done = connection.execute("COMMIT").statusmessage
        if done != "COMMIT":  # a statement failed, and whoever asked for it went on
            raise StoreError(f"{self.shown}: the transaction ended as {done}")

    def _run(self, sql: LiteralString | bytes, parameters: Parameters = ()) -> psycopg.Cursor[Row]:
        """Execute what can be repeated: a connection that was lost since the last call is made anew."""
        used_before = self._connection is not None
        connection = self._connected()
        try:
            return connection.execute(sql, parameters or None)
        except psycopg.Error:
            if not (used_before and connection.closed):
                raise
        self.close()
        return self._connected().execute(sql, parameters or None)

    def _connected(self) -> _Connection:
        if self._connection is None:
            # prepared statements do not survive poolers
            self._connection = _Connection.connect(self._conninfo, autocommit=True, prepare_threshold=None)
            self._connection.answer_s = self._answer_s
            self._was_connected = True
        return self._connection

    def _abandon(self, connection: _Connection) -> None:
        """Roll back; when that cannot be, the server does it once the connection is gone."""
        try:
            connection.execute("ROLLBACK")
        except psycopg.Error:
            self.close()

    @contextlib.contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except (psycopg.Error, UnicodeError) as error:
            if isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
                self.close()  # a connection that answered late may answer the next question with this one's
            ours = translated(error, self.shown, was_connected=self._was_connected)
            ours.message = self._masker.text(ours.message)
            ours.args = (ours.message,)
            raise ours from error

    def _patiently_migrated(self, migrations: Sequence[Migration], wait_s: float) -> None:
        began_s = time.monotonic()
        while True:
            try:
                return self._migrate(migrations)
            except StoreBusyError as error:
                limit_s = _STARTING_S if wait_s and answers(error) else wait_s
                if time.monotonic() - began_s + _RETRY_S >= limit_s:
                    raise
                time.sleep(_RETRY_S)

    def _migrate(self, migrations: Sequence[Migration]) -> None:
        """Apply what is missing; one process at a time, and the others find it done."""
        if self._is_current(migrations):
            return
        with self.transaction() as connection:
            lock(connection, "migrations")
            connection.execute(
                "CREATE TABLE IF NOT EXISTS chainops_schema_version "
                "(room TEXT PRIMARY KEY, version INTEGER NOT NULL)"
            )
            versions = dict(connection.execute(_VERSIONS).fetchall())
            for migration in sorted(migrations, key=lambda m: (m.room, m.version)):
                if migration.version > versions.get(migration.room, 0):
                    _apply(connection, migration)

    def _is_current(self, migrations: Sequence[Migration]) -> bool:
        versions: dict[str, int] = {}
        if self.rows("SELECT to_regclass('chainops_schema_version')") != [(None,)]:
            versions = dict(self.rows(_VERSIONS))
        newest = {m.room: m.version for m in sorted(migrations, key=lambda m: m.version)}
        for room, version in newest.items():
            if versions.get(room, 0) > version:
                raise StoreError(
                    f"{self.shown} was written by a newer chainops "
                    f"({room} {versions[room]}, known is {version})",
                    hint="upgrade chainops, or name another database",
                )
        return all(versions.get(room, 0) == version for room, version in newest.items())


def lock(connection: psycopg.Connection[Row], name: str) -> None:
    """Hold `name` until the transaction ends; whoever else wants it waits, and sees what it stored."""
    number = int.from_bytes(hashlib.sha256(f"chainops/{name}".encode()).digest()[:8], "big", signed=True)
    connection.execute("SELECT pg_advisory_xact_lock(%s::bigint)", (number,))


def _apply(connection: psycopg.Connection[Row], migration: Migration) -> None:
    connection.execute(migration.sql.encode())
    connection.execute(
        "INSERT INTO chainops_schema_version (room, version) VALUES (%s, %s) "
        "ON CONFLICT (room) DO UPDATE SET version = excluded.version",
        (migration.room, migration.version),
    )


def _conninfo(url: str) -> str:
    try:
        given = conninfo_to_dict(url)
        missing = {name: value for name, value in _DEFAULTS.items() if name not in given}
        return make_conninfo(url, client_encoding="utf8", **missing)
    except psycopg.Error:
        # libpq's message would repeat a part of the URL, which may be the password's
        raise DatabaseUrlError(
            "libpq does not take the database's URL",
            hint="check the names and values after `?`, and that special characters are percent-encoded",
            code="STO103",
        ) from None
