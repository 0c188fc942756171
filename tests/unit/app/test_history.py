"""Finding the run that can be taken up again."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from chainops.app.history import NothingToResumeError, find_resumable, open_journal
from chainops.pipeline.events import RunFinished, RunStarted
from chainops.pipeline.journal import MemoryJournal
from chainops.pipeline.model import RunStatus


def at(second: int) -> datetime:
    return datetime(2026, 1, 1, 0, 0, second, tzinfo=UTC)


def started(second: int) -> RunStarted:
    return RunStarted(at=at(second), pipeline_id="p", project_name="p", workspace="/w", nodes=())


def journal_of(**ends: RunStatus | None) -> MemoryJournal:
    journal = MemoryJournal()
    for second, (run, status) in enumerate(ends.items()):
        journal.append(run, started(second))
        if status:
            journal.append(run, RunFinished(at=at(second + 1), status=status, exit_code=0))
    return journal


def test_the_newest_unfinished_run_is_taken_up() -> None:
    journal = journal_of(a1=RunStatus.PAUSED, b2=None, c3=RunStatus.SUCCESS)
    assert find_resumable(journal, "latest", Path("/w")).run_id == "b2"


def test_a_run_is_found_by_the_start_of_its_id() -> None:
    journal = journal_of(a1=RunStatus.CANCELLED, b2=None)
    assert find_resumable(journal, "a", Path("/w")).run_id == "a1"


@pytest.mark.parametrize("wanted", ["latest", "a1", "x", ""])
def test_what_has_ended_or_is_not_one_run_is_refused(wanted: str) -> None:
    journal = journal_of(a1=RunStatus.SUCCESS, b2=RunStatus.FAILED)
    with pytest.raises(NothingToResumeError):
        find_resumable(journal, wanted, Path("/w"))


def test_the_journal_of_a_workspace_is_made_private_and_kept(tmp_path: Path) -> None:
    with open_journal(tmp_path) as journal:
        journal.append("r", started(0))
    assert (tmp_path / ".chainops" / "state.db").stat().st_mode & 0o777 == 0o600
    with open_journal(tmp_path) as journal:
        assert [h.run_id for h in journal.runs()] == ["r"]
