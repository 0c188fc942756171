"""Tells the event loop that a child has ended: by its descriptor, or by a thread where there is none."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import threading
from collections.abc import Callable

#: is called in the loop once the process has ended; the process is left to be collected by its owner
Ended = Callable[[], None]
#: stops watching; a second call does nothing
Stop = Callable[[], None]
ExitWatch = Callable[[subprocess.Popen[bytes], Ended], Stop]


def watch_exit(process: subprocess.Popen[bytes], ended: Ended) -> Stop:
    """Call `ended` when the process has ended, in the cheapest way that this system knows."""
    if hasattr(os, "pidfd_open"):
        with contextlib.suppress(OSError):  # an old kernel, a sandbox without the call, no descriptor left
            return watch_by_descriptor(process, ended)
    return watch_by_thread(process, ended)


def watch_by_descriptor(process: subprocess.Popen[bytes], ended: Ended) -> Stop:
    """Watch with pidfd_open(2), Linux ≥ 5.3. Raises OSError when the system refuses."""
    handle = os.pidfd_open(process.pid)
    loop = asyncio.get_running_loop()
    watching = True

    def stop() -> None:
        nonlocal watching
        if watching:
            watching = False
            loop.remove_reader(handle)
            os.close(handle)

    def fire() -> None:
        stop()
        ended()

    loop.add_reader(handle, fire)
    return stop


def watch_by_thread(process: subprocess.Popen[bytes], ended: Ended) -> Stop:
    """Watch with a thread that waits for this one process."""
    loop = asyncio.get_running_loop()
    stopped = threading.Event()

    def fire() -> None:
        if not stopped.is_set():
            ended()

    def wait() -> None:
        _wait_for(process)
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody is interested any more
            loop.call_soon_threadsafe(fire)

    threading.Thread(target=wait, name=f"wait-{process.pid}", daemon=True).start()
    return stopped.set


def _wait_for(process: subprocess.Popen[bytes]) -> None:
    if hasattr(os, "waitid"):
        with contextlib.suppress(ChildProcessError):  # its owner has collected it
            os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    else:  # macOS before Python 3.13
        process.wait()
