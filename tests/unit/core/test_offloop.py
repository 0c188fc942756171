"""Calls in a thread: in order, never left half done, whatever becomes of who waits."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import pytest

from chainops.core.offloop import CallThread


@pytest.fixture
def thread() -> Iterator[CallThread]:
    made = CallThread()
    yield made
    made.close()


async def test_a_call_gives_its_result_or_raises_its_error_and_the_loop_goes_on_meanwhile(
    thread: CallThread,
) -> None:
    go_on = threading.Event()
    call = asyncio.ensure_future(thread.run(lambda: go_on.wait(10)))
    await asyncio.sleep(0)
    go_on.set()  # set by the loop, which the call does not hold up
    assert await call
    with pytest.raises(ZeroDivisionError):
        await thread.run(lambda: 1 // 0)
    assert await thread.run(threading.get_ident) != threading.get_ident()


async def test_calls_are_made_one_after_another_in_the_order_in_which_they_were_asked_for(
    thread: CallThread,
) -> None:
    made: list[int] = []
    await asyncio.gather(*(thread.run(lambda n=number: made.append(n)) for number in range(50)))
    assert made == list(range(50))


async def test_who_is_cancelled_during_a_call_gets_its_result_and_is_cancelled_at_the_next_wait(
    thread: CallThread,
) -> None:
    begun, go_on = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()
    seen: list[bool] = []

    def work() -> bool:
        loop.call_soon_threadsafe(begun.set)
        return go_on.wait(10)

    async def ask() -> None:
        seen.append(await thread.run(work))
        await asyncio.sleep(0)
        seen.append(False)

    task = asyncio.ensure_future(ask())
    await begun.wait()
    for _ in range(2):
        task.cancel()
        await asyncio.sleep(0)
    assert not task.done()
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert seen == [True]


async def test_a_time_limit_that_passes_during_a_call_is_noticed_afterwards(thread: CallThread) -> None:
    go_on = threading.Event()
    limit = asyncio.timeout(0.01)

    async def ask() -> None:
        async with limit:
            asyncio.get_running_loop().call_later(0.05, go_on.set)
            assert await thread.run(lambda: go_on.wait(10))
            await asyncio.sleep(0)

    with pytest.raises(TimeoutError):
        await ask()
    assert go_on.is_set()


async def test_a_closed_thread_has_made_its_calls_and_another_takes_its_place(thread: CallThread) -> None:
    first = await thread.run(threading.current_thread)
    thread.close()
    thread.close()
    assert not first.is_alive()
    assert await thread.run(threading.current_thread) is not first
