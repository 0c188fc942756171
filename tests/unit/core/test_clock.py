"""Times are UTC, written alike everywhere, and stand still when a test wants it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from chainops.core.clock import MemoryClock, SystemClock, isoformat, parse_time
from chainops.core.ids import new_run_id

MOMENT = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)


def test_the_system_clock_is_utc_and_never_runs_backwards() -> None:
    clock = SystemClock()
    assert clock.now().tzinfo is UTC
    assert clock.monotonic_s() <= clock.monotonic_s()


def test_the_twin_moves_both_clocks_and_only_when_told() -> None:
    clock = MemoryClock(MOMENT)
    clock.advance(1.5)
    assert clock.now() - MOMENT == timedelta(seconds=1.5)
    assert clock.monotonic_s() == 1.5


def test_a_time_is_written_in_utc_with_milliseconds() -> None:
    east = MOMENT.astimezone(timezone(timedelta(hours=2)))
    assert isoformat(MOMENT) == isoformat(east) == "2026-01-02T03:04:05.678Z"


@given(st.datetimes(timezones=st.just(UTC)))
def test_a_written_time_is_read_back_to_the_millisecond(moment: datetime) -> None:
    assert timedelta(0) <= moment - parse_time(isoformat(moment)) < timedelta(milliseconds=1)


def test_run_ids_sort_by_time_in_any_time_zone_and_differ() -> None:
    earlier = new_run_id(MOMENT.astimezone(timezone(timedelta(hours=9))))
    later = new_run_id(MOMENT + timedelta(seconds=1))
    assert earlier.startswith("20260102T030405-")
    assert earlier < later
    assert len({new_run_id(MOMENT) for _ in range(50)}) == 50
