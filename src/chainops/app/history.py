"""The runs of a workspace: opening their journal, and finding the one that can be taken up again."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from chainops.core.errors import InputError
from chainops.core.store.database import Database
from chainops.pipeline.fold import reduce
from chainops.pipeline.journal import MIGRATIONS, Journal, SqliteJournal
from chainops.pipeline.model import RunRecord, RunStatus

_ENDED = (RunStatus.SUCCESS, RunStatus.FAILED)


class NothingToResumeError(InputError):
    """No run fits, or the one that does has ended for good."""

    code = "RUN101"


@contextlib.contextmanager
def open_journal(workspace: Path) -> Iterator[Journal]:
    """Open the workspace's journal, which is made when missing. Raises `StoreError`."""
    database = Database(workspace / ".chainops" / "state.db", MIGRATIONS)
    try:
        yield SqliteJournal(database)
    finally:
        database.close()


def find_resumable(journal: Journal, wanted: str, workspace: Path) -> RunRecord:
    """Return the run whose id begins with `wanted`, or for `latest` the newest that has not ended.

    Raises `NothingToResumeError`.
    """
    handles = journal.runs()
    if wanted == "latest":
        for handle in handles:
            record = reduce(handle.run_id, journal.read(handle.run_id))
            if record.status not in _ENDED:
                return record
        raise NothingToResumeError(
            f"no run in {workspace} was interrupted, cancelled or waits for an approval",
            hint="start one with `chainops run`",
        )
    matching = [h.run_id for h in handles if h.run_id.startswith(wanted)]
    if len(matching) != 1:
        known = ", ".join(h.run_id for h in handles[:5]) or "none"
        raise NothingToResumeError(
            f"{len(matching)} runs begin with `{wanted}`", hint=f"newest runs: {known}"
        )
    record = reduce(matching[0], journal.read(matching[0]))
    if record.status in _ENDED:
        raise NothingToResumeError(
            f"run {record.run_id} has ended: {record.status.value}",
            hint="start a new one with `chainops run`",
        )
    return record
