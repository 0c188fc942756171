"""The runs of a workspace: found by what a person types, each with where it stands and who runs it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import islice
from pathlib import Path

from chainops.app.state import RunState, open_state
from chainops.artifacts.errors import UnknownRunError
from chainops.artifacts.runs import state_dir
from chainops.core.errors import InputError
from chainops.core.text import one_line
from chainops.pipeline.advance import is_broken
from chainops.pipeline.claims import Holder
from chainops.pipeline.fold import fold, reduce
from chainops.pipeline.journal import Journal
from chainops.pipeline.model import RunRecord, RunStatus, StageStatus

_LATEST = ("", "latest")


class Standing(StrEnum):
    """Where a run stands: its status, with a running one told apart from one whose runner is dead."""

    RUNNING = "running"
    SUCCESS = "success"
    FAILED = "failed"
    CANCELLED = "cancelled"
    PAUSED = "paused"
    INTERRUPTED = "interrupted"


class RunView:
    """A run as it goes on: what its journal has told so far, and whether anybody runs it."""

    def __init__(self, state: RunState, run_id: str) -> None:
        """Read the run. Raises `JournalError` when there is none, `StoreError`."""
        self._state = state
        self._run_id = run_id
        events = state.journal.read(run_id)
        self._fold = fold(run_id, events)
        self._seen = len(events)

    @property
    def run(self) -> RunRecord:
        """The run as far as it was read."""
        return self._fold.record()

    def update(self) -> RunView:
        """Take in what was journaled since; return itself."""
        if self._state.journal.last(self._run_id) != self._seen:
            for event in self._state.journal.read(self._run_id, self._seen):
                self._fold.apply(event)
                self._seen += 1
        return self

    @property
    def holder(self) -> Holder | None:
        """Who has the run now."""
        return self._state.claims.holder(self._run_id)

    @property
    def standing(self) -> Standing:
        """Where the run stands."""
        return standing(self.run, self.holder)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunnerView:
    """Who has a run."""

    host: str
    pid: int
    since: datetime
    alive: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSummary:
    """A run in a line."""

    run_id: str
    pipeline_id: str
    status: Standing
    started_at: datetime
    ended_at: datetime | None
    #: wall time in milliseconds, pauses included
    duration_ms: int
    #: what a person must do next
    waiting_for: str
    #: names of the stages that run, of those that wait, and of those that hold up what needs them
    running: tuple[str, ...]
    waiting: tuple[str, ...]
    failed: tuple[str, ...]
    runner: RunnerView | None


@contextlib.contextmanager
def open_runs(workspace: Path) -> Iterator[RunState]:
    """Open what is known of a workspace's runs; nothing is made where nothing has run.

    Raises `InputError` for no folder, `UnknownRunError` where chainops has never run, `StoreError`.
    """
    if not workspace.is_dir():
        raise InputError(f"{workspace} is not a folder", hint="give the folder of the project", code="CFG109")
    if not state_dir(workspace).is_dir():
        raise no_runs(workspace)
    with open_state(workspace.absolute()) as state:
        yield state


def no_runs(workspace: Path) -> UnknownRunError:
    """Return the error of a workspace without runs."""
    return UnknownRunError(
        f"no run in {workspace}", hint="`chainops run` makes one; --workspace names another folder"
    )


def find_run(journal: Journal, wanted: str, workspace: Path) -> str:
    """Return the id of the run that `wanted` begins, for `latest` or nothing that of the newest.

    Raises `UnknownRunError` when there is none or more than one.
    """
    known = [handle.run_id for handle in journal.runs()]
    if not known:
        raise no_runs(workspace)
    if wanted in _LATEST:
        return known[0]
    matching = [r for r in known if r == wanted] or [r for r in known if r.startswith(wanted)]
    if len(matching) == 1:
        return matching[0]
    shown = one_line(wanted, 80)
    if matching:
        raise UnknownRunError(f"`{shown}` begins {len(matching)} runs: {', '.join(matching[:5])}")
    raise UnknownRunError(f"no run `{shown}` in {workspace}", hint=f"the newest is {known[0]}")


def load_run(state: RunState, run_id: str) -> RunRecord:
    """Return a run as its journal tells it. Raises `JournalError` or `StoreError`."""
    return reduce(run_id, state.journal.read(run_id))


def standing(run: RunRecord, holder: Holder | None) -> Standing:
    """Return where a run stands. A running one that no living runner has was interrupted."""
    if run.status is RunStatus.RUNNING and not (holder and holder.alive):
        return Standing.INTERRUPTED
    return Standing(run.status.value)


def summarise(run: RunRecord, holder: Holder | None, now: datetime) -> RunSummary:
    """Return a run in a line."""
    stands = standing(run, holder)
    names = {
        status: tuple(s.node.name for s in run.stages if s.status is status)
        for status in (StageStatus.RUNNING, StageStatus.WAITING)
    }
    return RunSummary(
        run_id=run.run_id,
        pipeline_id=run.pipeline_id,
        status=stands,
        started_at=run.started_at,
        ended_at=run.ended_at,
        duration_ms=_duration_ms(run, stands, now),
        waiting_for=_waiting_for(run),
        running=names[StageStatus.RUNNING],
        waiting=names[StageStatus.WAITING],
        failed=tuple(s.node.name for s in run.stages if is_broken(s) and not s.blocked),
        runner=_view(holder) if stands in (Standing.RUNNING, Standing.INTERRUPTED) else None,
    )


def list_runs(state: RunState, now: datetime, *, limit: int) -> tuple[RunSummary, ...]:
    """Return the newest runs, newest first."""
    newest = islice(state.journal.runs(), limit)
    return tuple(summarise(load_run(state, h.run_id), state.claims.holder(h.run_id), now) for h in newest)


def _waiting_for(run: RunRecord) -> str:
    approved = run.waiting_for and not run.pause_requested
    if approved and not any(s.status is StageStatus.WAITING for s in run.stages):
        return f"approved; `chainops runs resume {run.run_id}` goes on"
    return run.waiting_for


def _view(holder: Holder | None) -> RunnerView | None:
    if holder is None:
        return None
    runner = holder.runner
    return RunnerView(host=runner.host, pid=runner.pid, since=runner.since, alive=holder.alive)


def _duration_ms(run: RunRecord, stands: Standing, now: datetime) -> int:
    """Wall time: to the end, to now while it runs, and to the last sign of life when its runner died."""
    moments = [m for s in run.stages for a in s.attempts for m in (a.started_at, a.ended_at) if m]
    last = now if stands is Standing.RUNNING else max(moments, default=run.started_at)
    return max(0, round(((run.ended_at or last) - run.started_at).total_seconds() * 1000))
