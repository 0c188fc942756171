"""What a person reads in the ten seconds after a run: verdict, cause, gates, findings, the way on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from chainops.core.text import one_line, plural, shorten
from chainops.core.units import format_bytes
from chainops.report import figures
from chainops.report.caching import taken_line
from chainops.report.headline import SIGNS, Failure, Headline, headline
from chainops.report.reading import (
    Document,
    cleaned,
    dig,
    integer,
    metric,
    number,
    outputs,
    rows,
    short_name,
    text,
)
from chainops.report.tables import (
    FindingRow,
    GateRow,
    deployed_rows,
    finding_rows,
    gate_rows,
    severity_counts,
    size_rows,
    test_stages,
)

_COLOURS = {
    "success": "32",
    "passed": "32",
    "failed": "31",
    "not_run": "31",
    "lost": "31",
    "critical": "31",
    "high": "31",
    "medium": "33",
    "cancelled": "33",
    "paused": "33",
    "waiting": "33",
    "skipped": "2",
    "low": "2",
    "info": "2",
    "dim": "2",
    "bold": "1",
}
_TOP_FINDINGS = 5
_MOST_FAILURES = 4


class _Paint:
    """Adds colour (ECMA-48 SGR) or leaves the text as it is."""

    def __init__(self, *, colour: bool) -> None:
        self._colour = colour

    def __call__(self, words: str, name: str) -> str:
        code = _COLOURS.get(name) if self._colour else None
        return f"\x1b[{code}m{words}\x1b[0m" if code and words else words


def summary(
    document: Document, report_dir: Path | None = None, *, colour: bool = False, width: int = 100
) -> str:
    """Return the summary of a run as text; `width` is the terminal's in columns.

    `report_dir` is the folder with the reports, whose page is named at the end.
    """
    document = cleaned(document)
    paint = _Paint(colour=colour)
    verdict = headline(document)
    blocks = [
        _verdict(document, verdict, paint, width),
        _stages(document, paint, width),
        _gates(gate_rows(document), paint, width),
        _findings(finding_rows(document), paint, width),
        _figures(document, paint),
        _deployed(document, paint),
        _approvals(document),
        [f"Report  {report_dir / 'report.html'}"] if report_dir else [],
    ]
    return "\n\n".join("\n".join(_harmless(line) for line in block) for block in blocks if block)


def _harmless(line: str) -> str:
    """Break what a CI system would take for a command of ours (`##[…]` anywhere in a line)."""
    return line.replace("##[", "# #[")


def _verdict(document: Document, verdict: Headline, paint: _Paint, width: int) -> list[str]:
    sign = SIGNS.get(verdict.status, "?")
    commit = shorten(text(document, "commit", "id"), 11).rstrip("…")[:10]
    dirty = " + uncommitted changes" if commit and dig(document, "commit", "dirty") else ""
    facts = [
        text(document, "project", "name"),
        commit + dirty,
        figures.milliseconds(number(document, "duration_ms")),
        text(document, "run_id"),
    ]
    first = paint(f"{sign} {verdict.label}", verdict.status) + "  "
    lines = [first + paint("  ·  ".join(one_line(f, 60) for f in facts if f), "dim")]
    if not verdict.failures or verdict.status in ("paused", "cancelled"):
        lines.append(f"  {one_line(verdict.sentence, 3 * width)}")
    if verdict.hint:
        lines.append(f"    hint: {one_line(verdict.hint, 3 * width)}")
    for failure in verdict.failures[:_MOST_FAILURES]:
        lines += _failure(failure, paint, width)
    if len(verdict.failures) > _MOST_FAILURES:
        lines.append(paint(f"  and {len(verdict.failures) - _MOST_FAILURES} more failures", "dim"))
    return lines


def _failure(failure: Failure, paint: _Paint, width: int) -> Iterator[str]:
    code = f" [{failure.code}]" if failure.code else ""
    allowed = " (allowed to fail)" if failure.allowed else ""
    name = paint(one_line(failure.what, 60), "bold")
    yield f"  {name}{allowed}: {one_line(failure.reason, 3 * width)}{paint(code, 'dim')}"
    for where in failure.places[:3]:
        yield f"    at {one_line(where, 2 * width)}"
    if len(failure.places) > 3:
        yield paint(f"    and {plural(len(failure.places) - 3, 'more place')}", "dim")
    if failure.hint:
        yield f"    hint: {one_line(failure.hint, 3 * width)}"


def _stages(document: Document, paint: _Paint, width: int) -> list[str]:
    lines = []
    names = [one_line(short_name(text(stage, "name")), 40) for stage in rows(document, "stages")]
    name_width = max([20, *map(len, names)])
    for stage, name in zip(rows(document, "stages"), names, strict=True):
        status = text(stage, "status")
        took = figures.milliseconds(number(stage, "duration_ms")) if stage.get("attempts") else ""
        why = "" if status == "failed" else text(stage, "reason")
        if text(stage, "cached_from"):
            why = f"cached · {why}" if why else "cached"
        line = f"  {SIGNS.get(status, '?')} {name:<{name_width}} {took:>8}"
        lines.append(
            paint(line, status)
            + (paint(f"  {one_line(why, max(20, width - name_width - 14))}", "dim") if why else "")
        )
    if taken := taken_line(document):
        lines.append(paint(f"  {taken}", "dim"))
    path = document.get("critical_path")
    total_ms = number(path, "total_ms")
    if total_ms:
        lines.append(paint(f"  critical path {figures.milliseconds(total_ms)}", "dim"))
    return lines


def _gates(gates: tuple[GateRow, ...], paint: _Paint, width: int) -> list[str]:
    if not gates:
        return []
    lines = [f"Gates   {sum(g.passed for g in gates)} of {len(gates)} passed"]
    for gate in gates:
        sign = paint(SIGNS["passed" if gate.passed else "failed"], gate.status)
        where = "" if gate.passed or not gate.place else f"  {one_line(gate.place, width)}"
        measure = f"{gate.measured} ({gate.threshold})"
        lines.append(f"  {sign} {one_line(gate.gate, 48):<30} {measure:<32} {gate.margin:>12}{where}")
    return lines


def _findings(found: tuple[FindingRow, ...], paint: _Paint, width: int) -> list[str]:
    counting = [f for f in found if not f.suppressed_by]
    suppressed = len(found) - len(counting)
    if not found:
        return []
    parts = [f"{count} {severity}" for severity, count in severity_counts(found).items()] or ["none"]
    if suppressed:
        parts.append(f"{suppressed} suppressed")
    lines = [f"Findings  {', '.join(parts)}"]
    for finding in counting[:_TOP_FINDINGS]:
        severity = paint(f"{one_line(finding.severity, 8):<8}", finding.severity)
        lines.append(f"  {severity} {one_line(f'{finding.rule}  {finding.place}', width)}")
        lines.append(f"           {one_line(finding.message, max(40, width - 12))}")
    if len(counting) > _TOP_FINDINGS:
        lines.append(paint(f"  and {len(counting) - _TOP_FINDINGS} more in the report", "dim"))
    return lines


def _figures(document: Document, paint: _Paint) -> list[str]:
    lines = []
    for name, left in test_stages(document):
        counts = left.get("tests")
        line = f"{integer(counts, 'passed')} of {plural(integer(counts, 'total'), 'test')} passed"
        lines.append(f"Tests   {line} ({name})")
    coverage = outputs(document, "unit-tests").get("coverage")
    if number(coverage, "lines") is not None:
        kinds = ("lines", "statements", "branches", "functions")
        parts = [f"{kind} {figures.percent(number(coverage, kind))}" for kind in kinds]
        lines.append(f"Cover   {', '.join(parts)}")
    sizes = size_rows(document)
    if sizes:
        largest = sizes[0]
        share = figures.percent(largest.runtime_bytes / largest.limit_bytes)
        lines.append(
            f"Size    {one_line(largest.contract, 60)}: {format_bytes(largest.runtime_bytes)}, "
            f"{share} of the limit (largest of {len(sizes)})"
        )
    gas = metric(document, "gas.total")
    if gas is not None:
        lines.append(f"Gas     {figures.figure(gas, 'gas')} in all measured functions")
    return [paint(line[:8], "bold") + line[8:] for line in lines]


def _approvals(document: Document) -> list[str]:
    """Say who agreed to what; the digest in full, as it names exactly that."""
    return [
        "Approved"
        f"  {one_line(text(given, 'stage') or 'any stage', 60)} by {one_line(text(given, 'by'), 80)}"
        f" at {one_line(text(given, 'at'), 30)}: {one_line(text(given, 'digest'), 80)}"
        for given in rows(document, "approvals")
    ]


def _deployed(document: Document, paint: _Paint) -> list[str]:
    found = deployed_rows(document)
    if not found:
        return []
    lines = ["Deployed"]
    for row in found:
        differs = "" if row.code_matches is not False else paint("  CODE DIFFERS", "failed")
        lines.append(
            f"  {one_line(row.name, 24):<20} {one_line(row.address, 44)}  "
            f"{one_line(row.network, 24)}  {row.gas_used:,} gas{differs}"
        )
    return lines
