"""Figures as people read them, each by its unit."""

from __future__ import annotations

from datetime import datetime

from chainops.core.clock import parse_time
from chainops.core.units import format_duration, format_wei

_DIRECTIONS = {"at_least": "≥", "at_most": "≤"}


def figure(value: float | None, unit: str) -> str:
    """Return a measurement with its unit: `91.6 %`, `24,576 B`, `1,234 gas`, `3.2 s`, `0.1 ETH`."""
    if value is None:
        return "not measured"
    if unit == "ratio":
        return f"{value * 100:.1f} %"
    if unit == "seconds":
        return format_duration(value)
    if unit == "wei":
        return format_wei(int(value))
    plain = f"{value:,.0f}" if value == int(value) else f"{value:,.2f}"
    suffix = {"bytes": " B", "gas": " gas", "count": ""}.get(unit, f" {unit}" if unit else "")
    return plain + suffix


def limit(threshold: float | None, direction: str, unit: str) -> str:
    """Return a threshold with its direction: `≥ 80.0 %`."""
    return f"{_DIRECTIONS.get(direction, direction)} {figure(threshold, unit)}".strip()


def signed(value: float | None, unit: str) -> str:
    """Return a difference with its sign; ratios differ by percentage points."""
    if value is None:
        return "–"
    shown = figure(abs(value), unit)
    if unit == "ratio":
        shown = f"{abs(value) * 100:.1f} pp"
    return f"{'+' if value >= 0 else '−'}{shown}"


def percent(value: float | None) -> str:
    """Return a ratio (0–1) as `91.6 %`; whole figures are never rounded up to: 99.97 % stays below 100."""
    if value is None:
        return "–"
    shown = int(value * 1000) / 10 if 0 <= value < 1 else value * 100
    return f"{shown:.1f} %"


def milliseconds(value: float | None) -> str:
    """Return a duration given in milliseconds."""
    return "–" if value is None else format_duration(value / 1000)


def moment(value: str) -> datetime | None:
    """Parse a time of the document; None when it is absent or not one."""
    try:
        return parse_time(value) if value else None
    except ValueError:
        return None


def when(value: str) -> str:
    """Return a time as `2026-01-02 03:04:05 UTC`."""
    found = moment(value)
    return f"{found:%Y-%m-%d %H:%M:%S} UTC" if found else ""


def ranges(lines: list[int]) -> str:
    """Fold line numbers: `3, 7–9, 12`."""
    folded: list[tuple[int, int]] = []
    for line in sorted(set(lines)):
        if folded and line == folded[-1][1] + 1:
            folded[-1] = (folded[-1][0], line)
        else:
            folded.append((line, line))
    return ", ".join(str(a) if a == b else f"{a}–{b}" for a, b in folded)
