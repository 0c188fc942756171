"""Where each stage lay in the run's time, as shares of its length, so that any renderer can draw it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime

from chainops.report import figures
from chainops.report.reading import Document, number, rows, short_name, strings, text


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelineBar:
    """An attempt: start and length as shares (0–1) of the run."""

    start: float
    length: float
    status: str
    attempt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelineRow:
    """A stage on the time line."""

    name: str
    status: str
    duration: str
    reason: str
    critical: bool
    #: the run that the result was taken from; empty when the stage ran
    cached_from: str
    bars: tuple[TimelineBar, ...]

    @property
    def label(self) -> str:
        """The name as short as it can be told from the others'."""
        return short_name(self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """A mark on the time axis."""

    position: float
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """All stages, the axis, and the chain that decided how long the run took."""

    rows: tuple[TimelineRow, ...]
    ticks: tuple[Tick, ...]
    critical: tuple[str, ...]
    critical_total: str
    #: wall time over the critical path's, empty when there is nothing to compare
    ratio: str
    #: the run waited for a person, which counts as wall time
    waited: bool


def timeline(document: Document) -> Timeline:
    """Return the time line of a run; a stage that never started has no bar."""
    start = figures.moment(text(document, "started_at"))
    total_ms = max(_last_end_ms(document, start), number(document, "duration_ms") or 0, 1.0)
    critical = tuple(strings(document, "critical_path", "stages"))
    critical_ms = number(document, "critical_path", "total_ms") or 0
    return Timeline(
        rows=tuple(_row(stage, start, total_ms, critical) for stage in rows(document, "stages")),
        ticks=ticks(total_ms),
        critical=critical,
        critical_total=figures.milliseconds(critical_ms),
        waited=any(
            text(attempt, "status") == "waiting"
            for stage in rows(document, "stages")
            for attempt in rows(stage, "attempts")
        ),
        ratio=f"{(number(document, 'duration_ms') or 0) / critical_ms:.2f}" if critical_ms else "",
    )


def ticks(total_ms: float) -> tuple[Tick, ...]:
    """Return four to nine marks at round times (1, 2 or 5 times a power of ten)."""
    step = 10 ** math.floor(math.log10(total_ms))
    for factor in (1, 0.5, 0.2):
        if total_ms / (step * factor) >= 4:
            step *= factor
            break
    count = int(total_ms / step)
    return tuple(
        Tick(
            position=n * step / total_ms,
            label="0" if n == 0 else figures.milliseconds(n * step).replace(".0 s", " s"),
        )
        for n in range(count + 1)
    )


def _last_end_ms(document: Document, start: datetime | None) -> float:
    ends = [
        _offset_ms(text(attempt, "ended_at"), start)
        for stage in rows(document, "stages")
        for attempt in rows(stage, "attempts")
    ]
    return max((end for end in ends if end is not None), default=0.0)


def _offset_ms(moment: str, start: datetime | None) -> float | None:
    at = figures.moment(moment)
    if at is None or start is None:
        return None
    return max(0.0, (at - start).total_seconds() * 1000)


def _row(stage: Document, start: datetime | None, total_ms: float, critical: tuple[str, ...]) -> TimelineRow:
    bars = []
    skipped = text(stage, "status") == "skipped"
    for attempt in [] if skipped else rows(stage, "attempts"):
        began_ms = _offset_ms(text(attempt, "started_at"), start)
        if began_ms is None:
            continue
        ended_ms = _offset_ms(text(attempt, "ended_at"), start)
        length = (total_ms if ended_ms is None else ended_ms) - began_ms
        bar = TimelineBar(
            start=began_ms / total_ms,
            length=max(0.003, length / total_ms),
            status=text(attempt, "status"),
            attempt=int(number(attempt, "attempt") or 1),
        )
        bars.append(bar)
    return TimelineRow(
        name=text(stage, "name"),
        status=text(stage, "status"),
        duration=figures.milliseconds(number(stage, "duration_ms")) if bars else "",
        reason=text(stage, "reason"),
        critical=text(stage, "name") in critical,
        cached_from=text(stage, "cached_from"),
        bars=tuple(bars),
    )
