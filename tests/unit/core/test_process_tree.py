"""Whatever an attempt started is found by its mark and ended, and nothing else is."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from chainops.core.process_tree import MARKER, kill_marked, marked_processes, signal_group

RUN = f"tree-{os.getpid()}"
FORKS = """
import os, signal, sys, time
for sign in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(sign, signal.SIG_IGN)
for _ in range(3):
    os.fork()
    os.setsid() if os.getpid() != os.getpgid(0) else None
print("up", flush=True)
time.sleep(600)
"""


def start(marker: str, script: str, lines: int) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", script],
        env={**os.environ, MARKER: marker},
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    assert process.stdout is not None
    for _ in range(lines):
        assert process.stdout.readline() == b"up\n"
    return process


def test_a_whole_tree_is_ended_whatever_its_groups_and_signals() -> None:
    with start(f"{RUN}/stage/1/", FORKS, 8):
        assert len(marked_processes(f"{RUN}/stage/1/")) == 8
        assert len(kill_marked(f"{RUN}/stage/1/")) == 8
        assert marked_processes(f"{RUN}/stage/1/") == ()


def test_a_mark_names_an_attempt_or_a_run_and_no_other() -> None:
    script = "print('up', flush=True); import time; time.sleep(600)"
    with start(f"{RUN}/stage/1/", script, 1) as first, start(f"{RUN}/stage/11/", script, 1) as second:
        assert marked_processes(f"{RUN}/stage/1/") == (first.pid,)
        assert set(marked_processes(f"{RUN}/")) == {first.pid, second.pid}
        assert kill_marked(f"{RUN}/stage/1/") == (first.pid,)
        assert marked_processes(f"{RUN}/") == (second.pid,)
        kill_marked(f"{RUN}/")


def test_one_that_has_ended_but_was_not_collected_does_not_count() -> None:
    with start(f"{RUN}/zombie/1/", "print('up', flush=True)", 1) as process:
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert marked_processes(f"{RUN}/zombie/1/") == ()
        assert kill_marked(f"{RUN}/zombie/1/") == ()


def test_signalling_a_group_tells_whether_it_still_had_a_member() -> None:
    process = start("", "print('up', flush=True); import time; time.sleep(600)", 1)
    assert signal_group(process.pid, signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert not signal_group(process.pid, signal.SIGKILL)


ADOPTS = """
import os, sys, time
from chainops.core.process_tree import adopt_orphans
adopt_orphans()
read, write = os.pipe()
if os.fork() == 0:
    if os.fork() == 0:
        os.read(read, 1)
        print(os.getppid(), flush=True)
        os._exit(0)
    os._exit(0)
os.wait()
os.write(write, b".")
os.wait()
print(os.getpid())
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="prctl(2) is Linux's")
def test_orphans_come_to_whoever_adopts_them() -> None:
    done = subprocess.run([sys.executable, "-c", ADOPTS], capture_output=True, check=True, timeout=20)
    parent, own = done.stdout.split()
    assert parent == own
