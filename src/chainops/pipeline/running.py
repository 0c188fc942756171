"""The attempts that run now, and those that wait to be made again."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass

from chainops.core.clock import Clock
from chainops.pipeline.model import FailureKind, Outcome, StageNode, StageStatus

#: seconds before the first retry at most; doubled for each further one
RETRY_BASE_S = 1.0
#: seconds before a retry at most
RETRY_LONGEST_S = 60.0
#: seconds that attempts get to end once they are cancelled; their processes get two of them
STOP_S = 4.0


def retry_delay_s(failures: int, random: float) -> float:
    """Return the seconds before the retry after this many failures: exponential, capped, full jitter.

    `random` lies in 0-1. Marc Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
    """
    return float(min(RETRY_LONGEST_S, RETRY_BASE_S * 2 ** min(failures - 1, 32)) * random)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """An attempt that ran, with how it ended."""

    node: StageNode
    attempt: int
    duration_s: float
    outcome: Outcome


class RunningAttempts:
    """Holds a task for each attempt and back-off; sets `wake` when one of them ends."""

    def __init__(self, clock: Clock, sleep: Callable[[float], Awaitable[None]], wake: asyncio.Event) -> None:
        self._clock = clock
        self._sleep = sleep
        self._wake = wake
        self._tasks: dict[asyncio.Task[Outcome], tuple[StageNode, int, float]] = {}
        self._ended: list[asyncio.Task[Outcome]] = []
        self._back_offs: dict[str, asyncio.Task[None]] = {}
        self._rested: set[str] = set()

    def __len__(self) -> int:
        return len(self._tasks)

    @property
    def idle(self) -> bool:
        """Whether nothing is going on that could end, and nothing has that was not taken."""
        return not (self._tasks or self._back_offs or self._rested)

    def start(self, node: StageNode, attempt: int, work: Coroutine[None, None, Outcome]) -> None:
        """Begin an attempt."""
        task = asyncio.ensure_future(work)
        self._tasks[task] = (node, attempt, self._clock.monotonic_s())
        task.add_done_callback(self._note_end)

    def take_ended(self) -> list[Ended]:
        """Return the attempts that have ended since they were last taken."""
        ended, self._ended = self._ended, []
        return [self._end(task, _outcome(task)) for task in ended if task in self._tasks]

    def rest(self, node: StageNode, seconds: float) -> None:
        """Have a stage wait before its next attempt."""
        task = asyncio.ensure_future(self._rest(node.name, seconds))
        self._back_offs[node.name] = task

    def rests(self, node: StageNode) -> bool:
        """Whether the stage waits to be tried again."""
        return node.name in self._back_offs

    def take_rested(self) -> set[str]:
        """Return the stages whose wait is over, each once."""
        rested, self._rested = self._rested, set()
        return rested

    def end_rests(self) -> None:
        """Wait no longer: nothing is started any more."""
        for task in self._back_offs.values():
            task.cancel()
        self._back_offs.clear()
        self._rested.clear()

    def cancel(self) -> None:
        """Tell all attempts to end."""
        for task in self._tasks:
            task.cancel()

    async def stop(self) -> list[Ended]:
        """End everything; return how each attempt ended, cancelled also when it does not obey in time."""
        self.end_rests()
        self.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=STOP_S)
        self._ended = []
        return [self._end(task, _outcome(task)) for task in tuple(self._tasks)]

    async def _rest(self, name: str, seconds: float) -> None:
        await self._sleep(seconds)
        del self._back_offs[name]
        self._rested.add(name)
        self._wake.set()

    def _note_end(self, task: asyncio.Task[Outcome]) -> None:
        self._ended.append(task)
        self._wake.set()

    def _end(self, task: asyncio.Task[Outcome], outcome: Outcome) -> Ended:
        node, attempt, started_s = self._tasks.pop(task)
        duration_s = self._clock.monotonic_s() - started_s
        return Ended(node=node, attempt=attempt, duration_s=duration_s, outcome=outcome)


def _outcome(task: asyncio.Task[Outcome]) -> Outcome:
    """Return how an attempt ended, also when its runner broke: the other stages are not lost with it."""
    if not task.done():
        return Outcome(status=StageStatus.CANCELLED, reason=f"cancelled, and did not end in {STOP_S:g} s")
    if task.cancelled():
        return Outcome(status=StageStatus.CANCELLED, reason="cancelled")
    error = task.exception()
    if error is None:
        return task.result()
    return Outcome(
        status=StageStatus.FAILED,
        reason=f"the attempt could not be run: {type(error).__name__}: {error}",
        failure=FailureKind.MACHINE,
        code="PIP398",
    )
