"""Prints for as long as somebody reads: `| head` ends the printing, not the work."""

from __future__ import annotations

import os
from typing import TextIO


def show(stream: TextIO, text: str) -> None:
    """Write `text` at once. From the first time on that the pipe is closed, what is written is dropped.

    Raises `OSError` for anything else, a full disk for one.
    """
    try:
        stream.write(text)
        stream.flush()
    except BrokenPipeError:
        # the stream keeps what it could not write, and would fail with it again when Python leaves
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
