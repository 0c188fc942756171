"""Opens the database that holds the runs of a workspace."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from chainops.core.clock import Clock, SystemClock
from chainops.core.store.database import Database
from chainops.pipeline.claims import Claims, SqliteClaims
from chainops.pipeline.journal import MIGRATIONS, Journal, SqliteJournal


@dataclass(frozen=True, slots=True, kw_only=True)
class RunState:
    """What is known of runs, and who runs them."""

    journal: Journal
    claims: Claims


@contextlib.contextmanager
def open_state(workspace: Path, *, clock: Clock | None = None) -> Iterator[RunState]:
    """Open the workspace's database, which is made when missing. Raises `StoreError`."""
    database = Database(workspace / ".chainops" / "state.db", MIGRATIONS)
    try:
        yield RunState(journal=SqliteJournal(database), claims=SqliteClaims(database, clock or SystemClock()))
    finally:
        database.close()
