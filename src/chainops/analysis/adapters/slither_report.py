"""Slither's condensed report (see `condense_report`) as findings."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, TypeVar

from pydantic import BaseModel, Field, ValidationError

from chainops.analysis.errors import AnalyzerError
from chainops.analysis.model import Confidence, Finding, Severity
from chainops.analysis.sources import Sources
from chainops.core.errors import Place
from chainops.core.text import clean, one_line, shorten

T = TypeVar("T")

_SEVERITIES = {
    "High": Severity.HIGH,
    "Medium": Severity.MEDIUM,
    "Low": Severity.LOW,
    "Informational": Severity.INFO,
    "Optimization": Severity.INFO,
}
_CONFIDENCES = {"High": Confidence.HIGH, "Medium": Confidence.MEDIUM, "Low": Confidence.LOW}
#: positions in prose, ` (src/Bank.sol#17-22)`: the places say it, and it changes whenever code moves
_POSITION = re.compile(r"\s*\((?:[^()\n]|\([^()\n]*\))*#\d+(?:-\d+)?\)")
#: the end of a first line that leads in to the list of places below it
_LEAD_IN = re.compile(r"(?:\.? It is used in)?\s*:?\s*$")
_MOST_PLACES = 20
_EXPLANATION_CHARACTERS = 2000


class SourceMapping(BaseModel):
    """Where an element stands. `start` and `length` count bytes, `lines` from 1."""

    start: int = 0
    length: int = 0
    filename_relative: str = ""
    filename_absolute: str = ""
    lines: list[int] = []


class Element(BaseModel):
    """A part of the source that a result is about."""

    type: str
    name: str = ""
    source_mapping: SourceMapping = SourceMapping()
    type_specific_fields: dict[str, Any] = {}


class DetectorResult(BaseModel):
    """One result of one detector."""

    check: str
    impact: str
    confidence: str
    description: str
    elements: list[Element] = []
    reference: str = ""


class Detector(BaseModel):
    """What slither says of one of its rules."""

    check: str
    title: str = ""
    wiki_url: str = ""
    description: str = ""
    recommendation: str = ""


class Results(BaseModel):
    """Both lists may be absent when they are empty."""

    detectors: list[DetectorResult] = []
    known: list[Detector] = Field(default=[], alias="list-detectors")
    #: how many results there were on all that was compiled
    total: int = 0


class SlitherReport(BaseModel):
    """The whole report. Only `success` tells a clean project from a failed run: the exit code does not."""

    success: bool
    error: str | None = None
    results: Results = Results()


def parse(raw: bytes) -> SlitherReport:
    """Read a report; raises `AnalyzerError` when it is cut off or has another shape."""
    try:
        return SlitherReport.model_validate_json(raw)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise AnalyzerError(
            f"slither's report cannot be read: {one_line(first['msg'])}"
            + (f" at {one_line(where)}" if where else ""),
            hint="run the stage again; if it stays, the report is among the stage's files",
        ) from error


def findings(report: SlitherReport, wanted: frozenset[str], sources: Sources) -> tuple[Finding, ...]:
    """Return the results that are about `wanted` sources (relative paths), without fingerprints.

    A result is about the file of its first element; one about pragmas is about any file it names. Projects
    with several compiler versions are analyzed once for each, and their common results are given once.
    """
    explained = {d.check: d for d in report.results.known}
    seen: set[tuple[str, str, tuple[Place, ...]]] = set()
    result = []
    for item in report.results.detectors:
        finding = _finding(item, explained.get(item.check), wanted, sources)
        key = (finding.rule, finding.message, finding.places) if finding else None
        if finding and key and key not in seen:
            seen.add(key)
            result.append(finding)
    return tuple(result)


def _finding(
    item: DetectorResult, detector: Detector | None, wanted: frozenset[str], sources: Sources
) -> Finding | None:
    elements = [(sources.relative(_path(e)), e) for e in item.elements if _path(e)]
    if elements and elements[0][1].type == "pragma":
        elements = [(path, e) for path, e in elements if path in wanted]
    if not elements or elements[0][0] not in wanted:
        return None
    path, shown = _shown(elements)
    first = _place(path, shown, sources)
    places = dict.fromkeys([first, *(_place(p, e, sources) for p, e in elements)])
    lines = shown.source_mapping.lines
    head, _, rest = item.description.strip().partition("\n")
    return Finding(
        tool="slither",
        rule=one_line(item.check, 80),
        severity=_known(_SEVERITIES, item.impact, item.check),
        confidence=_known(_CONFIDENCES, item.confidence, item.check),
        message=_LEAD_IN.sub("", one_line(_POSITION.sub("", head))) or one_line(item.check),
        places=tuple(places)[:_MOST_PLACES],
        excerpt=_excerpt(shown, path, first.line, lines, sources),
        explanation=_explanation(_POSITION.sub("", rest), detector),
        url=one_line(item.reference or (detector.wiki_url if detector else "")),
        symbol=_symbol(elements[0][1]),
    )


def _shown(elements: list[tuple[str, Element]]) -> tuple[str, Element]:
    """Return the statement that a result is about, where it names one in its own function, else its head."""
    path, head = elements[0]
    if head.type == "function":
        for other_path, other in elements[1:]:
            if other.type == "node" and other_path == path and _encloses(head, other):
                return other_path, other
    return path, head


def _encloses(outer: Element, inner: Element) -> bool:
    a, b = outer.source_mapping, inner.source_mapping
    return a.start <= b.start and b.start + b.length <= a.start + a.length


def _path(element: Element) -> str:
    return element.source_mapping.filename_absolute or element.source_mapping.filename_relative


def _place(path: str, element: Element, sources: Sources) -> Place:
    mapping = element.source_mapping
    source = sources[path]
    if source.raw and 0 <= mapping.start < len(source.raw):
        return Place(path, *source.place_of_byte(mapping.start))
    return Place(path, max(0, min(mapping.lines, default=0)))


def _excerpt(element: Element, path: str, line: int, lines: list[int], sources: Sources) -> str:
    # a whole function would say nothing and change its fingerprint with every edit: its head is enough
    last = line if element.type in ("function", "contract") else max(lines, default=line)
    return sources[path].excerpt(line, last)


def _symbol(element: Element) -> str:
    return one_line(".".join(reversed(list(_names(element)))))


def _names(element: Element) -> Iterator[str]:
    """Yield the names of the function and the contract around an element, inner ones first."""
    kind, name, fields = element.type, element.name, element.type_specific_fields
    for _ in range(10):
        if kind in ("function", "contract", "struct", "event", "enum", "variable") and name:
            yield name
        parent = fields.get("parent") if isinstance(fields, dict) else None
        if not isinstance(parent, dict):
            return
        kind, name = str(parent.get("type", "")), str(parent.get("name", ""))
        fields = parent.get("type_specific_fields") or {}


def _explanation(rest: str, detector: Detector | None) -> str:
    parts = [clean(rest).strip()]
    if detector:
        parts += [clean(detector.description).strip(), clean(detector.recommendation).strip()]
    return shorten("\n\n".join(part for part in parts if part), _EXPLANATION_CHARACTERS)


def _known(table: dict[str, T], name: str, check: str) -> T:
    try:
        return table[name]
    except KeyError:
        raise AnalyzerError(
            f"slither rates {one_line(check)} as {one_line(name)!r}, which is not known",
            hint="use the locked version of slither",
        ) from None
