"""Time is passed in, so that tests need neither sleep nor patches."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Wall time for people and journals, monotonic time for durations."""

    def now(self) -> datetime:
        """Return the wall time, always in UTC."""

    def monotonic_s(self) -> float:
        """Return seconds that never jump; only differences mean anything."""


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Return the wall time in UTC."""
        return datetime.now(UTC)

    def monotonic_s(self) -> float:
        """Return the monotonic clock in seconds."""
        return time.monotonic()


class MemoryClock:
    """A clock that moves only when told."""

    def __init__(self, start: datetime = datetime(2026, 1, 1, tzinfo=UTC)) -> None:
        self._start = start.timestamp()
        self._elapsed_s = 0.0

    def now(self) -> datetime:
        """Return the set time."""
        return datetime.fromtimestamp(self._start + self._elapsed_s, UTC)

    def monotonic_s(self) -> float:
        """Return the seconds advanced so far."""
        return self._elapsed_s

    def advance(self, seconds: float) -> None:
        """Move both clocks forward."""
        self._elapsed_s += seconds


def isoformat(moment: datetime) -> str:
    """Format a UTC time as RFC 3339 with milliseconds."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse_time(text: str) -> datetime:
    """Parse what `isoformat` wrote."""
    return datetime.fromisoformat(text)
