"""Sums over files and functions."""

from __future__ import annotations

from chainops.toolchains.model import Coverage, FileCoverage, GasEntry, Ratio
from chainops.toolchains.totals import CoverageTotals, coverage_totals, total_gas


def covered(path: str, hit: int, total: int, statements: Ratio | None) -> FileCoverage:
    ratio = Ratio(hit=hit, total=total)
    return FileCoverage(path=path, lines=ratio, branches=ratio, functions=ratio, statements=statements)


def test_files_weigh_by_their_size() -> None:
    coverage = Coverage(
        files=(covered("a", 1, 1, Ratio(hit=1, total=1)), covered("b", 0, 9, Ratio(hit=1, total=3)))
    )
    totals = coverage_totals(coverage)
    assert totals.lines == Ratio(hit=1, total=10)
    assert totals.statements == Ratio(hit=2, total=4)


def test_statements_of_some_files_are_no_total() -> None:
    coverage = Coverage(files=(covered("a", 1, 1, None), covered("b", 0, 9, Ratio(hit=1, total=3))))
    assert coverage_totals(coverage).statements is None


def test_what_was_not_measured_has_no_figure() -> None:
    assert coverage_totals(Coverage(failure="stack too deep")) == CoverageTotals()
    assert coverage_totals(Coverage()) == CoverageTotals()


def test_total_gas_does_not_depend_on_the_number_of_calls() -> None:
    def entry(calls: int) -> GasEntry:
        return GasEntry(
            contract="c", function="f()", calls=calls, min_gas=1, mean_gas=5, median_gas=4, max_gas=9
        )

    assert total_gas([entry(1)]) == total_gas([entry(1000)]) == 4
