"""One holder at a time, named to the others; a holder that is killed holds nothing."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from chainops.core.locks import LockedError, file_lock

HOLDS = """
import sys
from pathlib import Path
from chainops.core.locks import file_lock
with file_lock(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def holder(path: Path) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDS, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"held\n"
    return process


def test_a_second_process_is_refused_and_told_who_holds_it(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "run.lock"
    other = holder(path)
    refused = pytest.raises(LockedError, match=f"the workspace is in use by process {other.pid}")
    with refused, file_lock(path, what="the workspace"):
        pass
    other.communicate()
    with file_lock(path):
        assert path.read_text() == str(os.getpid())


def test_a_holder_that_is_killed_releases_the_lock(tmp_path: Path) -> None:
    other = holder(tmp_path / "run.lock")
    other.kill()
    other.communicate()
    with file_lock(tmp_path / "run.lock"):
        pass


def test_a_child_of_the_holder_does_not_keep_the_lock(tmp_path: Path) -> None:
    with file_lock(tmp_path / "run.lock"):
        child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, close_fds=False)
    try:
        # the system closes its copy of the lock while it loads the child's program: a moment, not its life
        with file_lock(tmp_path / "run.lock", wait_s=10):
            pass
    finally:
        child.communicate(b"\n")


def test_whoever_waits_gets_the_lock_when_it_is_released(tmp_path: Path) -> None:
    path = tmp_path / "run.lock"
    got = threading.Event()

    def wait() -> None:
        with file_lock(path, wait_s=20):
            got.set()

    waiter = threading.Thread(target=wait)
    with file_lock(path):
        waiter.start()
        assert not got.is_set()
    assert got.wait(10)
    waiter.join()


def test_the_lock_is_released_when_its_block_fails(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), file_lock(tmp_path / "run.lock"):
        raise ZeroDivisionError
    with file_lock(tmp_path / "run.lock"):
        pass
