"""Services are there when they say so, and gone when they are stopped or we are."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
from pathlib import Path

import pytest

from chainops.core.process import Command, ToolMissingError
from chainops.core.process_tree import marked_processes
from chainops.core.secrets import Masker
from chainops.core.service import LocalServiceStarter, ServiceError

READY = re.compile(r"ready on ([0-9]+)\n")
SERVE = "import os,time;print('key: hush');print('ready on',os.getpid(),flush=True);"


def command(tmp_path: Path, code: str, marker: str = "run/serve/1/") -> Command:
    return Command(
        argv=(sys.executable, "-c", code), cwd=tmp_path, env=dict(os.environ), marker=marker, grace_s=0.2
    )


def runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return (Path("/proc") / str(pid) / "stat").read_bytes().rpartition(b")")[2].split()[0] != b"Z"


async def gone(pid: int) -> None:
    async with asyncio.timeout(10):
        while runs(pid):
            await asyncio.sleep(0.01)


async def test_it_is_returned_when_it_is_ready_and_logs_what_comes_later(tmp_path):
    log = bytearray()
    code = SERVE + "print('first request, token s3cr3t-token',flush=True);time.sleep(60)"
    service = await LocalServiceStarter(Masker(["s3cr3t-token"])).start(
        command(tmp_path, code), ready=READY, timeout_s=20, sink=log.extend
    )
    async with asyncio.timeout(10):
        while b"***" not in log:
            await asyncio.sleep(0.01)
    assert b"hush" not in log
    assert b"s3cr3t" not in log
    pid = int(service.ready[1])
    assert runs(pid)
    assert not service.ended
    await service.stop()
    await service.stop()
    assert not runs(pid)


async def test_what_it_started_ends_with_it(tmp_path):
    code = (
        "import subprocess,sys,time;"
        "p=subprocess.Popen([sys.executable,'-c','import time;time.sleep(60)'],start_new_session=True);"
        "print('ready on',p.pid,flush=True);time.sleep(60)"
    )
    service = await LocalServiceStarter().start(
        command(tmp_path, code, "run/grandchild/1/"), ready=READY, timeout_s=20
    )
    assert runs(int(service.ready[1]))
    await service.stop()
    assert not marked_processes("run/grandchild/1/")


async def test_an_early_end_is_told_with_its_last_words(tmp_path):
    with pytest.raises(ServiceError, match="ended before it was ready: no port"):
        await LocalServiceStarter().start(
            command(tmp_path, "import sys;sys.exit('no port')"), ready=READY, timeout_s=20
        )


async def test_silence_is_not_waited_for_without_end(tmp_path):
    with pytest.raises(ServiceError, match=r"was not ready after 0\.2 s"):
        await LocalServiceStarter().start(
            command(tmp_path, "import time;time.sleep(60)", "run/silent/1/"), ready=READY, timeout_s=0.2
        )
    assert not marked_processes("run/silent/1/")


async def test_a_cancelled_start_leaves_nothing(tmp_path):
    starting = asyncio.ensure_future(
        LocalServiceStarter().start(
            command(tmp_path, "import time;time.sleep(60)", "run/cancelled/1/"), ready=READY, timeout_s=60
        )
    )
    async with asyncio.timeout(10):
        while not marked_processes("run/cancelled/1/"):
            await asyncio.sleep(0.01)
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    assert not marked_processes("run/cancelled/1/")


async def test_a_missing_program_is_told(tmp_path):
    missing = Command(argv=("/no/such/program",), cwd=tmp_path, env={})
    with pytest.raises((ToolMissingError, ServiceError)) as caught:
        await LocalServiceStarter().start(missing, ready=READY, timeout_s=20)
    assert "program" in str(caught.value)


async def test_it_dies_with_us_even_when_we_are_killed(tmp_path):
    parent = f"""
import asyncio, os, re, sys
from pathlib import Path
from chainops.core.process import Command
from chainops.core.service import LocalServiceStarter
async def main():
    argv = (sys.executable, "-c", {SERVE + "time.sleep(60)"!r})
    service = await LocalServiceStarter().start(
        Command(argv=argv, cwd=Path("."), env=dict(os.environ)),
        ready=re.compile({READY.pattern!r}), timeout_s=20)
    print(service.ready[1], flush=True)
    await asyncio.sleep(60)
asyncio.run(main())
"""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", parent, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    pid = int(await process.stdout.readline())
    assert runs(pid)
    process.send_signal(signal.SIGKILL)
    await process.wait()
    await gone(pid)
