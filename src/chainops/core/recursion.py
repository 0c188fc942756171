"""Keeps the recursion limit where a document nested too deep is an error and not the end of the process.

py_ecc, which eth_account loads, raises the limit to 100,000. C code such as json's then overflows the stack
before it notices, so that `[[[[…` from a stranger kills the process.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator

#: Python's own default
_SAFE_LIMIT = 1000


@contextlib.contextmanager
def recursion_limit_kept() -> Iterator[None]:
    """Put the limit back after imports that raise it."""
    limit = sys.getrecursionlimit()
    try:
        yield
    finally:
        if sys.getrecursionlimit() > limit:
            sys.setrecursionlimit(limit)


@contextlib.contextmanager
def recursion_bounded() -> Iterator[None]:
    """Let what is nested deeper than Python's default raise RecursionError, whatever the limit was set to."""
    limit = sys.getrecursionlimit()
    bound = _depth() + _SAFE_LIMIT
    if limit > bound:
        sys.setrecursionlimit(bound)
    try:
        yield
    finally:
        sys.setrecursionlimit(limit)


def _depth() -> int:
    depth = 0
    frame = sys._getframe()  # noqa: SLF001 - documented, and the only way that costs nothing
    while frame.f_back is not None:
        frame = frame.f_back
        depth += 1
    return depth
