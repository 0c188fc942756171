"""The runs of a workspace: finding the one that can be taken up again, and refusing what cannot."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from chainops.artifacts.ports import read
from chainops.artifacts.runs import open_store, run_dir
from chainops.core.errors import InputError
from chainops.core.text import one_line, plural
from chainops.pipeline.advance import wants_retry
from chainops.pipeline.fold import reduce, reopens
from chainops.pipeline.journal import Journal
from chainops.pipeline.model import RunRecord, RunStatus, StageNode
from chainops.project.tree import changed_files
from chainops.stages.common import SOURCE_CHECKOUT, TREE_ARTIFACT

_MOST_NAMED = 5
_ENDED = (RunStatus.SUCCESS, RunStatus.FAILED)


class NothingToResumeError(InputError):
    """No run fits, or the one that does has ended for good."""

    code = "RUN101"


class TreeChangedError(InputError):
    """What a run would go on with is not what its finished stages looked at."""

    code = "RUN102"


def find_resumable(journal: Journal, wanted: str, workspace: Path) -> RunRecord:
    """Return the run whose id begins with `wanted`, or for `latest` the newest that has not ended.

    Raises `NothingToResumeError`.
    """
    handles = journal.runs()
    if wanted == "latest":
        for handle in handles:
            record = reduce(handle.run_id, journal.read(handle.run_id))
            if record.status not in _ENDED and belongs(record, workspace):
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
            hint=f"start a new one with `chainops run`, or repeat it: `chainops runs rerun {record.run_id}`",
        )
    return record


def belongs(run: RunRecord, workspace: Path) -> bool:
    """Return whether a run is this workspace's, which holds what its stages left.

    Other workspaces can keep their runs in the same database, on other machines under the same path.
    """
    begun = any(stage.attempts for stage in run.stages)
    return run_dir(workspace, run.run_id).is_dir() or (run.workspace == workspace and not begun)


def is_left(run: RunRecord, nodes: Sequence[StageNode]) -> bool:
    """Return whether resuming `run` with these nodes has any stage to run."""
    open_nodes = (node for node in nodes if not node.skip_reason)
    stages = [run.stage(node.name) for node in open_nodes]
    return any(not s.status.ended or reopens(s) or wants_retry(s) for s in stages)


def refuse_changed_tree(run: RunRecord, workspace: Path) -> None:
    """Raise `TreeChangedError` when a file that decides the build is not as source-checkout found it.

    A run whose sources are still to be provided has nothing to compare.
    """
    checkout = run.stage(SOURCE_CHECKOUT).outcome
    kept = next((a for a in checkout.artifacts if a.name == TREE_ARTIFACT), None) if checkout else None
    if not checkout or not kept:
        return
    before = json.loads(read(open_store(workspace), kept.digest))
    changed = changed_files(Path(checkout.outputs["project_root"]), before)
    if changed:
        named = ", ".join(one_line(path) for path in changed[:_MOST_NAMED])
        more = f" and {len(changed) - _MOST_NAMED} more" if len(changed) > _MOST_NAMED else ""
        raise TreeChangedError(
            f"run {run.run_id} cannot go on: {plural(len(changed), 'file')} changed since it began: "
            f"{named}{more}",
            hint="start a new run with `chainops run`, or take the changes back",
        )
