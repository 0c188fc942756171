"""The quality gates as pure functions: measurement and threshold in, verdict with its evidence out.

Those on gas stand in `gas_gates`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from chainops.analysis.model import Finding, FunctionComplexity, Severity
from chainops.core.errors import Place
from chainops.core.text import plural
from chainops.quality.model import GateStatus, Verdict
from chainops.quality.sizes import SizeLimit
from chainops.quality.verdicts import AT_LEAST, AT_MOST, at_most, listed, not_run, percent, short

COVERAGE = "min_test_coverage"
COMPLEXITY = "max_complexity_score"
SECURITY = "security_scan_required"
SIZE = "max_contract_size"
INIT_SIZE = "max_init_size"


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractSize:
    """Code sizes of a deployable contract, in bytes."""

    contract: str
    runtime_size_bytes: int
    init_size_bytes: int
    #: where it is declared
    place: Place | None = None


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
    message = f"{percent(measured)} of {measure} covered, at least {percent(threshold)} required"
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
        names = listed([f"{f.name} ({f.complexity})" for f in above])
        message = f"{plural(len(above), 'function')} above {threshold}: {names}"
    elif worst:
        message = f"{worst.name} is the most complex: {worst.complexity} of {threshold} allowed"
    else:
        message = "there is no function to measure"
    return at_most(
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
        names = listed([f"{f.rule} ({f.severity.label})" for f in bad])
        message = f"{plural(len(bad), 'finding')} of severity {fail_on.label} or worse: {names}"
    else:
        below = f"; {plural(len(counted), 'finding')} below it" if counted else ""
        message = f"no finding of severity {fail_on.label} or worse{below}"
    return at_most(
        SECURITY,
        stage,
        measured=len(bad),
        threshold=0,
        unit="count",
        message=message,
        tool=tool,
        place=bad[0].places[0] if bad and bad[0].places else None,
    )


def evaluate_sizes(
    contracts: Sequence[ContractSize], size_limit: SizeLimit, *, stage: str, tool: str = ""
) -> tuple[Verdict, ...]:
    """Judge runtime code (EIP-170) and init code (EIP-3860: at most twice the limit of runtime code)."""
    limit_bytes = size_limit.limit_bytes
    places = {c.contract: c.place for c in contracts}
    runtime = [(c.runtime_size_bytes, c.contract) for c in contracts]
    init = [(c.init_size_bytes, c.contract) for c in contracts]
    return tuple(
        at_most(
            gate,
            stage,
            measured=max((size for size, _ in sizes), default=0),
            threshold=limit,
            unit="bytes",
            message=_told_size(code, sizes, limit) + size_limit.where,
            tool=tool,
            place=places[max(sizes)[1]] if sizes else None,
        )
        for gate, code, sizes, limit in (
            (SIZE, "runtime code", runtime, limit_bytes),
            (INIT_SIZE, "init code", init, 2 * limit_bytes),
        )
    )


def _told_size(code: str, sizes: list[tuple[int, str]], limit_bytes: int) -> str:
    ordered = sorted(sizes, key=lambda size: (-size[0], size[1]))
    above = [f"{short(name)} ({size:,} bytes)" for size, name in ordered if size > limit_bytes]
    if above:
        return f"{code} above the {limit_bytes:,} bytes allowed: {listed(above)}"
    if not ordered:
        return "there is no deployable contract"
    size, name = ordered[0]
    return f"{short(name)} has the largest {code}: {size:,} bytes, {limit_bytes:,} allowed"
