"""Opens the database that holds the runs of a workspace."""

from __future__ import annotations

import contextlib
import os
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from chainops.app.database import DatabaseChoice, find_database
from chainops.core.clock import Clock, SystemClock
from chainops.core.errors import ChainopsError
from chainops.core.files import disk_errors
from chainops.core.store.database import Database
from chainops.pipeline.claims import Claims, SqliteClaims
from chainops.pipeline.journal import MIGRATIONS, Journal, SqliteJournal

#: holds what tells this workspace's runs from others' in a shared database
_IDENTITY = "workspace-id"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunState:
    """What is known of runs, and who runs them."""

    journal: Journal
    claims: Claims


@contextlib.contextmanager
def open_state(
    workspace: Path, *, clock: Clock | None = None, database: DatabaseChoice | None = None
) -> Iterator[RunState]:
    """Open the database of the workspace's runs, which is made when missing.

    Without `database` it is found by the environment and the workspace's configuration. Raises `StoreError`
    (`StoreBusyError` when a server cannot be reached) and what `find_database` raises.
    """
    choice = find_database(workspace) if database is None else database
    opened = _postgres(workspace, choice) if choice.url else _sqlite(workspace, clock or SystemClock())
    with opened as state:
        yield state


@contextlib.contextmanager
def _sqlite(workspace: Path, clock: Clock) -> Iterator[RunState]:
    database = Database(workspace / ".chainops" / "state.db", MIGRATIONS)
    try:
        yield RunState(journal=SqliteJournal(database), claims=SqliteClaims(database, clock))
    finally:
        database.close()


@contextlib.contextmanager
def _postgres(workspace: Path, choice: DatabaseChoice) -> Iterator[RunState]:
    from chainops.core.store.postgres import PostgresDatabase
    from chainops.pipeline import postgres

    identity = workspace_id(workspace)
    try:
        database = PostgresDatabase(choice.url, postgres.MIGRATIONS)
    except ChainopsError as error:
        error.place = error.place or choice.place
        raise
    try:
        journal = postgres.PostgresJournal(database, workspace=identity)
        yield RunState(journal=journal, claims=postgres.PostgresClaims(database))
    finally:
        database.close()


def workspace_id(workspace: Path) -> str:
    """Return what names this workspace in a shared database: its artifacts are where this file is.

    It is made once; of several who make it at the same time one wins. Raises `DiskError`.
    """
    path = workspace / ".chainops" / _IDENTITY
    with disk_errors(path):
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            draft = path.with_name(f".{_IDENTITY}.{uuid.uuid4().hex}")
            draft.write_text(f"{uuid.uuid4().hex}\n")
            with contextlib.suppress(FileExistsError):
                os.link(draft, path)
            draft.unlink()
        return path.read_text().strip()
