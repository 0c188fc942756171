"""The garbage collector rests only while it is told to, and only for who told it."""

from __future__ import annotations

import gc

import pytest

from chainops.core.collecting import collect_later


def test_the_collector_works_again_afterwards_whatever_happened() -> None:
    seen = []
    with pytest.raises(KeyError), collect_later():
        seen.append(gc.isenabled()) or {}["x"]
    assert (seen, gc.isenabled()) == ([False], True)


def test_a_collector_that_is_off_stays_off() -> None:
    gc.disable()
    try:
        with collect_later():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()
