"""The quality vector shows its formulas and inputs, and leaves out what was not measured."""

from __future__ import annotations

import math

import pytest

from chainops.analysis.model import Confidence, FileMetrics, Finding, FunctionComplexity, Severity
from chainops.core.errors import Place
from chainops.quality.baseline import GasFigure
from chainops.quality.gas import GasComparison, compare_gas
from chainops.quality.vector import VectorInputs, quality_vector


def functions(*measured: tuple[int, int, float]) -> tuple[FileMetrics, ...]:
    return (
        FileMetrics(
            path="A.sol",
            code_lines=100,
            comment_lines=10,
            functions=tuple(
                FunctionComplexity(
                    name="f", place=Place("A.sol", 1), complexity=c, lines=lines, halstead_volume=volume
                )
                for c, lines, volume in measured
            ),
        ),
    )


def finding(severity: Severity, suppressed_by: str = "") -> Finding:
    return Finding(
        tool="t",
        rule="r",
        severity=severity,
        confidence=Confidence.LOW,
        message="m",
        suppressed_by=suppressed_by,
    )


def gas(**figures: int) -> tuple[GasFigure, ...]:
    return tuple(GasFigure(contract="C", function=f, gas=g) for f, g in figures.items())


def test_nothing_measured_is_nothing_scored() -> None:
    vector = quality_vector(VectorInputs())
    for dimension in (
        vector.complexity, vector.maintainability, vector.reliability, vector.security, vector.performance,
    ):  # fmt: skip
        assert dimension.value is None
        assert dimension.reason
        assert dimension.formula


@pytest.mark.parametrize(
    ("measured", "score"),
    [
        ([(10, 5, 1.0)], 1.0),
        ([(30, 5, 1.0)], 0.5),
        ([(50, 5, 1.0)], 0.0),
        ([(90, 5, 1.0)], 0.0),
        ([(1, 30, 1.0), (50, 10, 1.0)], 0.75),
    ],
)
def test_complexity_weighs_by_lines(measured: list[tuple[int, int, float]], score: float) -> None:
    dimension = quality_vector(VectorInputs(files=functions(*measured))).complexity
    assert dimension.value == pytest.approx(score)
    assert dimension.inputs["max_complexity"] == max(c for c, _, _ in measured)


def test_maintainability_is_the_published_index() -> None:
    dimension = quality_vector(VectorInputs(files=functions((5, 20, 400.0)))).maintainability
    index = 171 - 5.2 * math.log(400) - 0.23 * 5 - 16.2 * math.log(20)
    assert dimension.value == pytest.approx(index / 171)
    assert dimension.inputs == {"V": 400.0, "G": 5, "L": 20, "functions": 1}


def test_reliability_takes_branches_before_lines() -> None:
    both = VectorInputs(tests_passed=9, tests_failed=1, branch_coverage=0.5, line_coverage=0.9)
    lines = VectorInputs(tests_passed=9, tests_failed=1, line_coverage=0.9)
    assert quality_vector(both).reliability.value == pytest.approx(0.45)
    assert quality_vector(lines).reliability.value == pytest.approx(0.81)
    assert (
        quality_vector(VectorInputs(tests_passed=0, tests_failed=0, line_coverage=1)).reliability.value
        is None
    )
    assert quality_vector(VectorInputs(tests_passed=1, tests_failed=0)).reliability.value is None


@pytest.mark.parametrize(
    ("found", "score"),
    [
        ([], 1.0),
        ([finding(Severity.INFO)], 1.0),
        ([finding(Severity.HIGH)], 0.25),
        ([finding(Severity.HIGH, "known")], 1.0),
        ([finding(Severity.MEDIUM)] * 2, 0.5),
        ([finding(Severity.CRITICAL)] * 2000, 0.0),
    ],
)
def test_security_halves_by_weight(found: list[Finding], score: float) -> None:
    assert quality_vector(VectorInputs(findings=found)).security.value == pytest.approx(score)


def test_performance_is_the_share_of_gas_kept() -> None:
    comparison = compare_gas(gas(a=100, b=100, c=0), gas(a=200, b=50, c=0))
    dimension = quality_vector(VectorInputs(gas=comparison)).performance
    assert dimension.value == pytest.approx((0.5 + 1 + 1) / 3)
    assert dimension.inputs == {"functions": 3, "rose": 1, "fell": 1}
    assert quality_vector(VectorInputs(gas=GasComparison())).performance.value is None
