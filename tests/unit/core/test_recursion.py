"""Deeply nested input is an error even after a library has raised the recursion limit."""

from __future__ import annotations

import subprocess
import sys


def run(code: str) -> str:
    """Run in a process of its own: what is tested would end it."""
    return subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=60
    ).stdout.strip()


def test_json_nested_too_deep_raises_under_any_limit() -> None:
    code = """
import json, sys
from chainops.core.recursion import recursion_bounded
sys.setrecursionlimit(100_000)
try:
    with recursion_bounded():
        json.loads("[" * 100_000)
except RecursionError:
    print("error", sys.getrecursionlimit())
"""
    assert run(code) == "error 100000"


def test_signing_leaves_the_limit_where_it_was() -> None:
    code = """
import sys
from chainops.chains.accounts import dev_signer
dev_signer()
print(sys.getrecursionlimit())
"""
    assert run(code) == "1000"
