"""The rows of every table, typed: terminal, page and Markdown show the same figures in the same order."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from chainops.core.text import shorten
from chainops.core.units import format_wei
from chainops.report import figures
from chainops.report.reading import (
    Document,
    findings,
    first_place,
    integer,
    number,
    outputs,
    parts,
    place,
    rows,
    short_name,
    strings,
    text,
)

SEVERITIES = ("critical", "high", "medium", "low", "info")
#: the size limit of EIP-170, used when no gate names another
DEFAULT_SIZE_LIMIT_BYTES = 24_576
#: a finding says what to do in a paragraph; all of it is in result.json
_EXPLANATION_CHARACTERS = 900
_TEST_STAGES = ("unit-tests", "integration-tests")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """A bar: how far it is filled and where its mark stands, both 0–1 of its length."""

    fill: float
    mark: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GateRow:
    """A gate's verdict."""

    gate: str
    status: str
    stage: str
    measured: str
    threshold: str
    margin: str
    message: str
    tool: str
    place: str
    bar: Bar | None

    @property
    def passed(self) -> bool:
        """Whether the gate let the run pass."""
        return self.status == "passed"


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingRow:
    """A finding."""

    severity: str
    confidence: str
    tool: str
    rule: str
    message: str
    place: str
    #: number and text of each line of the excerpt
    excerpt: tuple[tuple[int, str], ...]
    explanation: str
    #: http or https, empty otherwise
    url: str
    suppressed_by: str
    also: tuple[str, ...]
    stage: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SizeRow:
    """A contract's size; `limit_bytes` counts for the runtime code."""

    contract: str
    runtime_bytes: int
    init_bytes: int
    limit_bytes: int
    bar: Bar

    @property
    def over(self) -> bool:
        """Whether it cannot be deployed."""
        return self.runtime_bytes > self.limit_bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class CoverageRow:
    """A file's coverage as ratios, None where it was not measured."""

    path: str
    lines: float | None
    statements: float | None
    branches: float | None
    functions: float | None
    missed: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeployedRow:
    """A contract on a chain."""

    stage: str
    network: str
    name: str
    address: str
    transaction: str
    block: str
    gas_used: int
    cost: str
    code_matches: bool | None


def gate_rows(document: Document) -> tuple[GateRow, ...]:
    """Return the gates, failed ones first."""
    found = [_gate(verdict) for verdict in rows(document, "gates")]
    return tuple(sorted(found, key=lambda row: row.passed))


def _gate(verdict: Mapping[str, Any]) -> GateRow:
    unit = text(verdict, "unit")
    measured, threshold = number(verdict, "measured"), number(verdict, "threshold")
    # which cell's figure it is stands beside the gate's name: all cells have the same gates
    cell = short_name(text(verdict, "stage")).partition("[")[2].removesuffix("]")
    return GateRow(
        gate=text(verdict, "gate") + (f" [{cell}]" if cell else ""),
        status=text(verdict, "status"),
        stage=text(verdict, "stage"),
        measured=figures.figure(measured, unit),
        threshold=figures.limit(threshold, text(verdict, "direction"), unit),
        margin=figures.signed(number(verdict, "margin"), unit),
        message=text(verdict, "message"),
        tool=text(verdict, "tool"),
        place=place(verdict.get("place")),
        bar=_gate_bar(measured, threshold, unit),
    )


def _gate_bar(measured: float | None, threshold: float | None, unit: str) -> Bar | None:
    """Scale so that both figures lie on the bar: ratios on 0–1, others with a quarter of room."""
    if measured is None or threshold is None:
        return None
    largest = max(measured, threshold, 0.0)
    whole = max(1.0, largest) if unit == "ratio" and threshold > 0.2 else largest * 1.25
    if not whole:
        return Bar(fill=0.0, mark=0.0)
    return Bar(fill=max(0.0, measured) / whole, mark=max(0.0, threshold) / whole)


def finding_rows(document: Document) -> tuple[FindingRow, ...]:
    """Return all findings, those that count first, the worst on top."""
    found = [_finding(stage, finding) for stage, finding in findings(document)]
    return tuple(sorted(found, key=lambda f: (bool(f.suppressed_by), severity_rank(f.severity), f.place)))


def severity_rank(severity: str) -> int:
    """Return 0 for `critical` and more for what is less severe."""
    return SEVERITIES.index(severity) if severity in SEVERITIES else len(SEVERITIES)


def _finding(stage: str, finding: Mapping[str, Any]) -> FindingRow:
    url = text(finding, "url")
    line = max(1, integer(next(iter(rows(finding, "places")), {}), "line"))
    source = textwrap.dedent(text(finding, "excerpt")[:4000]).rstrip("\n").split("\n")[:40]
    return FindingRow(
        severity=text(finding, "severity"),
        confidence=text(finding, "confidence"),
        tool=text(finding, "tool"),
        rule=text(finding, "rule"),
        message=text(finding, "message"),
        place=first_place(finding),
        excerpt=tuple(enumerate(source, line)) if any(source) else (),
        explanation=shorten(text(finding, "explanation"), _EXPLANATION_CHARACTERS),
        url=url if url.lower().startswith(("https://", "http://")) else "",
        suppressed_by=text(finding, "suppressed_by"),
        also=tuple(strings(finding, "also")),
        stage=stage,
    )


def severity_counts(found: tuple[FindingRow, ...]) -> dict[str, int]:
    """Return how many findings count, by severity, the worst first; severities without any are left out."""
    counts = {s: sum(f.severity == s and not f.suppressed_by for f in found) for s in SEVERITIES}
    return {severity: count for severity, count in counts.items() if count}


def size_rows(document: Document) -> tuple[SizeRow, ...]:
    """Return the deployable contracts, the largest first."""
    gate = next((g for g in rows(document, "gates") if text(g, "gate") == "max_contract_size"), {})
    limit = integer(gate, "threshold") or DEFAULT_SIZE_LIMIT_BYTES
    contracts = [
        c for c in rows(outputs(document, "compilation"), "contracts") if c.get("deployable") is not False
    ]
    whole = max([limit, *(integer(c, "runtime_size_bytes") for c in contracts)]) * 1.05
    found = [
        SizeRow(
            contract=f"{text(c, 'path')}:{text(c, 'name')}",
            runtime_bytes=integer(c, "runtime_size_bytes"),
            init_bytes=integer(c, "init_size_bytes"),
            limit_bytes=limit,
            bar=Bar(fill=integer(c, "runtime_size_bytes") / whole, mark=limit / whole),
        )
        for c in contracts
    ]
    return tuple(sorted(found, key=lambda row: (-row.runtime_bytes, row.contract)))


def coverage_rows(document: Document) -> tuple[CoverageRow, ...]:
    """Return the coverage of every file, the least covered first."""
    files = rows(outputs(document, "unit-tests"), "coverage", "files")
    found = [
        CoverageRow(
            path=text(file, "path"),
            lines=_ratio(file.get("lines")),
            statements=_ratio(file.get("statements")),
            branches=_ratio(file.get("branches")),
            functions=_ratio(file.get("functions")),
            missed=figures.ranges([int(n) for n in strings(file, "missed_lines") if n.isdecimal()]),
        )
        for file in files
    ]
    return tuple(sorted(found, key=lambda row: (1.0 if row.lines is None else row.lines, row.path)))


def _ratio(value: Any) -> float | None:
    """Read `{hit, total}`; an empty total counts as covered, as in lcov."""
    if not isinstance(value, Mapping):
        return None
    total = integer(value, "total")
    return integer(value, "hit") / total if total else 1.0


def deployed_rows(document: Document) -> tuple[DeployedRow, ...]:
    """Return what the run deployed, in order."""
    found = []
    for stage in (*parts(document, "contract-deploy"), *parts(document, "production-deploy")):
        left = outputs(document, stage)
        for contract in rows(left, "contracts"):
            matches = contract.get("code_matches")
            row = DeployedRow(
                stage=stage,
                network=text(left, "network"),
                name=text(contract, "name"),
                address=text(contract, "address"),
                transaction=text(contract, "transaction"),
                block=text(contract, "block"),
                gas_used=integer(contract, "gas_used"),
                cost=cost(contract),
                code_matches=matches if isinstance(matches, bool) else None,
            )
            found.append(row)
    return tuple(found)


def cost(value: Mapping[str, Any]) -> str:
    """Return `cost_wei` in ether, empty when it is not known."""
    return format_wei(integer(value, "cost_wei")) if number(value, "cost_wei") is not None else ""


def test_stages(document: Document) -> tuple[tuple[str, Document], ...]:
    """Return the outputs of the stages that ran tests, with their names."""
    names = (part for stage in _TEST_STAGES for part in parts(document, stage))
    return tuple((name, found) for name in names if (found := outputs(document, name)).get("tests"))
