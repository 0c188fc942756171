"""Which chain of stages decided how long a run took: shortening any other stage would not shorten the run."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A stage's time of work, in seconds, and the stages it had to wait for."""

    name: str
    duration_s: float
    needs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CriticalPath:
    """The longest chain by duration, first stage first."""

    stages: tuple[str, ...]
    total_s: float


def critical_path(spans: Iterable[Span]) -> CriticalPath:
    """Return the chain of stages, each needing the one before, whose durations add up to the most.

    This is the longest path of a weighted acyclic graph (Kelley and Walker, 1959); of two equal chains the
    one with fewer stages counts. Needs that name no span are ignored. Raises ValueError for a cycle.
    """
    by_name = {span.name: span for span in spans}
    finished: dict[str, CriticalPath] = {}
    for name in by_name:
        _longest_to(name, by_name, finished)
    worked = (path for path in finished.values() if path.total_s > 0)
    best = max(worked, key=lambda p: (p.total_s, -len(p.stages)), default=None)
    return best or CriticalPath(stages=(), total_s=0.0)


def _longest_to(name: str, by_name: dict[str, Span], finished: dict[str, CriticalPath]) -> None:
    """Fill `finished` for `name` and all it needs; iterative, so that a long chain needs no deep stack."""
    stack, entered = [name], set[str]()
    while stack:
        span = by_name[stack[-1]]
        needs = [n for n in span.needs if n in by_name]
        missing = [n for n in needs if n not in finished]
        if span.name in finished:
            stack.pop()
        elif missing:
            if span.name in entered:
                raise ValueError(f"stages need each other in a circle: {span.name}")
            entered.add(span.name)
            stack += missing
        else:
            finished[span.name] = _extend(span, [finished[n] for n in needs])
            stack.pop()


def _extend(span: Span, before: list[CriticalPath]) -> CriticalPath:
    best = max(before, key=lambda p: (p.total_s, -len(p.stages)), default=None)
    if best is None or best.total_s == 0:
        return CriticalPath(stages=(span.name,), total_s=span.duration_s)
    if span.duration_s == 0:
        return best
    return CriticalPath(stages=(*best.stages, span.name), total_s=best.total_s + span.duration_s)
