"""The quality gates as pure functions: measurement and threshold in, verdict with its evidence out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from chainops.analysis.model import Finding, FunctionComplexity, Severity
from chainops.core.errors import Place
from chainops.core.text import plural
from chainops.quality.gas import GasChange, GasComparison
from chainops.quality.model import GateStatus, Verdict

COVERAGE = "min_test_coverage"
COMPLEXITY = "max_complexity_score"
SECURITY = "security_scan_required"
GAS_RISE = "gas_optimization_threshold"
GAS_LIMIT = "gas_limits"
SIZE = "max_contract_size"
INIT_SIZE = "max_init_size"

AT_LEAST = "at_least"
AT_MOST = "at_most"
_LISTED = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractSize:
    """Code sizes of a deployable contract, in bytes."""

    contract: str
    runtime_size_bytes: int
    init_size_bytes: int


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


def evaluate_coverage(
    measured: float | None,
    threshold: float,
    *,
    measure: str,
    stage: str,
    tool: str = "",
    place: Place | None = None,
    accuracy: str = "",
    why_not: str = "",
) -> Verdict:
    """Judge a coverage ratio (0–1). `place` is the first thing that no test reaches."""
    if measured is None:
        why = f"{measure} coverage was not measured" + (f": {why_not}" if why_not else "")
        return not_run(COVERAGE, stage, threshold=threshold, unit="ratio", direction=AT_LEAST, why=why)
    message = f"{_percent(measured)} of {measure} covered, at least {_percent(threshold)} required"
    return Verdict(
        gate=COVERAGE,
        status=GateStatus.PASSED if measured >= threshold else GateStatus.FAILED,
        stage=stage,
        measured=measured,
        threshold=threshold,
        unit="ratio",
        margin=measured - threshold,
        direction=AT_LEAST,
        message=message + (f" ({accuracy})" if accuracy else ""),
        tool=tool,
        place=place,
    )


def evaluate_complexity(
    functions: Iterable[FunctionComplexity], threshold: int, *, stage: str, tool: str = ""
) -> Verdict:
    """Judge the most complex function. A project without functions has a complexity of 0."""
    ordered = sorted(functions, key=lambda f: (-f.complexity, f.place, f.name))
    above = [f for f in ordered if f.complexity > threshold]
    worst = ordered[0] if ordered else None
    if above:
        listed = _listed([f"{f.name} ({f.complexity})" for f in above])
        message = f"{plural(len(above), 'function')} above {threshold}: {listed}"
    elif worst:
        message = f"{worst.name} is the most complex: {worst.complexity} of {threshold} allowed"
    else:
        message = "there is no function to measure"
    return _at_most(
        COMPLEXITY,
        stage,
        measured=worst.complexity if worst else 0,
        threshold=threshold,
        unit="count",
        message=message,
        tool=tool,
        place=worst.place if worst else None,
    )


def evaluate_security(
    findings: Iterable[Finding],
    fail_on: Severity,
    *,
    ran: bool,
    stage: str,
    tool: str = "",
    why_not: str = "",
) -> Verdict:
    """Judge the findings that count: none of `fail_on` or worse may be left. Without a scan it is no pass."""
    if not ran:
        why = "the security scan did not run" + (f": {why_not}" if why_not else "")
        return not_run(SECURITY, stage, threshold=0, unit="count", direction=AT_MOST, why=why)
    counted = [f for f in findings if not f.suppressed_by]
    bad = sorted((f for f in counted if f.severity >= fail_on), key=lambda f: (-f.severity, f.places[:1]))
    if bad:
        listed = _listed([f"{f.rule} ({f.severity.label})" for f in bad])
        message = f"{plural(len(bad), 'finding')} of severity {fail_on.label} or worse: {listed}"
    else:
        below = f"; {plural(len(counted), 'finding')} below it" if counted else ""
        message = f"no finding of severity {fail_on.label} or worse{below}"
    return _at_most(
        SECURITY,
        stage,
        measured=len(bad),
        threshold=0,
        unit="count",
        message=message,
        tool=tool,
        place=bad[0].places[0] if bad and bad[0].places else None,
    )


def evaluate_gas_rise(
    comparison: GasComparison | None,
    threshold: float,
    unit: str,
    *,
    stage: str,
    tool: str = "",
    why_not: str = "",
) -> Verdict:
    """Judge how much gas rose above the baseline, in `gas` or as a `ratio` of it.

    None means that one side is missing, which `why_not` tells. New functions have nothing to rise above and
    removed ones nothing to rise to: they are listed and not judged. When no function is left to compare,
    nothing was measured.
    """
    if comparison is not None and not comparison.changes:
        why_not = why_not or "no function of the baseline was measured in this run"
    if comparison is None or not comparison.changes:
        return not_run(
            GAS_RISE,
            stage,
            threshold=threshold,
            unit=unit,
            direction=AT_MOST,
            why=why_not or "gas was not measured",
        )
    ordered = sorted(comparison.changes, key=lambda c: (-_rise(c, unit), c.contract, c.function))
    worst = ordered[0]
    above = [c for c in ordered if _rise(c, unit) > threshold]
    allowed = _percent(threshold) if unit == "ratio" else f"{threshold:,.0f} gas"
    if above:
        message = (
            f"{plural(len(above), 'function')} rose by more than {allowed}: {_listed(map(_told, above))}"
        )
    elif worst.rise > 0:
        message = f"the largest rise is {_told(worst)}, at most {allowed} allowed"
    else:
        message = f"no function rose; at most {allowed} allowed"
    return _at_most(
        GAS_RISE,
        stage,
        measured=_rise(worst, unit),
        threshold=threshold,
        unit=unit,
        message=message + _beside(comparison),
        tool=tool,
        place=Place(worst.contract.rpartition(":")[0]) if worst.rise > 0 else None,
    )


def evaluate_gas_limit(
    name: str,
    highest: tuple[str, str, int] | None,
    limit: int,
    *,
    stage: str,
    tool: str = "",
    why_not: str = "",
) -> Verdict:
    """Judge an absolute limit by the dearest call: (contract, function, gas), None when no test made one."""
    if highest is None:
        why = f"{name}: " + (why_not or "no unit test calls it")
        return not_run(GAS_LIMIT, stage, threshold=limit, unit="gas", direction=AT_MOST, why=why)
    contract, function, gas = highest
    return _at_most(
        GAS_LIMIT,
        stage,
        measured=gas,
        threshold=limit,
        unit="gas",
        message=f"{_short(contract)}.{function} costs up to {gas:,} gas, at most {limit:,} allowed",
        tool=tool,
        place=Place(contract.rpartition(":")[0]),
    )


def evaluate_sizes(
    contracts: Sequence[ContractSize], limit_bytes: int, *, stage: str, network: str = "", tool: str = ""
) -> tuple[Verdict, ...]:
    """Judge runtime code (EIP-170) and init code (EIP-3860: at most twice the limit of runtime code)."""
    where = f" on {network}" if network else ""
    runtime = [(c.runtime_size_bytes, c.contract) for c in contracts]
    init = [(c.init_size_bytes, c.contract) for c in contracts]
    return tuple(
        _at_most(
            gate,
            stage,
            measured=max((size for size, _ in sizes), default=0),
            threshold=limit,
            unit="bytes",
            message=_told_size(code, sizes, limit) + where,
            tool=tool,
            place=Place(max(sizes)[1].rpartition(":")[0]) if sizes else None,
        )
        for gate, code, sizes, limit in (
            (SIZE, "runtime code", runtime, limit_bytes),
            (INIT_SIZE, "init code", init, 2 * limit_bytes),
        )
    )


def _told_size(code: str, sizes: list[tuple[int, str]], limit_bytes: int) -> str:
    ordered = sorted(sizes, key=lambda size: (-size[0], size[1]))
    above = [f"{_short(name)} ({size:,} bytes)" for size, name in ordered if size > limit_bytes]
    if above:
        return f"{code} above the {limit_bytes:,} bytes allowed: {_listed(above)}"
    if not ordered:
        return "there is no deployable contract"
    size, name = ordered[0]
    return f"{_short(name)} has the largest {code}: {size:,} bytes, {limit_bytes:,} allowed"


def _at_most(
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


def _rise(change: GasChange, unit: str) -> float:
    return change.rise_ratio if unit == "ratio" else float(change.rise)


def _told(change: GasChange) -> str:
    return f"{change.name} {change.before:,} → {change.after:,} ({change.rise:+,}, {change.rise_ratio:+.1%})"


def _beside(comparison: GasComparison) -> str:
    parts = [
        f"{len(figures)} {what}: {_listed([f'{_short(g.contract)}.{g.function}' for g in figures])}"
        for what, figures in (("new", comparison.new), ("not measured any more", comparison.removed))
        if figures
    ]
    return f" ({'; '.join(parts)})" if parts else ""


def _listed(names: Iterable[str]) -> str:
    every = list(names)
    rest = f" and {len(every) - _LISTED} more" if len(every) > _LISTED else ""
    return ", ".join(every[:_LISTED]) + rest


def _percent(ratio: float) -> str:
    return f"{ratio * 100:.4g} %"


def _short(fqn: str) -> str:
    return fqn.rpartition(":")[2]
