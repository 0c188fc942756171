"""Sums what a toolchain measured by file or function up to figures of the whole project."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from chainops.toolchains.model import Coverage, GasEntry, Ratio

DEPLOYMENT = "deployment"


@dataclass(frozen=True, slots=True, kw_only=True)
class CoverageTotals:
    """Coverage of all files together; None where nothing was measured."""

    lines: Ratio | None = None
    statements: Ratio | None = None
    branches: Ratio | None = None
    functions: Ratio | None = None


def coverage_totals(coverage: Coverage) -> CoverageTotals:
    """Return sums of hits over sums of totals, so that a large file weighs more than a small one."""
    if coverage.failure or not coverage.files:
        return CoverageTotals()
    statements = [file.statements for file in coverage.files if file.statements is not None]
    return CoverageTotals(
        lines=_sum(file.lines for file in coverage.files),
        # a sum over some of the files would not be comparable with the others
        statements=_sum(statements) if len(statements) == len(coverage.files) else None,
        branches=_sum(file.branches for file in coverage.files),
        functions=_sum(file.functions for file in coverage.files),
    )


def _sum(ratios: Iterable[Ratio]) -> Ratio:
    found = list(ratios)
    return Ratio(hit=sum(ratio.hit for ratio in found), total=sum(ratio.total for ratio in found))


def total_gas(entries: Iterable[GasEntry]) -> int:
    """Return the sum of the median gas of every function and deployment.

    The median, because it does not move with the number of calls that tests happen to make.
    """
    return sum(entry.median_gas for entry in entries)
