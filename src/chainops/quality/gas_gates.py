"""The quality gates on gas as pure functions: how much it rose, and what a call may cost at most."""

from __future__ import annotations

from collections.abc import Mapping

from chainops.core.errors import Place
from chainops.core.text import plural
from chainops.quality.gas import GasChange, GasComparison
from chainops.quality.model import Verdict
from chainops.quality.verdicts import AT_MOST, at_most, listed, not_run, percent, short

GAS_RISE = "gas_optimization_threshold"
GAS_LIMIT = "gas_limits"


def evaluate_gas_rise(
    comparison: GasComparison | None,
    threshold: float,
    unit: str,
    *,
    stage: str,
    tool: str = "",
    why_not: str = "",
    places: Mapping[tuple[str, str], Place] | None = None,
) -> Verdict:
    """Judge how much gas rose above the baseline, in `gas` or as a `ratio` of it.

    None means that one side is missing, which `why_not` tells. New functions have nothing to rise above and
    removed ones nothing to rise to: they are listed and not judged. When no function is left to compare,
    nothing was measured. `places` says where (contract, function) stand.
    """
    if comparison is None or not comparison.changes:
        nothing = "gas was not measured"
        if comparison is not None:
            nothing = "no function of the baseline was measured in this run"
        why = why_not or nothing
        return not_run(GAS_RISE, stage, threshold=threshold, unit=unit, direction=AT_MOST, why=why)
    ordered = sorted(comparison.changes, key=lambda c: (-_rise(c, unit), c.contract, c.function))
    worst = ordered[0]
    known = (places or {}).get((worst.contract, worst.function))
    return at_most(
        GAS_RISE,
        stage,
        measured=_rise(worst, unit),
        threshold=threshold,
        unit=unit,
        message=_message(ordered, threshold, unit) + _beside(comparison),
        tool=tool,
        place=(known or _file_of(worst.contract)) if worst.rise > 0 else None,
    )


def evaluate_gas_limit(
    name: str,
    highest: tuple[str, str, int] | None,
    limit: int,
    *,
    stage: str,
    tool: str = "",
    why_not: str = "",
    place: Place | None = None,
) -> Verdict:
    """Judge an absolute limit by the dearest call: (contract, function, gas), None when no test made one."""
    if highest is None:
        why = f"{name}: " + (why_not or "no unit test calls it")
        return not_run(GAS_LIMIT, stage, threshold=limit, unit="gas", direction=AT_MOST, why=why)
    contract, function, gas = highest
    return at_most(
        GAS_LIMIT,
        stage,
        measured=gas,
        threshold=limit,
        unit="gas",
        message=f"{short(contract)}.{function} costs up to {gas:,} gas, at most {limit:,} allowed",
        tool=tool,
        place=place or _file_of(contract),
    )


def _message(ordered: list[GasChange], threshold: float, unit: str) -> str:
    """Tell what rose; `ordered` has the largest rise first."""
    allowed = percent(threshold) if unit == "ratio" else f"{threshold:,.0f} gas"
    above = [c for c in ordered if _rise(c, unit) > threshold]
    if above:
        return f"{plural(len(above), 'function')} rose by more than {allowed}: {listed(map(_told, above))}"
    if ordered[0].rise > 0:
        return f"the largest rise is {_told(ordered[0])}, at most {allowed} allowed"
    return f"no function rose; at most {allowed} allowed"


def _file_of(fqn: str) -> Place:
    return Place(fqn.rpartition(":")[0])


def _rise(change: GasChange, unit: str) -> float:
    return change.rise_ratio if unit == "ratio" else float(change.rise)


def _told(change: GasChange) -> str:
    return f"{change.name} {change.before:,} → {change.after:,} ({change.rise:+,}, {change.rise_ratio:+.1%})"


def _beside(comparison: GasComparison) -> str:
    parts = [
        f"{len(figures)} {what}: {listed([f'{short(g.contract)}.{g.function}' for g in figures])}"
        for what, figures in (("new", comparison.new), ("not measured any more", comparison.removed))
        if figures
    ]
    return f" ({'; '.join(parts)})" if parts else ""
