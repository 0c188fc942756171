"""Who runs a run: one runner at a time, which another replaces only when it is dead."""

from __future__ import annotations

import os
import socket
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

from chainops.core.clock import Clock, isoformat, parse_time
from chainops.core.errors import MachineError
from chainops.core.store.database import Database

#: how often a runner says that it lives, and after what silence one on another host counts as dead
BEAT_S = 5.0
SILENCE_S = 30.0
#: the token that holds a run, as one row
HELD_BY = "SELECT token FROM claims WHERE run_id = ?"


class RunHeldError(MachineError):
    """Another runner is alive and has the run."""

    code = "PIP303"


class ClaimLostError(MachineError):
    """The run has been taken over: this runner must not write to it any more."""

    code = "PIP304"


@dataclass(frozen=True, slots=True, kw_only=True)
class Runner:
    """A process that runs a run."""

    #: unique for each taking-up of a run
    token: str
    host: str
    pid: int
    #: boot id and start time of the process: a pid alone may be somebody else's by now
    started: str
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """The runner that has a run, and whether it lives.

    On the same host the process table decides, whatever the clocks say; on another one its heartbeat does.
    """

    runner: Runner
    alive: bool


class Claims(Protocol):
    """Gives each run to one runner."""

    def claim(self, run_id: str, runner: Runner) -> None:
        """Take the run, from nobody or from a dead runner. Raises `RunHeldError` when another one lives."""

    def beat(self, run_id: str, token: str) -> None:
        """Say that the runner lives. Raises `ClaimLostError` when the run is no longer its own."""

    def release(self, run_id: str, token: str) -> None:
        """Give the run back; nothing happens when it is another's."""

    def holder(self, run_id: str) -> Holder | None:
        """Return who has the run, None when nobody does."""


def this_runner(now: datetime) -> Runner:
    """Return this process as a runner that takes up a run now."""
    pid = os.getpid()
    return Runner(
        token=uuid.uuid4().hex,
        host=socket.gethostname(),
        pid=pid,
        started=process_start(pid),
        since=now,
    )


def process_start(pid: int) -> str:
    """Return what tells a process from an earlier one with its pid; empty when there is none.

    Boot id and the start time in clock ticks since boot (proc(5)).
    """
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return ""
    state, *fields = stat.rpartition(")")[2].split()
    return "" if state in "ZX" else f"{boot}/{fields[18]}"


def is_alive(runner: Runner, beaten_at: datetime, now: datetime) -> bool:
    """Return whether a runner still works; see `Holder`."""
    if runner.host == socket.gethostname():
        return process_start(runner.pid) == runner.started
    return now - beaten_at < timedelta(seconds=SILENCE_S)


def check_claim(row: Sequence[object] | None, run_id: str, token: str) -> None:
    """Raise `ClaimLostError` unless `row`, as `HELD_BY` gives it, names `token`."""
    if row is None or row[0] != token:
        raise ClaimLostError(
            f"run {run_id} was taken over by another runner",
            hint=f"`chainops runs show {run_id}` says how it goes on",
        )


def refuse_held(holder: Holder | None, run_id: str, token: str) -> None:
    """Raise `RunHeldError` when a living runner other than `token` has the run."""
    if holder and holder.alive and holder.runner.token != token:
        runner = holder.runner
        raise RunHeldError(
            f"run {run_id} is being run by process {runner.pid} on {runner.host} "
            f"since {isoformat(runner.since)}",
            hint=f"follow it with `chainops runs logs -f {run_id}`, or cancel it",
        )


class SqliteClaims:
    """Claims in the embedded database."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def claim(self, run_id: str, runner: Runner) -> None:
        """See `Claims.claim`."""
        with self._database.transaction() as connection:
            refuse_held(self.holder(run_id), run_id, runner.token)
            connection.execute(
                "INSERT OR REPLACE INTO claims (run_id, token, host, pid, started, since, beaten_at) "
                "VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    run_id,
                    runner.token,
                    runner.host,
                    runner.pid,
                    runner.started,
                    isoformat(runner.since),
                    isoformat(self._clock.now()),
                ),
            )

    def beat(self, run_id: str, token: str) -> None:
        """See `Claims.beat`."""
        with self._database.transaction() as connection:
            check_claim(connection.execute(HELD_BY, (run_id,)).fetchone(), run_id, token)
            connection.execute(
                "UPDATE claims SET beaten_at = ? WHERE run_id = ?", (isoformat(self._clock.now()), run_id)
            )

    def release(self, run_id: str, token: str) -> None:
        """See `Claims.release`."""
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM claims WHERE run_id = ? AND token = ?", (run_id, token))

    def holder(self, run_id: str) -> Holder | None:
        """See `Claims.holder`."""
        rows = self._database.rows(
            "SELECT token, host, pid, started, since, beaten_at FROM claims WHERE run_id = ?", (run_id,)
        )
        if not rows:
            return None
        token, host, pid, started, since, beaten_at = map(str, rows[0])
        runner = Runner(token=token, host=host, pid=int(pid), started=started, since=parse_time(since))
        return Holder(runner=runner, alive=is_alive(runner, parse_time(beaten_at), self._clock.now()))


class MemoryClaims:
    """Claims that last as long as their object; `dead` names the tokens of runners that died."""

    def __init__(self) -> None:
        self._runners: dict[str, Runner] = {}
        self.dead: set[str] = set()

    def claim(self, run_id: str, runner: Runner) -> None:
        """See `Claims.claim`."""
        refuse_held(self.holder(run_id), run_id, runner.token)
        self._runners[run_id] = runner

    def beat(self, run_id: str, token: str) -> None:
        """See `Claims.beat`."""
        runner = self._runners.get(run_id)
        check_claim((runner.token,) if runner else None, run_id, token)

    def release(self, run_id: str, token: str) -> None:
        """See `Claims.release`."""
        if run_id in self._runners and self._runners[run_id].token == token:
            del self._runners[run_id]

    def holder(self, run_id: str) -> Holder | None:
        """See `Claims.holder`."""
        runner = self._runners.get(run_id)
        return Holder(runner=runner, alive=runner.token not in self.dead) if runner else None
