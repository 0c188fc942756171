"""A child's end is noticed with a process descriptor and without, but not after the watch was called off."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from chainops.core.process import Command, LocalProcessRunner
from chainops.core.process_exit import ExitWatch, watch_by_descriptor, watch_by_thread, watch_exit
from chainops.core.process_tree import known_children

WAYS = [
    pytest.param(watch_by_thread, id="thread"),
    pytest.param(
        watch_by_descriptor,
        id="descriptor",
        marks=pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="pidfd_open(2) is Linux's"),
    ),
]


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(["sleep", "600"]) as process:
        yield process
        process.kill()


@pytest.mark.parametrize("watch", WAYS)
async def test_the_end_is_told_once_and_the_child_is_left_to_be_collected(
    watch: ExitWatch, sleeper: subprocess.Popen[bytes]
) -> None:
    ended = asyncio.Event()
    stop = watch(sleeper, ended.set)
    await asyncio.sleep(0)
    assert not ended.is_set()
    sleeper.kill()
    async with asyncio.timeout(10):
        await ended.wait()
    assert sleeper.returncode is None
    assert sleeper.wait() == -signal.SIGKILL
    stop()
    stop()


@pytest.mark.parametrize("watch", WAYS)
async def test_nothing_is_told_once_the_watch_is_called_off(
    watch: ExitWatch, sleeper: subprocess.Popen[bytes]
) -> None:
    told: list[str] = []
    other = asyncio.Event()
    stop = watch(sleeper, lambda: told.append("end"))
    threads = [t for t in threading.enumerate() if t.name == f"wait-{sleeper.pid}"]
    stop()
    watch_exit(sleeper, other.set)
    sleeper.kill()
    async with asyncio.timeout(10):
        await other.wait()
    for thread in threads:
        await asyncio.to_thread(thread.join)
    await asyncio.sleep(0)
    assert told == []


async def test_without_a_descriptor_to_spare_a_thread_watches(sleeper: subprocess.Popen[bytes]) -> None:
    ended = asyncio.Event()
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    lowest = os.dup(0)
    os.close(lowest)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest, limits[1]))
    try:
        watch_exit(sleeper, ended.set)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    assert f"wait-{sleeper.pid}" in [t.name for t in threading.enumerate()]
    sleeper.kill()
    async with asyncio.timeout(10):
        await ended.wait()


def test_a_thread_outlives_its_loop_without_an_error(sleeper: subprocess.Popen[bytes]) -> None:
    async def watch() -> None:
        watch_by_thread(sleeper, lambda: None)

    asyncio.run(watch())
    (thread,) = [t for t in threading.enumerate() if t.name == f"wait-{sleeper.pid}"]
    sleeper.kill()
    thread.join(10)
    assert not thread.is_alive()


@pytest.mark.parametrize("watch", WAYS)
async def test_many_at_once_leave_neither_descriptor_nor_child(watch: ExitWatch) -> None:
    runner = LocalProcessRunner(watch=watch)
    say = Command(argv=("/bin/echo", "done"), cwd=Path("/"), env={}, stdin=b"ignored")
    before = set(Path("/dev/fd").iterdir())
    done = await asyncio.gather(*(runner.run(say) for _ in range(40)))
    assert [d.text for d in done] == ["done\n"] * 40
    assert set(Path("/dev/fd").iterdir()) == before
    assert known_children == {}


async def test_a_start_that_fails_leaves_no_descriptor(tmp_path: Path) -> None:
    before = set(Path("/dev/fd").iterdir())
    for argv, cwd in ((("no-such-tool",), tmp_path), (("/bin/true",), tmp_path / "gone")):
        with pytest.raises(Exception, match="cannot start"):
            await LocalProcessRunner().run(Command(argv=argv, cwd=cwd, env={}, stdin=b"x"))
    assert set(Path("/dev/fd").iterdir()) == before


async def test_a_child_that_cannot_be_watched_is_ended() -> None:
    pids: list[int] = []

    def refuse(process: subprocess.Popen[bytes], ended: object) -> object:
        pids.append(process.pid)
        raise RuntimeError("no thread can be started")

    before = set(Path("/dev/fd").iterdir())
    sleep = Command(argv=("sleep", "600"), cwd=Path("/"), env={"PATH": os.environ["PATH"]}, stdin=b"x")
    with pytest.raises(RuntimeError, match="no thread"):
        await LocalProcessRunner(watch=refuse).run(sleep)  # type: ignore[arg-type]
    with pytest.raises(ProcessLookupError):
        os.kill(pids[0], 0)
    assert set(Path("/dev/fd").iterdir()) == before
    assert known_children == {}


async def test_a_child_inherits_no_descriptor_but_its_three() -> None:
    extra = os.dup(0)
    os.set_inheritable(extra, True)
    lists = "import os; print(sorted(int(n) for n in os.listdir('/dev/fd') if int(n) > 3))"
    try:
        done = await LocalProcessRunner().run(
            Command(argv=(sys.executable, "-I", "-S", "-c", lists), cwd=Path("/"), env={})
        )
    finally:
        os.close(extra)
    assert done.text == "[]\n"
