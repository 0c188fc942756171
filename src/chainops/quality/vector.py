"""The quality vector: five figures from 0 to 1, each with its formula and what went into it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean

from chainops.analysis.model import FileMetrics, Finding, FunctionComplexity, Severity
from chainops.quality.gas import GasComparison

#: McCabe's upper limit for a module (IEEE TSE SE-2(4), 1976, p. 314)
SIMPLE_COMPLEXITY = 10
#: from here on a function counts as untestable (SEI, C4 Software Technology Reference Guide, 1997, p. 147)
UNTESTABLE_COMPLEXITY = 50
#: how often one finding halves the figure; ours
SECURITY_WEIGHTS: Mapping[Severity, float] = {
    Severity.CRITICAL: 4.0,
    Severity.HIGH: 2.0,
    Severity.MEDIUM: 0.5,
    Severity.LOW: 0.05,
    Severity.INFO: 0.0,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Dimension:
    """One figure of the vector. `value` is None when an input was not measured, and `reason` says which."""

    value: float | None
    formula: str
    #: the figures that stand in the formula
    inputs: Mapping[str, float] = field(default_factory=dict)
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityVector:
    """The whole vector; 1 is best in every dimension."""

    complexity: Dimension
    maintainability: Dimension
    reliability: Dimension
    security: Dimension
    performance: Dimension


@dataclass(frozen=True, slots=True, kw_only=True)
class VectorInputs:
    """What the stages measured; None is what was not."""

    files: Sequence[FileMetrics] | None = None
    tests_passed: int | None = None
    tests_failed: int | None = None
    #: ratio 0–1
    branch_coverage: float | None = None
    #: ratio 0–1, for a tool that counts no branches
    line_coverage: float | None = None
    #: of a scan that ran
    findings: Sequence[Finding] | None = None
    gas: GasComparison | None = None


def quality_vector(inputs: VectorInputs) -> QualityVector:
    """Compute all five dimensions."""
    return QualityVector(
        complexity=complexity_score(inputs.files),
        maintainability=maintainability_score(inputs.files),
        reliability=reliability_score(inputs),
        security=security_score(inputs.findings),
        performance=performance_score(inputs.gas),
    )


def complexity_score(files: Sequence[FileMetrics] | None) -> Dimension:
    """Score cyclomatic complexity, weighted by the lines of each function (the formula is ours).

    A function up to McCabe's limit of 10 scores 1, one from SEI's 50 on scores 0, linear between.
    """
    formula = "Σ lines·clamp((50 − complexity) / 40) / Σ lines, over functions"
    functions = _functions(files)
    if files is None or not functions:
        return _unknown(formula, "no function was measured")
    weights = [max(1, f.lines) for f in functions]
    scores = [
        _clamp((UNTESTABLE_COMPLEXITY - f.complexity) / (UNTESTABLE_COMPLEXITY - SIMPLE_COMPLEXITY))
        for f in functions
    ]
    value = sum(w * s for w, s in zip(weights, scores, strict=True)) / sum(weights)
    return Dimension(
        value=_clamp(value),
        formula=formula,
        inputs={
            "functions": len(functions),
            "max_complexity": max(f.complexity for f in functions),
            "mean_complexity": fmean(f.complexity for f in functions),
        },
    )


def maintainability_score(files: Sequence[FileMetrics] | None) -> Dimension:
    """Score the Maintainability Index with averages a function, on Visual Studio's scale divided by 100.

    MI = 171 − 5.2 ln V − 0.23 G − 16.2 ln L (Coleman, Ash, Lowther, Oman, IEEE Computer 27(8), 1994), with V
    Halstead's volume, G cyclomatic complexity and L lines of code; Microsoft's rescaling is
    max(0, MI·100/171). Its comment term is left out, as Microsoft leaves it out.
    """
    formula = "max(0, 171 − 5.2·ln V − 0.23·G − 16.2·ln L) / 171, averages a function"
    functions = _functions(files)
    if files is None or not functions:
        return _unknown(formula, "no function was measured")
    volume = fmean(max(1.0, f.halstead_volume) for f in functions)
    complexity = fmean(f.complexity for f in functions)
    lines = fmean(max(1, f.lines) for f in functions)
    index = 171 - 5.2 * math.log(volume) - 0.23 * complexity - 16.2 * math.log(lines)
    return Dimension(
        value=_clamp(index / 171),
        formula=formula,
        inputs={"V": volume, "G": complexity, "L": lines, "functions": len(functions)},
    )


def reliability_score(inputs: VectorInputs) -> Dimension:
    """Score the tests: the share that passes times what they reach (the formula is ours)."""
    formula = "passed / (passed + failed) · coverage (of branches, else of lines)"
    passed, failed = inputs.tests_passed, inputs.tests_failed
    if passed is None or failed is None or passed + failed == 0:
        return _unknown(formula, "no test ran")
    coverage = inputs.branch_coverage if inputs.branch_coverage is not None else inputs.line_coverage
    if coverage is None:
        return _unknown(formula, "coverage was not measured")
    return Dimension(
        value=_clamp(passed / (passed + failed) * coverage),
        formula=formula,
        inputs={"passed": passed, "failed": failed, "coverage": coverage},
    )


def security_score(findings: Sequence[Finding] | None) -> Dimension:
    """Score the findings that count: each halves the figure as often as its weight says (ours)."""
    weights = " + ".join(f"{w:g}·{s.label}" for s, w in SECURITY_WEIGHTS.items() if w)
    formula = f"2^−({weights})"
    if findings is None:
        return _unknown(formula, "no security scan ran")
    counts = {s: sum(f.severity is s and not f.suppressed_by for f in findings) for s in SECURITY_WEIGHTS}
    exponent = sum(SECURITY_WEIGHTS[s] * count for s, count in counts.items())
    return Dimension(
        value=_clamp(0.5**exponent),
        formula=formula,
        inputs={s.label: count for s, count in counts.items()},
    )


def performance_score(gas: GasComparison | None) -> Dimension:
    """Score gas against the baseline: 1 when nothing rose (the formula is ours)."""
    formula = "mean of min(1, baseline / now), over functions in both"
    if gas is None:
        return _unknown(formula, "there is no baseline to compare gas with, or gas was not measured")
    if not gas.changes:
        return _unknown(formula, "the baseline and this run have no function in common")
    return Dimension(
        value=_clamp(fmean(min(1.0, c.before / c.after) if c.after else 1.0 for c in gas.changes)),
        formula=formula,
        inputs={
            "functions": len(gas.changes),
            "rose": sum(c.rise > 0 for c in gas.changes),
            "fell": sum(c.rise < 0 for c in gas.changes),
        },
    )


def _functions(files: Iterable[FileMetrics] | None) -> list[FunctionComplexity]:
    return [function for file in files or () for function in file.functions]


def _unknown(formula: str, reason: str) -> Dimension:
    return Dimension(value=None, formula=formula, reason=reason)


def _clamp(value: float) -> float:
    return min(1.0, max(0.0, value))
