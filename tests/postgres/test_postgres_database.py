"""What the database refuses is told apart from what passes, quickly, with a hint and without a password."""

from __future__ import annotations

import socket
import threading
import time
import traceback
from collections.abc import Iterator
from urllib.parse import quote, urlsplit

import psycopg
import pytest

from chainops.core.store.database import Migration, StoreBusyError, StoreError
from chainops.core.store.postgres import PostgresDatabase, lock
from chainops.core.store.postgres_url import DatabaseUrlError
from chainops.pipeline.events import RunResumed
from chainops.pipeline.postgres import MIGRATIONS, PostgresJournal
from postgres.server import PASSWORD, PostgresServer
from unit.pipeline.journal_suite import AT, STARTED

NOTES = Migration(
    room="notes", version=1, sql="CREATE TABLE notes (text TEXT); CREATE INDEX notes_text ON notes (text)"
)


@pytest.fixture
def database(url: str) -> Iterator[PostgresDatabase]:
    database = PostgresDatabase(url, [NOTES])
    yield database
    database.close()


def test_what_is_committed_is_there_and_what_failed_is_not(database: PostgresDatabase) -> None:
    with database.transaction() as connection:
        connection.execute("INSERT INTO notes VALUES ('kept')")
    with pytest.raises(RuntimeError):
        _insert_and_fail(database)
    assert database.rows("SELECT text FROM notes") == [("kept",)]


def test_a_statement_that_failed_unnoticed_fails_the_transaction(database: PostgresDatabase) -> None:
    with pytest.raises(StoreError, match="ended as ROLLBACK"):
        _fail_unnoticed(database)
    assert database.rows("SELECT text FROM notes") == []


def test_rooms_migrate_apart_and_in_steps(url: str, database: PostgresDatabase) -> None:
    second = Migration(room="notes", version=2, sql="ALTER TABLE notes ADD COLUMN at TEXT")
    other = Migration(room="other", version=1, sql="CREATE TABLE other (a TEXT)")
    again = PostgresDatabase(url, [second, NOTES, other])
    assert again.rows("SELECT text, at FROM notes") == []
    versions = again.rows("SELECT room, version FROM chainops_schema_version ORDER BY room")
    assert versions == [("notes", 2), ("other", 1)]
    again.close()


def test_a_migration_that_fails_leaves_nothing(url: str) -> None:
    wrong = Migration(room="notes", version=2, sql="CREATE TABLE half (a TEXT); SELECT nonsense")
    with pytest.raises(StoreError, match="nonsense"):
        PostgresDatabase(url, [NOTES, wrong])
    database = PostgresDatabase(url, [])
    assert database.rows("SELECT to_regclass('notes'), to_regclass('half')") == [(None, None)]
    database.close()


def test_a_newer_schema_is_refused(url: str, database: PostgresDatabase) -> None:
    with database.transaction() as connection:
        connection.execute("UPDATE chainops_schema_version SET version = 7")
    with pytest.raises(StoreError, match=r"written by a newer chainops \(notes 7, known is 1\)") as refused:
        PostgresDatabase(url, [NOTES])
    assert "upgrade" in refused.value.hint


def test_a_commit_is_durable_whatever_the_servers_default(url: str) -> None:
    careless = url.replace("search_path", "synchronous_commit%3Doff%20-csearch_path")
    database = PostgresDatabase(careless, [NOTES])
    assert database.rows("SHOW synchronous_commit") == [("off",)]
    with database.transaction() as connection:
        assert connection.execute("SHOW synchronous_commit").fetchone() == ("on",)
    database.close()


def test_parameters_of_the_url_reach_libpq(server: PostgresServer) -> None:
    with pytest.raises(StoreError, match="SSL") as refused:
        PostgresDatabase(f"{server.url}?sslmode=require", [], wait_s=0)
    assert not isinstance(refused.value, StoreBusyError)
    assert "sslmode" in refused.value.hint
    database = PostgresDatabase(f"{server.url}?sslmode=prefer&application_name=own", [])
    assert database.rows("SHOW application_name") == [("own",)]
    database.close()


@pytest.mark.parametrize(
    ("user", "password", "name", "message", "hint"),
    [
        ("chainops", "wr0ng/password", "postgres", "password authentication failed", "pg_hba.conf"),
        ("nobody-here", PASSWORD, "postgres", "password authentication failed", "pg_hba.conf"),
        ("chainops", PASSWORD, "missing", "does not exist", "createdb"),
    ],
)
def test_a_refusal_does_not_pass_and_names_what_to_do(
    server: PostgresServer, user: str, password: str, name: str, message: str, hint: str
) -> None:
    url = f"postgresql://{user}:{quote(password, safe='')}@127.0.0.1:{server.port}/{name}"
    with pytest.raises(StoreError, match=message) as refused:
        PostgresDatabase(url, MIGRATIONS)
    assert not isinstance(refused.value, StoreBusyError)
    assert hint in refused.value.hint
    assert f"postgresql://{user}@127.0.0.1:{server.port}/{name}" in refused.value.message
    _shows_no_password(refused.value, password)


def test_a_user_who_may_not_make_tables_is_told_what_it_takes(own_url: str, server: PostgresServer) -> None:
    with psycopg.connect(server.url, autocommit=True) as admin:
        admin.execute("CREATE ROLE reader LOGIN PASSWORD 'reader-password'")
    url = own_url.replace(f"chainops:{quote(PASSWORD, safe='')}", "reader:reader-password")
    try:
        with pytest.raises(StoreError, match=r"permission denied|no schema") as refused:
            PostgresDatabase(url, MIGRATIONS)
        assert not isinstance(refused.value, StoreBusyError)
        assert "schema" in refused.value.hint
    finally:
        with psycopg.connect(server.url, autocommit=True) as admin:
            admin.execute("DROP ROLE reader")


def test_nobody_there_is_told_at_once_and_as_what_passes() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"postgresql://u:hidden-word@127.0.0.1:{unused.getsockname()[1]}/db"
        before = time.monotonic()
        with pytest.raises(StoreBusyError, match="refused") as away:
            PostgresDatabase(url, MIGRATIONS, wait_s=0)
        assert time.monotonic() - before < 2
    assert "pg_isready" in away.value.hint
    _shows_no_password(away.value, "hidden-word")


def test_a_host_that_never_answers_is_given_up_in_two_seconds() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        before = time.monotonic()
        with pytest.raises(StoreBusyError):
            PostgresDatabase(f"postgresql://u@127.0.0.1:{silent.getsockname()[1]}/db", [], wait_s=0)
        assert 1 < time.monotonic() - before < 4


def test_an_unknown_host_does_not_pass() -> None:
    with pytest.raises(StoreError) as refused:
        PostgresDatabase("postgresql://u@database.invalid/db", [], wait_s=0)
    assert "database.invalid" in refused.value.message


def test_a_server_without_a_place_left_is_busy(server: PostgresServer, own_url: str) -> None:
    limited = own_url.replace(f"chainops:{quote(PASSWORD, safe='')}", "limited:limited-password")
    with psycopg.connect(server.url, autocommit=True) as admin:
        admin.execute("CREATE ROLE limited LOGIN CONNECTION LIMIT 1 PASSWORD 'limited-password'")
        try:
            with psycopg.connect(limited), pytest.raises(StoreBusyError, match="too many connections"):
                PostgresDatabase(limited, [], wait_s=0)
        finally:
            admin.execute("DROP ROLE limited")


def test_a_lock_that_another_holds_for_long_is_busy_and_the_next_try_succeeds(url: str) -> None:
    first, second = PostgresDatabase(url, MIGRATIONS), PostgresDatabase(url, MIGRATIONS)
    journal = PostgresJournal(second)
    with first.transaction() as connection:
        lock(connection, "run/run")
        before = time.monotonic()
        with pytest.raises(StoreBusyError, match="lock timeout"):
            journal.append("run", STARTED, key="k")
        assert time.monotonic() - before < 4
    assert journal.append("run", STARTED, key="k") == 1
    first.close()
    second.close()


def test_a_deadlock_is_busy(url: str) -> None:
    first, second = PostgresDatabase(url, []), PostgresDatabase(url, [])
    ready = threading.Barrier(2)
    failed: list[Exception] = []

    def cross(database: PostgresDatabase, one: str, other: str) -> None:
        try:
            with database.transaction() as connection:
                connection.execute("SET LOCAL lock_timeout = 0")
                lock(connection, one)
                ready.wait()
                lock(connection, other)
        except StoreError as error:
            failed.append(error)

    threads = [
        threading.Thread(target=cross, args=(first, "a", "b")),
        threading.Thread(target=cross, args=(second, "b", "a")),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [type(e) for e in failed] == [StoreBusyError]
    first.close()
    second.close()


def test_what_is_no_url_of_libpq_is_never_repeated() -> None:
    for url in (
        "postgresql://u:hidden@word@host/db?x",
        "postgresql://u:hidden#word@host/db",
        "postgresql://u:hidden/word@host/db",
        "postgresql://u:hidden%word@host/db",
        "postgresql://u:hidden@host:portword/db",
        "postgresql://u:hidden@host/db?nonsense=word",
    ):
        with pytest.raises(DatabaseUrlError) as refused:
            PostgresDatabase(url, [])
        shown = "".join(traceback.format_exception(refused.value))
        assert "hidden" not in shown.partition("Error")[2].replace(repr(url), "")
        assert "hidden" not in str(refused.value)
        assert "word" not in str(refused.value).replace("password", "")


def test_it_is_shown_without_its_password(url: str, database: PostgresDatabase) -> None:
    assert repr(database) == f"<PostgresDatabase {database.shown}>"
    assert (urlsplit(url).password or PASSWORD) not in repr(database) + database.shown


def test_text_that_is_no_unicode_is_refused_as_what_does_not_pass(database: PostgresDatabase) -> None:
    with pytest.raises(StoreError) as refused:
        database.rows("SELECT %s", ("\udcff",))
    assert not isinstance(refused.value, StoreBusyError)
    assert database.rows("SELECT 1") == [(1,)]


@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_a_restart_is_an_error_that_passes(server: PostgresServer, own_url: str, mode: str) -> None:
    database = PostgresDatabase(own_url, MIGRATIONS)
    journal = PostgresJournal(database)
    journal.append("run", STARTED, key="start")
    server.stop(mode)
    with pytest.raises(StoreBusyError):
        journal.append("run", RunResumed(at=AT), key="again")
    with pytest.raises(StoreBusyError):
        journal.last("run")
    server.start()
    assert journal.append("run", RunResumed(at=AT), key="again") == 2
    assert journal.read("run") == (STARTED, RunResumed(at=AT))
    database.close()


def test_a_server_that_is_just_starting_is_waited_for(server: PostgresServer, own_url: str) -> None:
    server.restart("immediate", ready=False)
    database = PostgresDatabase(own_url, [], wait_s=30)
    assert database.rows("SELECT 1") == [(1,)]
    database.close()


def _shows_no_password(error: BaseException, password: str) -> None:
    shown = "".join(traceback.format_exception(error)) + repr(error) + str(error)
    assert password not in shown
    assert quote(password, safe="") not in shown


def _insert_and_fail(database: PostgresDatabase) -> None:
    with database.transaction() as connection:
        connection.execute("INSERT INTO notes VALUES ('lost')")
        raise RuntimeError


def _fail_unnoticed(database: PostgresDatabase) -> None:
    with database.transaction() as connection:
        connection.execute("INSERT INTO notes VALUES ('lost')")
        with pytest.raises(psycopg.Error):
            connection.execute("SELECT nonsense")
