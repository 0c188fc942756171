"""Keeps Python's garbage collector from searching what has only just been made."""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterator


@contextlib.contextmanager
def collect_later() -> Iterator[None]:
    """Have no collection inside: for code that makes very many objects and leaves no circles behind.

    The collector looks at all of them again and again: two fifths of the time that a long journal takes.
    """
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
