"""What was committed survives any death of the writer, and what was not leaves no trace."""

from __future__ import annotations

import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from chainops.core.errors import ExitCode
from chainops.core.files import DiskError
from chainops.core.store.database import Database, Migration, StoreBusyError, StoreError

NOTES = Migration(room="notes", version=1, sql="CREATE TABLE note (id INTEGER PRIMARY KEY, text TEXT)")
TAGS = Migration(
    room="notes", version=2, sql="ALTER TABLE note ADD COLUMN tag TEXT; CREATE TABLE tag (name TEXT)"
)
OTHER = Migration(room="other", version=1, sql="CREATE TABLE thing (id INTEGER)")


def columns(database: Database) -> list[object]:
    return [row[1] for row in database.rows("PRAGMA table_info(note)")]


def add(database: Database, text: str) -> None:
    with database.transaction() as connection:
        connection.execute("INSERT INTO note (text) VALUES (?)", (text,))


def test_a_new_database_is_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "state.db"
    database = Database(path, [NOTES])
    add(database, "x")
    assert {stat.S_IMODE(p.stat().st_mode) for p in path.parent.iterdir()} == {0o600}
    database.close()
    database.close()


def test_commits_are_durable_and_readers_do_not_wait_for_writers(tmp_path: Path) -> None:
    database = Database(tmp_path / "state.db", [NOTES])
    assert database.rows("PRAGMA journal_mode") == [("wal",)]
    assert database.rows("PRAGMA synchronous") == [(2,)]
    reader = Database(tmp_path / "state.db", [NOTES])
    with database.transaction() as connection:
        connection.execute("INSERT INTO note (text) VALUES ('x')")
        assert reader.rows("SELECT * FROM note") == []
    assert reader.rows("SELECT text FROM note") == [("x",)]
    reader.close()
    database.close()


def test_an_error_inside_a_transaction_takes_all_of_it_back(tmp_path: Path) -> None:
    database = Database(tmp_path / "state.db", [NOTES])
    with pytest.raises(ZeroDivisionError), database.transaction() as connection:
        _ = connection.execute("INSERT INTO note (text) VALUES ('x')").rowcount / 0
    add(database, "y")
    assert database.rows("SELECT text FROM note") == [("y",)]
    database.close()


def test_a_commit_that_is_refused_leaves_the_connection_usable(tmp_path: Path) -> None:
    database = Database(
        tmp_path / "state.db",
        [
            Migration(
                room="r",
                version=1,
                sql="CREATE TABLE a (id INTEGER PRIMARY KEY); CREATE TABLE b ("
                "a INTEGER REFERENCES a (id) DEFERRABLE INITIALLY DEFERRED)",
            )
        ],
    )
    with pytest.raises(StoreError, match="FOREIGN KEY"), database.transaction() as connection:
        connection.execute("INSERT INTO b VALUES (1)")
    with database.transaction() as connection:
        connection.execute("INSERT INTO a VALUES (1)")
    assert database.rows("SELECT (SELECT count(*) FROM a), (SELECT count(*) FROM b)") == [(1, 0)]
    database.close()


def test_migrations_are_applied_once_and_in_order(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    Database(path, [NOTES]).close()
    database = Database(path, [OTHER, TAGS, NOTES])
    assert columns(database) == ["id", "text", "tag"]
    assert database.rows("SELECT * FROM schema_version ORDER BY room") == [("notes", 2), ("other", 1)]
    database.close()
    Database(path, [NOTES, TAGS, OTHER]).close()


def test_a_migration_that_fails_half_way_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    broken = Migration(room="notes", version=1, sql=NOTES.sql + "; CREATE TABLE note (again TEXT)")
    with pytest.raises(StoreError, match="already exists"):
        Database(path, [broken])
    database = Database(path, [NOTES])
    assert columns(database) == ["id", "text"]
    database.close()


def test_a_database_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    Database(path, [NOTES, TAGS]).close()
    with pytest.raises(StoreError, match="newer") as caught:
        Database(path, [NOTES])
    assert "upgrade" in caught.value.hint


OPENS = """
import sys
from pathlib import Path
from chainops.core.store.database import Database, Migration
sys.stdin.read(1)
Database(Path(sys.argv[1]), [
    Migration(room="notes", version=1, sql="CREATE TABLE note (id INTEGER PRIMARY KEY, text TEXT)"),
    Migration(room="notes", version=2, sql="ALTER TABLE note ADD COLUMN tag TEXT; CREATE TABLE tag (x)"),
]).close()
"""


def test_processes_that_open_a_new_database_at_once_migrate_it_once(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    openers = [
        subprocess.Popen(
            [sys.executable, "-c", OPENS, str(path)], stdin=subprocess.PIPE, stderr=subprocess.PIPE
        )
        for _ in range(4)
    ]
    for opener in openers:
        assert opener.stdin is not None
        opener.stdin.write(b".")
        opener.stdin.flush()
    errors = [opener.communicate(timeout=30)[1] for opener in openers]
    assert errors == [b""] * 4
    database = Database(path, [NOTES, TAGS])
    assert columns(database) == ["id", "text", "tag"]
    database.close()


WRITES = """
import sys
from pathlib import Path
from chainops.core.store.database import Database, Migration
database = Database(Path(sys.argv[1]), [])
number = database.rows("SELECT coalesce(max(id), 0) FROM note")[0][0]
while True:
    number += 1
    with database.transaction() as connection:
        connection.execute("INSERT INTO note (id, text) VALUES (?, 'first')", (number,))
        connection.execute("INSERT INTO note (id, text) VALUES (?, 'second')", (-number,))
    print(number, flush=True)
"""


def test_a_writer_that_is_killed_loses_nothing_it_acknowledged_and_leaves_no_half(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    Database(path, [NOTES]).close()
    acknowledged = 0
    for lines in (1, 3, 17, 40):
        writer = subprocess.Popen([sys.executable, "-c", WRITES, str(path)], stdout=subprocess.PIPE)
        assert writer.stdout is not None
        for _ in range(lines):
            acknowledged = int(writer.stdout.readline())
        writer.kill()
        acknowledged = max([acknowledged, *map(int, writer.communicate()[0].split())])

        database = Database(path, [NOTES])
        first = {row[0] for row in database.rows("SELECT id FROM note WHERE text = 'first'")}
        second = {-int(str(row[0])) for row in database.rows("SELECT id FROM note WHERE text = 'second'")}
        assert database.rows("PRAGMA integrity_check") == [("ok",)]
        database.close()
        assert first == second
        assert first >= set(range(1, acknowledged + 1))
        acknowledged = len(first)


def test_a_full_disk_is_named_and_what_was_committed_stays(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    database = Database(path, [NOTES])
    add(database, "kept")
    # SQLite answers a full database as it answers a full disk: SQLITE_FULL
    database.rows(f"PRAGMA max_page_count = {int(str(database.rows('PRAGMA page_count')[0][0])) + 2}")
    with pytest.raises(StoreError, match="full") as caught:
        add(database, "x" * 100_000)
    assert caught.value.exit_code is ExitCode.MACHINE
    assert "free some space" in caught.value.hint
    add(database, "small")
    database.close()
    again = Database(path, [NOTES])
    assert again.rows("SELECT text FROM note") == [("kept",), ("small",)]
    again.close()


def test_a_file_that_is_no_database_is_named_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    content = b"this is not a database, but a text of some length" * 50
    path.write_bytes(content)
    with pytest.raises(StoreError, match=r"state\.db.*not a database") as caught:
        Database(path, [NOTES])
    assert "damaged" in caught.value.hint
    assert path.read_bytes() == content


def test_a_folder_in_the_place_of_the_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "state.db").mkdir()
    with pytest.raises(StoreError, match=r"state\.db"):
        Database(tmp_path / "state.db", [NOTES])


def test_a_file_in_the_place_of_the_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / ".chainops").write_text("")
    with pytest.raises(DiskError, match=r"cannot write .*state\.db") as caught:
        Database(tmp_path / ".chainops" / "state.db", [NOTES])
    assert "file" in caught.value.hint


FILLS = """
import sys
from pathlib import Path
from chainops.core.errors import ChainopsError
from chainops.core.store.database import Database, Migration
try:
    database = Database(Path(sys.argv[1]) / "state.db", [
        Migration(room="notes", version=1, sql="CREATE TABLE note (id INTEGER PRIMARY KEY, text TEXT)")
    ])
    for number in range(1000):
        with database.transaction() as connection:
            connection.execute("INSERT INTO note (text) VALUES (?)", ("x" * 10_000,))
except ChainopsError as error:
    print(type(error).__name__, error)
    if "full" in str(error):
        print(database.rows("SELECT count(*) FROM note")[0][0] == number, number > 0)
"""


def on_file_system(folder: Path, options: str) -> list[str]:
    """Fill a database on a small file system of its own; only root may mount one."""
    if subprocess.run(["unshare", "-m", "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("mounting a file system needs root: full and read-only disks are not tried")
    mount = f'mount -t tmpfs -o {options} none "$0" && exec "$1" -c "$2" "$0"'
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", mount, str(folder), sys.executable, FILLS],
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    return done.stdout.splitlines()


def test_a_disk_that_is_full_is_named_and_every_commit_before_it_stays(tmp_path: Path) -> None:
    first, *_, last = on_file_system(tmp_path, "size=1m")
    assert first.startswith("StoreError")
    assert "full" in first
    assert last == "True True"


def test_a_file_system_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    first, hint = on_file_system(tmp_path, "ro")
    assert first.startswith("DiskError cannot write")
    assert "read-only" in hint


def test_a_writer_that_holds_the_database_for_too_long_is_named(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    database = Database(path, [NOTES], wait_s=0.05)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreBusyError, match="locked") as caught:
        add(database, "x")
    assert "another program" in caught.value.hint
    assert database.rows("SELECT * FROM note") == [], "what is committed can be read meanwhile"
    other.execute("ROLLBACK")
    add(database, "x")
    other.close()
    database.close()


def test_a_database_that_is_locked_while_it_is_opened_is_waited_for_as_long_as_told(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    Database(path, [NOTES]).close()
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(StoreBusyError):
        Database(path, [NOTES, TAGS], open_wait_s=0.05)
    other.execute("ROLLBACK")
    other.close()
    Database(path, [NOTES, TAGS], open_wait_s=0.05).close()


def test_a_closed_database_is_an_error_and_no_reason_to_wait(tmp_path: Path) -> None:
    database = Database(tmp_path / "state.db", [NOTES])
    database.close()
    with pytest.raises(StoreError, match="closed") as caught:
        database.rows("SELECT 1")
    assert not isinstance(caught.value, StoreBusyError)


def open_files() -> set[str]:
    return {str(p.resolve()) for p in Path("/proc/self/fd").iterdir()}


def test_a_failed_opening_leaves_no_open_file(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    path.write_bytes(b"not a database" * 100)
    with pytest.raises(StoreError):
        Database(path, [NOTES])
    assert str(path) not in open_files()
