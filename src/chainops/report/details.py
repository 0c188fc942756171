"""The rows that only the page shows: tests, gas, complexity, the quality vector, deployments, tools, logs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from chainops.report.reading import Document, integer, number, outputs, place, rows, strings, text
from chainops.report.tables import Bar, test_stages

DIMENSIONS = ("complexity", "maintainability", "reliability", "security", "performance")


@dataclass(frozen=True, slots=True, kw_only=True)
class TestRow:
    """A test that did not pass."""

    __test__ = False  # pytest would collect the class by its name

    suite: str
    name: str
    kind: str
    reason: str
    counterexample: str
    place: str
    runs: int
    logs: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TestGroup:
    """Failing tests with one cause."""

    __test__ = False

    reason: str
    hint: str
    tests: tuple[TestRow, ...]
    #: failing tests of the group of which nothing more is known than their name
    names: tuple[str, ...]

    @property
    def count(self) -> int:
        """How many tests fail for this reason."""
        return len(self.tests) + len(self.names)


@dataclass(frozen=True, slots=True, kw_only=True)
class TestSuite:
    """What one stage's tests came to."""

    __test__ = False

    stage: str
    total: int
    passed: int
    failed: int
    skipped: int
    bar: Bar
    groups: tuple[TestGroup, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class GasRow:
    """A function's gas; `start` and `length` place its range on a common scale (0–1)."""

    contract: str
    function: str
    calls: int
    min_gas: int
    mean_gas: int
    median_gas: int
    max_gas: int
    start: float
    length: float
    mean: float
    change: str
    #: `worse`, `better`, empty without a baseline or a change
    trend: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Dimension:
    """A component of the quality vector, 0–1."""

    name: str
    value: float | None
    formula: str
    inputs: tuple[tuple[str, str], ...]
    #: why it has no value
    reason: str


def test_suites(document: Document) -> tuple[TestSuite, ...]:
    """Return the stages that ran tests."""
    return tuple(_suite(name, left) for name, left in test_stages(document))


def _suite(stage: str, left: Document) -> TestSuite:
    counts = left.get("tests")
    total, passed = integer(counts, "total"), integer(counts, "passed")
    return TestSuite(
        stage=stage,
        total=total,
        passed=passed,
        failed=integer(counts, "failed"),
        skipped=integer(counts, "skipped"),
        bar=Bar(fill=passed / total if total else 0.0),
        groups=_groups(left),
    )


def _groups(left: Document) -> tuple[TestGroup, ...]:
    """Join groups with their tests; a failing test that no group names makes one of its own."""
    failing = [_test(t) for t in rows(left, "cases") if text(t, "status") == "failed"]
    by_name = {alias: test for test in failing for alias in _aliases(test)}
    found, placed = [], set[TestRow]()
    for group in rows(left, "failure_groups"):
        names = strings(group, "tests")
        tests = tuple(dict.fromkeys(by_name[name] for name in names if name in by_name))
        placed |= set(tests)
        found.append(
            TestGroup(
                reason=text(group, "reason"),
                hint=text(group, "hint"),
                tests=tests,
                names=tuple(name for name in names if name not in by_name),
            )
        )
    alone = [test for test in failing if test not in placed]
    found += [TestGroup(reason=t.reason, hint="", tests=(t,), names=()) for t in alone]
    return tuple(sorted(found, key=lambda group: -group.count))


def _aliases(test: TestRow) -> tuple[str, ...]:
    """How a group may name a test, the unambiguous forms last so that they win."""
    contract = test.suite.rpartition(":")[2]
    joined = (f"{suite}{sign}{test.name}" for suite in (contract, test.suite) for sign in (".", ":", "::"))
    return (test.name, *joined)


def _test(test: Mapping[str, Any]) -> TestRow:
    return TestRow(
        suite=text(test, "suite"),
        name=text(test, "name"),
        kind=text(test, "kind"),
        reason=text(test, "reason"),
        counterexample=text(test, "counterexample"),
        place=place(test.get("place")),
        runs=integer(test, "runs"),
        logs=tuple(strings(test, "logs")[:50]),
    )


def gas_rows(document: Document) -> tuple[GasRow, ...]:
    """Return gas by contract and function, the most expensive first, deployments on top of their contract."""
    entries = rows(outputs(document, "unit-tests"), "gas")
    calls = [e for e in entries if text(e, "function") != "deployment"]
    largest = max((integer(e, "max_gas") for e in calls), default=0)
    before = gas_baseline(document)
    found = [_gas(entry, largest, before) for entry in entries]
    return tuple(
        sorted(found, key=lambda r: (r.contract, r.function != "deployment", -r.mean_gas, r.function))
    )


def _gas(entry: Mapping[str, Any], largest: int, before: Mapping[tuple[str, str], int]) -> GasRow:
    contract, function = text(entry, "contract"), text(entry, "function")
    least, most, mean = integer(entry, "min_gas"), integer(entry, "max_gas"), integer(entry, "mean_gas")
    scale = largest if function != "deployment" and largest else 0
    was = before.get((contract, function))
    median = integer(entry, "median_gas")
    rise = median - was if was is not None else 0
    return GasRow(
        contract=contract,
        function=function,
        calls=integer(entry, "calls"),
        min_gas=least,
        mean_gas=mean,
        median_gas=median,
        max_gas=most,
        start=least / scale if scale else 0.0,
        length=max(0.004, (most - least) / scale) if scale else 0.0,
        mean=mean / scale if scale else 0.0,
        change=_change(rise, was),
        trend="worse" if rise > 0 else "better" if rise < 0 else "",
    )


def _change(rise: int, was: int | None) -> str:
    """Return a difference to the baseline, empty when the baseline does not know the function."""
    if was is None or not rise:
        return "" if was is None else "±0"
    sign = "+" if rise > 0 else "−"
    share = f" ({sign}{abs(rise) / was * 100:.1f} %)" if was else ""
    return f"{sign}{abs(rise):,}{share}"


def gas_baseline(document: Document) -> dict[tuple[str, str], int]:
    """Return the median gas by contract and function that the run was compared with."""
    return {
        (text(e, "contract"), text(e, "function")): integer(e, "gas")
        for e in rows(document, "baseline", "gas")
    }


def complexity_rows(document: Document) -> list[tuple[str, str, int, int, Bar]]:
    """Return name, place, complexity, lines and bar of each function, the worst first."""
    functions = rows(outputs(document, "static-analysis"), "complexity")
    worst = max((integer(f, "complexity") for f in functions), default=1) or 1
    gate = next((g for g in rows(document, "gates") if text(g, "gate") == "max_complexity_score"), {})
    limit = number(gate, "threshold")
    whole = max(worst, limit or 0)
    return [
        (
            text(f, "name"),
            place(f.get("place")),
            integer(f, "complexity"),
            integer(f, "lines"),
            Bar(fill=integer(f, "complexity") / whole, mark=limit / whole if limit else None),
        )
        for f in sorted(functions, key=lambda f: -integer(f, "complexity"))
    ]


def dimensions(document: Document) -> tuple[Dimension, ...]:
    """Return the quality vector in its usual order; empty when it was not computed."""
    vector = document.get("quality_vector")
    if not isinstance(vector, Mapping):
        return ()
    found = {name: vector[name] for name in DIMENSIONS if isinstance(vector.get(name), Mapping)}
    return tuple(
        Dimension(
            name=name,
            value=number(part, "value"),
            formula=text(part, "formula"),
            reason=text(part, "reason"),
            inputs=tuple((str(k), _input(v)) for k, v in _items(part.get("inputs"))),
        )
        for name, part in found.items()
    )


def _items(value: Any) -> list[tuple[Any, Any]]:
    return list(value.items()) if isinstance(value, Mapping) else []


def _input(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:,.4g}" if abs(value) < 1e6 else f"{value:,.0f}"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
