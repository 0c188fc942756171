"""The first code of ours that runs: from here on an interruption is an exit code and not a traceback."""

from __future__ import annotations

import os
import signal
from typing import NoReturn


def run() -> None:
    """Start the command line."""
    for sign in (signal.SIGINT, signal.SIGTERM):
        signal.signal(sign, _leave)
    from chainops.cli.main import run as start

    start()


def _leave(_sign: int, _frame: object) -> NoReturn:
    # nothing has been started yet, and an exception in the middle of an import can be swallowed there
    os._exit(130)
