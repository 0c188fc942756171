"""Makes verdicts and their words, the same way for every gate."""

from __future__ import annotations

from collections.abc import Iterable

from chainops.core.errors import Place
from chainops.quality.model import GateStatus, Verdict

AT_LEAST = "at_least"
AT_MOST = "at_most"
_LISTED = 5


def not_run(gate: str, stage: str, *, threshold: float, unit: str, direction: str, why: str) -> Verdict:
    """Return the verdict for something that a gate requires and nothing measured: a failure."""
    return Verdict(
        gate=gate,
        status=GateStatus.NOT_RUN,
        stage=stage,
        measured=None,
        threshold=threshold,
        unit=unit,
        margin=None,
        direction=direction,
        message=why,
    )


def at_most(
    gate: str,
    stage: str,
    *,
    measured: float,
    threshold: float,
    unit: str,
    message: str,
    tool: str,
    place: Place | None,
) -> Verdict:
    """Return the verdict for a measurement that may not lie above `threshold`."""
    return Verdict(
        gate=gate,
        status=GateStatus.PASSED if measured <= threshold else GateStatus.FAILED,
        stage=stage,
        measured=measured,
        threshold=threshold,
        unit=unit,
        margin=threshold - measured,
        direction=AT_MOST,
        message=message,
        tool=tool,
        place=place,
    )


def listed(names: Iterable[str]) -> str:
    """Return the first names, and how many more there are."""
    every = list(names)
    rest = f" and {len(every) - _LISTED} more" if len(every) > _LISTED else ""
    return ", ".join(every[:_LISTED]) + rest


def percent(ratio: float) -> str:
    """Return a ratio (0-1) in percent, four digits of it."""
    return f"{ratio * 100:.4g} %"


def short(fqn: str) -> str:
    """Return the name in `path:name`."""
    return fqn.rpartition(":")[2]
