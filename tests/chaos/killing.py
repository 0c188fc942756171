"""Lets a process end itself with SIGKILL right before or right after any of the writes that it counts."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

from chainops.core.clock import SystemClock
from chainops.pipeline.claims import Claims, Holder, Runner
from chainops.pipeline.events import Event, RunFinished
from chainops.pipeline.journal import Journal, RunHandle

T = TypeVar("T")


class Switch:
    """Counts a process's durable writes from 1 and kills the process at one of them.

    `hooks` are called right after the write of their number: what happens at that moment from outside.
    """

    def __init__(self, *, kill_at: int = 0, when: str = "before", kill_at_end: bool = False) -> None:
        """With `kill_at_end` the process ends before it can write that the run has ended."""
        self.count = 0
        self.hooks: dict[int, list[Callable[[], object]]] = {}
        self._kill_at = kill_at
        self._when = when
        self._kill_at_end = kill_at_end

    def commit(self, write: Callable[[], T]) -> T:
        """Do one durable write, unless this is where the process ends."""
        self.count += 1
        mine = self.count
        self._die_if("before", mine)
        result = write()
        self._die_if("after", mine)
        for hook in self.hooks.get(mine, ()):
            hook()
        return result

    def end(self) -> None:
        """Be told that the next write says how the run ended."""
        if self._kill_at_end:
            die()

    def _die_if(self, when: str, count: int) -> None:
        if self._when == when and self._kill_at == count:
            die()


def die() -> None:
    """End this process as `kill -9` does: no handler, no flush, no unwinding."""
    os.kill(os.getpid(), signal.SIGKILL)
    signal.pause()


class KillingJournal:
    """A journal whose every append is one of the switch's writes.

    The file `note` gets a line for each: the number of its last entry, and how many it stored together.
    """

    def __init__(self, journal: Journal, switch: Switch, *, note: Path) -> None:
        self._journal = journal
        self._switch = switch
        self._note = note

    def append(self, run_id: str, *events: Event, runner: str = "", key: str = "") -> int:
        def write() -> int:
            last = self._journal.append(run_id, *events, runner=runner, key=key)
            with self._note.open("a") as file:
                file.write(f"{last} {len(events)}\n")
            return last

        if any(isinstance(event, RunFinished) for event in events):
            self._switch.end()
        return self._switch.commit(write)

    def read(self, run_id: str, after: int = 0) -> tuple[Event, ...]:
        return self._journal.read(run_id, after)

    def last(self, run_id: str) -> int:
        return self._journal.last(run_id)

    def runs(self) -> tuple[RunHandle, ...]:
        return self._journal.runs()


class KillingClaims:
    """Claims whose taking and giving back are writes of the switch; beats follow the clock and are not."""

    def __init__(self, claims: Claims, switch: Switch) -> None:
        self._claims = claims
        self._switch = switch

    def claim(self, run_id: str, runner: Runner) -> None:
        self._switch.commit(lambda: self._claims.claim(run_id, runner))

    def beat(self, run_id: str, token: str) -> None:
        self._claims.beat(run_id, token)

    def release(self, run_id: str, token: str) -> None:
        self._switch.commit(lambda: self._claims.release(run_id, token))

    def holder(self, run_id: str) -> Holder | None:
        return self._claims.holder(run_id)


class JumpingClock(SystemClock):
    """The machine's clock, whose wall time somebody sets to another hour meanwhile."""

    def __init__(self) -> None:
        self._offset = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self._offset

    def jump(self, seconds: float) -> None:
        """Set the wall time forwards, or backwards for a negative number."""
        self._offset += timedelta(seconds=seconds)
