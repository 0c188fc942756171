"""Whatever an attempt started is found by its mark and ended, and nothing else is."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

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


# a daemon: forked twice, in a session of its own, all streams closed, deaf to polite signals
DAEMON = """
import os, signal, sys
if os.fork() == 0:
    os.setsid()
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if (pid := os.fork()) == 0:
        for stream in (0, 1, 2):
            os.close(stream)
        signal.pause()
    print(pid, flush=True)
    os._exit(0)
os.wait()
"""
LEAVES_A_DAEMON = """
import asyncio, os, sys
from pathlib import Path
from chainops.core.process import Command, LocalProcessRunner
from chainops.core.process_tree import _children, _nothing_unknown, adopt_orphans, kill_left_over

def command(code):
    return Command(argv=(sys.executable, "-I", "-S", "-c", code), cwd=Path("/"), env={}, marker="left/a/1/")

async def main():
    runner = LocalProcessRunner()
    if sys.argv[1] == "adopts":
        adopt_orphans()
    await runner.run(command("pass"))
    print(_nothing_unknown("left/a/1/"))
    daemon = int((await runner.run(command(sys.argv[2]))).text)
    os.kill(daemon, 0)
    print(_nothing_unknown("left/a/1/"))
    print(kill_left_over("left/a/2/"), kill_left_over("left/a/1/") == (daemon,))
    print(_children(), _nothing_unknown("left/a/1/"))
    try:
        os.kill(daemon, 0)
    except ProcessLookupError:
        print("gone")

asyncio.run(main())
"""


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="/proc is Linux's")
@pytest.mark.parametrize("adopts", [True, False])
def test_a_daemon_is_found_and_ended_with_and_without_adoption(adopts: bool) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LEAVES_A_DAEMON, "adopts" if adopts else "leaves", DAEMON],
        capture_output=True,
        check=True,
        timeout=60,
    )
    quiet, beside_daemon, ended, after, *gone = done.stdout.decode().splitlines()
    # only who adopts may conclude from its children that nothing is left
    assert quiet == str(adopts)
    assert beside_daemon == "False"
    assert ended == "() True"
    assert after == f"[] {adopts}"
    if adopts:  # elsewhere it is for process 1 to collect it
        assert gone == ["gone"]


ORPHANS_END = '''
import asyncio, os, subprocess, sys
from pathlib import Path
from chainops.core.process import Command, LocalProcessRunner
from chainops.core.process_tree import _children, _nothing_unknown, adopt_orphans

adopt_orphans()
own = subprocess.Popen([sys.executable, "-c", ""])
os.waitid(os.P_PID, own.pid, os.WEXITED | os.WNOWAIT)
code = """
import os
read, write = os.pipe()
if (pid := os.fork()) == 0:
    os.setsid()
    os._exit(0)
print(pid)
os.close(write)
os.read(read, 1)
"""
argv = (sys.executable, "-I", "-S", "-c", code)
done = asyncio.run(LocalProcessRunner().run(Command(argv=argv, cwd=Path("/"), env={}, marker="left/b/1/")))
orphan = int(done.text)
os.waitid(os.P_PID, orphan, os.WEXITED | os.WNOWAIT)
print(orphan in _children(), _nothing_unknown("left/b/1/"), _children() == [own.pid])
own.wait()
print(_nothing_unknown("left/b/1/"))
'''


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="/proc is Linux's")
def test_orphans_that_have_ended_are_collected_and_children_of_other_code_are_not() -> None:
    done = subprocess.run([sys.executable, "-c", ORPHANS_END], capture_output=True, check=True, timeout=60)
    assert done.stdout == b"True False True\nTrue\n"
    assert done.stderr == b""


FORKS_AFTER_ADOPTING = """
import os
from chainops.core.process_tree import _nothing_unknown, adopt_orphans
adopt_orphans()
if os.fork() == 0:
    print(_nothing_unknown("left/c/1/"), flush=True)
    os._exit(0)
os.wait()
print(_nothing_unknown("left/c/1/"))
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="prctl(2) is Linux's")
def test_a_fork_does_not_adopt_what_its_parent_does() -> None:
    done = subprocess.run(
        [sys.executable, "-c", FORKS_AFTER_ADOPTING], capture_output=True, check=True, timeout=20
    )
    assert done.stdout == b"False\nTrue\n"
