"""One thread in which a slow call is waited for, so that the event loop goes on meanwhile."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Generic, TypeVar, cast

T = TypeVar("T")


class CallThread:
    """Makes calls one after another, in the order in which they were asked for."""

    def __init__(self) -> None:
        self._calls: SimpleQueue[_Call[object] | None] = SimpleQueue()
        self._thread: threading.Thread | None = None

    async def run(self, work: Callable[[], T]) -> T:
        """Return what `work` gives, or raise what it raises; the thread is started by the first call.

        A call is never left half done: who is cancelled meanwhile gets the result, and learns of the
        cancellation when it next waits for something.
        """
        if self._thread is None:
            self._thread = threading.Thread(target=self._make_calls, name="chainops-calls", daemon=True)
            self._thread.start()
        call = _Call(work, asyncio.get_running_loop())
        self._calls.put(cast("_Call[object]", call))
        return await call.result()

    def close(self) -> None:
        """End the thread after the calls that were asked for; the next call starts another one."""
        thread, self._thread = self._thread, None
        if thread:
            self._calls.put(None)
            thread.join()

    def _make_calls(self) -> None:
        while call := self._calls.get():
            call.make()


class _Call(Generic[T]):
    """A call that is made in a thread and awaited in a loop."""

    __slots__ = ("_error", "_is_done", "_loop", "_result", "_waiter", "_work")

    def __init__(self, work: Callable[[], T], loop: asyncio.AbstractEventLoop) -> None:
        self._work = work
        self._loop = loop
        self._waiter = loop.create_future()
        self._is_done = False
        self._result: T | None = None
        self._error: BaseException | None = None

    def make(self) -> None:
        try:
            self._result = self._work()
        except BaseException as error:  # noqa: BLE001 - raised again by whoever awaits the result
            self._error = error
        self._loop.call_soon_threadsafe(self._finish)

    def _finish(self) -> None:
        self._is_done = True
        if not self._waiter.done():
            self._waiter.set_result(None)

    async def result(self) -> T:
        cancelled = False
        while not self._is_done:
            try:
                await self._waiter
            except asyncio.CancelledError:
                cancelled = True
                self._waiter = self._loop.create_future()
        task = asyncio.current_task()
        if cancelled and task:
            # the same number of requests as before: whoever made one counts them (asyncio.timeout)
            task.uncancel()
            task.cancel()
        if self._error is not None:
            raise self._error
        return cast("T", self._result)
