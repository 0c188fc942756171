"""Finds and ends whole process trees, grandchildren that left the process group included."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from pathlib import Path

#: every child carries this variable; its value names the attempt that started it
MARKER = "CHAINOPS_ATTEMPT"
_PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h


def adopt_orphans() -> None:
    """Make this process the parent of its orphaned descendants (prctl(2), Linux ≥ 3.4)."""
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_CHILD_SUBREAPER) failed")


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
