"""JUnit XML, which every CI system shows: a suite a stage, with the project's own tests in it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree

from chainops.report.reading import (
    Document,
    cleaned,
    first_place,
    integer,
    number,
    outputs,
    place,
    rows,
    strings,
    text,
)

#: everything that XML 1.0 has no place for (§2.2, Char)
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_NO_TEST = ("pending", "running")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    """A test case; `outcome` is empty for a passed one."""

    classname: str
    name: str
    duration_s: float = 0.0
    #: `failure`, `error`, `skipped`
    outcome: str = ""
    message: str = ""
    details: str = ""
    file: str = ""
    line: int = 0


def render_junit(document: Document) -> bytes:
    """Return the run as JUnit XML: `testsuites` / `testsuite` a stage and one for gates / `testcase`."""
    document = cleaned(document)
    suites = [(text(s, "name"), s, list(_stage_cases(document, s))) for s in rows(document, "stages")]
    gates = [_gate_case(gate) for gate in rows(document, "gates")]
    if gates:
        suites.append(("quality-gates", {}, gates))
    root = ElementTree.Element("testsuites", _counts([c for _, _, cases in suites for c in cases]))
    root.set("name", _xml(text(document, "pipeline_id") or "chainops"))
    root.set("time", _seconds((number(document, "duration_ms") or 0) / 1000))
    for name, stage, cases in suites:
        _add_suite(root, name, stage, cases)
    ElementTree.indent(root)
    data: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return data + b"\n"


def _add_suite(root: ElementTree.Element, name: str, stage: Mapping[str, Any], cases: list[_Case]) -> None:
    suite = ElementTree.SubElement(root, "testsuite", {"name": _xml(name), **_counts(cases)})
    suite.set("time", _seconds((number(stage, "duration_ms") or 0) / 1000))
    started_at = text(stage, "started_at")
    if started_at:
        suite.set("timestamp", _xml(started_at))
    for case in cases:
        _add_case(suite, case)


def _add_case(suite: ElementTree.Element, case: _Case) -> None:
    attributes = {"classname": case.classname, "name": case.name, "time": _seconds(case.duration_s)}
    if case.file:
        attributes |= {"file": case.file, **({"line": str(case.line)} if case.line else {})}
    element = ElementTree.SubElement(suite, "testcase", {k: _xml(v) for k, v in attributes.items()})
    if case.outcome == "skipped":
        ElementTree.SubElement(element, "skipped", {"message": _xml(case.message)})
    elif case.outcome:
        child = ElementTree.SubElement(
            element, case.outcome, {"message": _xml(case.message), "type": case.outcome}
        )
        child.text = _xml(case.details)


def _stage_cases(document: Document, stage: Mapping[str, Any]) -> Iterator[_Case]:
    name = text(stage, "name")
    left = outputs(document, name)
    yield _stage_case(stage)
    if left.get("cells"):
        return  # its cells have suites of their own
    for test in rows(left, "cases"):
        yield _test_case(test)
    for check in rows(left, "checks"):
        failed = text(check, "status") != "passed"
        where = check.get("place")
        yield _Case(
            classname=name,
            name=text(check, "name"),
            outcome="failure" if failed else "",
            message=text(check, "detail"),
            details=place(where),
            file=text(where, "path"),
            line=integer(where, "line"),
        )


def _stage_case(stage: Mapping[str, Any]) -> _Case:
    """The stage itself as a test: a stage can fail while every test in it passed."""
    status, name = text(stage, "status"), text(stage, "name")
    outcome = {"failed": "failure", "lost": "error", "cancelled": "skipped", "waiting": "skipped"}.get(
        status, ""
    )
    if status == "failed" and text(stage, "failure") != "project":
        outcome = "error"
    if status in ("skipped", *_NO_TEST):
        outcome = "skipped"
    reason = text(stage, "reason") or (status if outcome else "")
    lines = [reason, first_place(stage), f"hint: {text(stage, 'hint')}" if stage.get("hint") else ""]
    first = next(iter(rows(stage, "places")), {})
    return _Case(
        classname="chainops",
        name=name,
        duration_s=(number(stage, "duration_ms") or 0) / 1000,
        outcome=outcome,
        message=reason,
        details="\n".join(filter(None, lines)),
        file=text(first, "path"),
        line=integer(first, "line"),
    )


def _test_case(test: Mapping[str, Any]) -> _Case:
    status = text(test, "status")
    logs = strings(test, "logs")
    where = test.get("place")
    lines = [text(test, "reason"), text(test, "counterexample"), place(where), *logs]
    return _Case(
        classname=text(test, "suite"),
        name=text(test, "name"),
        duration_s=number(test, "duration_s") or 0.0,
        outcome={"failed": "failure", "skipped": "skipped"}.get(status, ""),
        message=text(test, "reason"),
        details="\n".join(filter(None, lines)),
        file=text(where, "path"),
        line=integer(where, "line"),
    )


def _gate_case(gate: Mapping[str, Any]) -> _Case:
    where = gate.get("place")
    return _Case(
        classname="chainops.gates",
        name=text(gate, "gate"),
        outcome="" if text(gate, "status") == "passed" else "failure",
        message=text(gate, "message"),
        details="\n".join(filter(None, (text(gate, "message"), place(where)))),
        file=text(where, "path"),
        line=integer(where, "line"),
    )


def _counts(cases: list[_Case]) -> dict[str, str]:
    kinds = {"failures": "failure", "errors": "error", "skipped": "skipped"}
    counts = {key: str(sum(case.outcome == kind for case in cases)) for key, kind in kinds.items()}
    return {"tests": str(len(cases)), **counts}


def _seconds(value: float) -> str:
    return f"{value:.3f}"


def _xml(value: str) -> str:
    return _NOT_XML.sub("", value)
