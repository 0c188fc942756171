"""The first code of ours that runs: from here on an interruption is an exit code and not a traceback."""

from __future__ import annotations

import os
import signal
from typing import NoReturn


def run() -> None:
    """Start the command line."""
    _leave_when_interrupted()
    from chainops.cli.main import run as start

    try:
        start()
    finally:  # what is left is Python's own leaving, which an exception would turn into a signal's death
        _leave_when_interrupted()


def _leave_when_interrupted() -> None:
    for sign in (signal.SIGINT, signal.SIGTERM):
        signal.signal(sign, _leave)


def _leave(_sign: int, _frame: object) -> NoReturn:
    # nothing runs yet, or any more; an exception in the middle of an import can be swallowed there
    os._exit(130)
