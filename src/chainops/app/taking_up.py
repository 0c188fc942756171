"""Runs whose runner died: found when a run begins in their workspace, and taken up in CI."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path

from chainops.app.config import LoadedConfig
from chainops.app.config_changes import refuse_changed_config
from chainops.app.history import NothingToResumeError, belongs, refuse_changed_tree
from chainops.app.runs import Standing, load_run, standing
from chainops.app.state import RunState
from chainops.core.errors import InputError
from chainops.core.text import plural
from chainops.pipeline.events import RunFinished
from chainops.pipeline.model import RunRecord, StageNode

#: how far back a dead run is looked for
_NEWEST = 100

Say = Callable[[str], None]


def dead_runs(state: RunState, workspace: Path) -> tuple[RunRecord, ...]:
    """Return the workspace's runs that were interrupted, newest first. Raises `StoreError`."""
    found = []
    for handle in islice(state.journal.runs(), _NEWEST):
        run_id = handle.run_id
        last = state.journal.read(run_id, state.journal.last(run_id) - 1)
        if last and isinstance(last[-1], RunFinished):  # most have ended: their journals need not be read
            continue
        run = load_run(state, run_id)
        if belongs(run, workspace) and standing(run, state.claims.holder(run_id)) is Standing.INTERRUPTED:
            found.append(run)
    return tuple(found)


def end_orphans(
    dead: Sequence[RunRecord], marked: Callable[[str], Sequence[int]], end: Callable[[str], object], say: Say
) -> None:
    """End what dead runs have left running. `marked` finds processes by their marker, `end` ends them."""
    if not dead or not marked(""):  # one look at the process table, for all of them
        return
    for run in dead:
        prefix = f"{run.run_id}/"
        if pids := marked(prefix):
            end(prefix)
            say(f"ended {plural(len(pids), 'process', 'processes')} that run {run.run_id} had left")


def taken_up_by_itself(
    dead: Sequence[RunRecord],
    loaded: LoadedConfig,
    workspace: Path,
    nodes: Sequence[StageNode],
    say: Say,
    *,
    ci: bool,
) -> RunRecord | None:
    """Return the dead run to go on with: in CI the newest one, if nothing has changed since; tell of it.

    `nodes` are the stages that a new run would have: another branch, or an event, can ask for others.
    """
    if not dead:
        return None
    run = dead[0]
    more = f"; {len(dead) - 1} more in `chainops runs list`" if len(dead) > 1 else ""
    if not ci:
        say(f"run {run.run_id} was interrupted: `chainops run --run {run.run_id}` takes it up again{more}")
        return None
    try:
        refuse_changed_config(run, loaded)
        refuse_changed_tree(run, workspace)
        _refuse_other_stages(run, nodes)
    except InputError as error:
        say(f"{error.message}; a new run is started")
        return None
    say(f"run {run.run_id} was interrupted: it is taken up again{more}")
    return run


def _refuse_other_stages(run: RunRecord, nodes: Sequence[StageNode]) -> None:
    now = {node.name: node for node in nodes}
    then = {stage.node.name: stage.node for stage in run.stages}
    different = sorted(name for name in now.keys() | then.keys() if now.get(name) != then.get(name))
    if different:
        raise NothingToResumeError(
            f"run {run.run_id} cannot go on: {plural(len(different), 'stage')} would now run otherwise: "
            f"{', '.join(different)}"
        )
