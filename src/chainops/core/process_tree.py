"""Finds and ends whole process trees, grandchildren that left the process group included."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Iterable
from pathlib import Path

#: every child carries this variable; its value names the attempt that started it
MARKER = "CHAINOPS_ATTEMPT"
_PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h
#: how long the system may take to report what was killed
_REAP_S = 0.5

#: what this process has started and not collected yet: pid → its mark
known_children: dict[int, str] = {}
# the process that adopts: a fork of it does not (prctl(2))
_adopters: set[int] = set()


def adopt_orphans() -> None:
    """Make this process the parent of its orphaned descendants (prctl(2), Linux ≥ 3.4)."""
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_CHILD_SUBREAPER) failed")
    _adopters.add(os.getpid())


def marked_processes(prefix: str) -> tuple[int, ...]:
    """Return the pids whose environment carries a marker that begins with `prefix`, oneself excluded.

    Markers are paths that end in a slash (`run/stage/attempt/`): one prefix names an attempt or a run.
    """
    wanted = f"{MARKER}={prefix}".encode()
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        with contextlib.suppress(OSError):  # gone, or another user's
            variables = (entry / "environ").read_bytes().split(b"\0")
            if any(v.startswith(wanted) for v in variables) and not _is_zombie(entry):
                found.append(int(entry.name))
    return tuple(found)


def _is_zombie(entry: Path) -> bool:
    # the state is the first field after the command name, which may itself hold parentheses (proc(5))
    return (entry / "stat").read_bytes().rpartition(b")")[2].split()[0] == b"Z"


def signal_group(pgid: int, sign: signal.Signals) -> bool:
    """Signal a process group; return whether it still had a member."""
    try:
        os.killpg(pgid, sign)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def kill_marked(prefix: str, *, limit_s: float = 3.0) -> tuple[int, ...]:
    """SIGKILL every marked process until none is left; return the pids that were ended.

    A process can fork while it is being looked for, hence the rounds.
    """
    ended: set[int] = set()
    deadline = time.monotonic() + limit_s
    while (pids := marked_processes(prefix)) and time.monotonic() < deadline:
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
                ended.add(pid)
        time.sleep(0.002)
    return tuple(sorted(ended))


def kill_left_over(prefix: str) -> tuple[int, ...]:
    """Do what `kill_marked` does, without reading all of /proc when nothing unknown can be running.

    It is for marks whose processes this process has started. Those whose parents ended are then children of
    this process, provided that it adopts orphans: an unknown child is one, and no unknown child means that
    there is none.
    """
    if _nothing_unknown(prefix):
        return ()
    ended = kill_marked(prefix)
    _collect_adopted(ended)
    return ended


def _nothing_unknown(prefix: str) -> bool:
    if os.getpid() not in _adopters or any(mark.startswith(prefix) for mark in known_children.values()):
        return False
    try:
        unknown = [pid for pid in _children() if pid not in known_children]
    except OSError:  # a kernel without CONFIG_PROC_CHILDREN
        return False
    running = [pid for pid in unknown if not _collected(pid)]
    return not running


def _children() -> list[int]:
    """Return the pids of this process's children, those that have ended but are not collected included.

    The list can miss a child only while another is being collected (proc(5)), and that is done by the
    thread that asks.
    """
    found: list[int] = []
    for thread in os.listdir("/proc/self/task"):  # noqa: PTH208 - a path object a thread costs more than it
        found += map(int, _read(f"/proc/self/task/{thread}/children").split())
    return found


def _read(path: str) -> bytes:
    """Return what a file of the kernel's holds; read after every attempt, hence without a file object."""
    handle = os.open(path, os.O_RDONLY)
    try:
        data = chunk = os.read(handle, 1 << 16)
        while chunk:
            chunk = os.read(handle, 1 << 16)
            data += chunk
    finally:
        os.close(handle)
    return data


def _collected(pid: int) -> bool:
    """Collect an orphan that has ended; return whether that is what it was.

    Everything that is started here, and what that starts in turn, has another session than ours: whoever
    shares ours was started by other code, which waits for it.
    """
    try:
        if os.getsid(pid) == os.getsid(0):
            return False
        return os.waitpid(pid, os.WNOHANG)[0] == pid
    except (ProcessLookupError, ChildProcessError):
        return True


def _collect_adopted(pids: Iterable[int]) -> None:
    """Collect those of the killed processes that had become our children."""
    if os.getpid() not in _adopters:
        return
    deadline = time.monotonic() + _REAP_S
    waiting = {pid for pid in pids if pid not in known_children}
    while waiting and time.monotonic() < deadline:
        waiting = {pid for pid in waiting if not _collected(pid)}
        time.sleep(0.002 if waiting else 0)
