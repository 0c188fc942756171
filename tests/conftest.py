"""Settings that every test shares."""

from __future__ import annotations

import sys

import pytest
from hypothesis import settings

# suites that several test files inherit: their asserts say as much as those of a test file
pytest.register_assert_rewrite("unit.pipeline.journal_suite", "unit.pipeline.claims_suite")

# a machine that is busy with something else makes no test fail
settings.register_profile("chainops", deadline=None)
settings.load_profile("chainops")

#: Python's own; a library that eth_account imports raises it so far that deep JSON ends the process
_RECURSION_LIMIT = sys.getrecursionlimit()


@pytest.fixture(autouse=True)
def recursion_limit() -> None:
    """Give every test the limit that a command has, whatever was imported to collect it."""
    sys.setrecursionlimit(_RECURSION_LIMIT)
