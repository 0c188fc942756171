"""Finding the run that can be taken up again."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from chainops.app.history import (
    NothingToResumeError,
    TreeChangedError,
    find_resumable,
    is_left,
    refuse_changed_tree,
)
from chainops.app.stage_graph import resumed_nodes
from chainops.app.state import open_state
from chainops.artifacts.model import Artifact
from chainops.artifacts.runs import open_store
from chainops.core.hashing import canonical_json
from chainops.pipeline.events import AttemptFinished, AttemptStarted, Event, RunFinished, RunStarted
from chainops.pipeline.fold import reduce
from chainops.pipeline.journal import MemoryJournal
from chainops.pipeline.model import Outcome, RunRecord, RunStatus, StageNode, StageStatus
from chainops.project.tree import read_tree, walk_files
from chainops.stages.common import PRODUCTION_DEPLOY, SOURCE_CHECKOUT, TREE_ARTIFACT


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
    with open_state(tmp_path) as state:
        state.journal.append("r", started(0))
    assert (tmp_path / ".chainops" / "state.db").stat().st_mode & 0o777 == 0o600
    with open_state(tmp_path) as state:
        assert [h.run_id for h in state.journal.runs()] == ["r"]


def checked_out(workspace: Path) -> RunRecord:
    """A run whose sources are in place and whose deployment waits."""
    store = open_store(workspace)
    digest, size_bytes = store.put_bytes(canonical_json(read_tree(workspace, walk_files(workspace)).entries))
    tree = Artifact(name=TREE_ARTIFACT, kind="source-tree", digest=digest, size_bytes=size_bytes)
    outcomes = {
        SOURCE_CHECKOUT: Outcome(
            status=StageStatus.SUCCESS, outputs={"project_root": str(workspace)}, artifacts=(tree,)
        ),
        PRODUCTION_DEPLOY: Outcome(status=StageStatus.WAITING),
    }
    nodes = tuple(StageNode(name=name) for name in outcomes)
    events: list[Event] = [replace(started(0), nodes=nodes)]
    for name, outcome in outcomes.items():
        events.append(AttemptStarted(at=at(1), stage=name, attempt=1))
        events.append(AttemptFinished(at=at(2), stage=name, attempt=1, duration_s=1, outcome=outcome))
    return reduce("r", events)


def test_a_run_does_not_go_on_with_other_sources(tmp_path: Path) -> None:
    for number in range(7):
        (tmp_path / f"C{number}.sol").write_text("contract C {}")
    run = checked_out(tmp_path)
    refuse_changed_tree(run, tmp_path)

    for number in range(7):
        (tmp_path / f"C{number}.sol").write_text("contract D {}")
    with pytest.raises(
        TreeChangedError, match=r"7 files changed .*: C0\.sol, .*C4\.sol and 2 more"
    ) as caught:
        refuse_changed_tree(run, tmp_path)
    assert (caught.value.code, caught.value.exit_code) == ("RUN102", 2)
    assert "start a new run" in caught.value.hint


def test_a_run_without_its_waiting_stage_has_nothing_left(tmp_path: Path) -> None:
    run = checked_out(tmp_path)
    assert is_left(run, resumed_nodes(run, {}))
    left_out = resumed_nodes(run, {PRODUCTION_DEPLOY: "--no-production"})
    assert not is_left(run, left_out)
    assert [node.skip_reason for node in left_out] == ["", "--no-production"]
