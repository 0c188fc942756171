"""Locks between processes that a killed holder releases by dying (flock(2))."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path

from chainops.core.errors import MachineError


class LockedError(MachineError):
    """Somebody else holds the lock."""

    code = "LCK301"


@contextlib.contextmanager
def file_lock(path: Path, *, wait_s: float = 0.0, what: str = "") -> Iterator[None]:
    """Hold an exclusive lock on `path`, which is created with the holder's pid in it.

    Raises `LockedError` when it is still held after `wait_s` seconds.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    deadline = time.monotonic() + wait_s
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    holder = os.pread(handle, 64, 0).decode("ascii", "replace").strip() or "unknown"
                    raise LockedError(
                        f"{what or path} is in use by process {holder}",
                        hint="wait for it to end, or end it",
                    ) from None
                time.sleep(0.05)
        os.ftruncate(handle, 0)
        os.pwrite(handle, str(os.getpid()).encode(), 0)
        yield
    finally:
        os.close(handle)
