"""SARIF 2.1.0, which code scanning services read: findings, compiler diagnostics and what was suppressed."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

from chainops.core.hashing import digest_json
from chainops.report.reading import Document, cleaned, dig, findings, integer, outputs, rows, text

#: where the standard publishes the schema (OASIS, errata 01)
SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_ROOT = "SRCROOT"
_LEVELS = {"critical": "error", "high": "error", "medium": "warning", "low": "note", "info": "note"}
_DIAGNOSTIC_LEVELS = {"error": "error", "warning": "warning", "info": "note"}
#: GitHub's bands of `security-severity`: over 9.0 critical, 7.0–8.9 high, 4.0–6.9 medium, below low
_SCORES = {"critical": "9.5", "high": "8.0", "medium": "5.5", "low": "2.0"}
_PRECISION = {"high": "high", "medium": "medium", "low": "low"}


def render_sarif(document: Document, *, prefix: str = "") -> bytes:
    """Return all findings, a SARIF run an analyzer; `prefix` leads from the repository's root to the project.

    An analyzer that ran and found nothing has an empty list of results; one that did not run has no entry.
    """
    document = cleaned(document)
    found: dict[str, list[tuple[str, Mapping[str, Any]]]] = {}
    for stage, finding in findings(document):
        found.setdefault(text(finding, "tool"), []).append((stage, finding))
    for analyzer in rows(outputs(document, "security-scan"), "analyzers"):
        found.setdefault(text(analyzer, "name"), [])
    runs = [_run(document, tool, entries, prefix) for tool, entries in sorted(found.items())]
    diagnostics = rows(outputs(document, "compilation"), "diagnostics")
    if diagnostics:
        runs.append(_compiler_run(document, diagnostics, prefix))
    log = {"$schema": SCHEMA, "version": "2.1.0", "runs": runs}
    return json.dumps(log, indent=2, ensure_ascii=False).encode() + b"\n"


def _run(
    document: Document, tool: str, entries: list[tuple[str, Mapping[str, Any]]], prefix: str
) -> dict[str, Any]:
    rules = _Rules()
    results = []
    for stage, finding in entries:
        index = rules.index(_rule(finding, security=stage == "security-scan"))
        results.append(_result(finding, index, prefix))
    return _frame(document, tool, rules, results)


def _compiler_run(
    document: Document, diagnostics: Iterable[Mapping[str, Any]], prefix: str
) -> dict[str, Any]:
    rules = _Rules()
    results = []
    for diagnostic in diagnostics:
        code = text(diagnostic, "code") or "solc"
        place = diagnostic.get("place")
        result = {
            "ruleId": code,
            "ruleIndex": rules.index({"id": code}),
            "level": _DIAGNOSTIC_LEVELS.get(text(diagnostic, "severity"), "warning"),
            "message": {"text": text(diagnostic, "message") or code},
            "locations": [_location(place, prefix)] if text(place, "path") else [],
        }
        results.append(result)
    return _frame(document, "solc", rules, results)


def _frame(document: Document, tool: str, rules: _Rules, results: list[dict[str, Any]]) -> dict[str, Any]:
    used = next((t for t in rows(document, "tools") if text(t, "name") == tool), {})
    driver: dict[str, Any] = {"name": tool or "unknown", "rules": rules.entries}
    if text(used, "version"):
        driver["version"] = text(used, "version")
    run: dict[str, Any] = {
        "tool": {"driver": driver},
        "automationDetails": {"id": f"chainops/{tool}/"},
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {_ROOT: {"description": {"text": "The root of the repository."}}},
        "invocations": [{"executionSuccessful": True}],
        "results": results,
    }
    url, commit = text(document, "project", "url"), text(document, "commit", "id")
    if url.startswith(("https://", "http://")) and commit:
        run["versionControlProvenance"] = [
            {"repositoryUri": quote(url, safe=":/?&=%+~@"), "revisionId": commit}
        ]
    return run


class _Rules:
    """The rules of a run, each once."""

    def __init__(self) -> None:
        self.entries: list[dict[str, Any]] = []
        self._known: dict[str, int] = {}

    def index(self, rule: dict[str, Any]) -> int:
        if rule["id"] not in self._known:
            self._known[rule["id"]] = len(self.entries)
            self.entries.append(rule)
        return self._known[rule["id"]]


def _rule(finding: Mapping[str, Any], *, security: bool) -> dict[str, Any]:
    severity = text(finding, "severity")
    properties: dict[str, Any] = {"tags": ["security"] if security else ["maintainability"]}
    if security and severity in _SCORES:
        properties["security-severity"] = _SCORES[severity]
    if text(finding, "confidence") in _PRECISION:
        properties["precision"] = _PRECISION[text(finding, "confidence")]
    rule: dict[str, Any] = {
        "id": text(finding, "rule") or "unknown",
        "defaultConfiguration": {"level": _LEVELS.get(severity, "warning")},
        "properties": properties,
    }
    explanation, url = text(finding, "explanation"), text(finding, "url")
    if explanation:
        rule |= {"fullDescription": {"text": explanation}, "help": {"text": explanation}}
    if url.startswith(("https://", "http://")):
        rule["helpUri"] = quote(url, safe=":/?&=%#+~@")
    return rule


def _result(finding: Mapping[str, Any], index: int, prefix: str) -> dict[str, Any]:
    places = rows(finding, "places")
    result: dict[str, Any] = {
        "ruleId": text(finding, "rule") or "unknown",
        "ruleIndex": index,
        "level": _LEVELS.get(text(finding, "severity"), "warning"),
        "message": {"text": text(finding, "message") or text(finding, "rule") or "unknown"},
        "locations": [_location(p, prefix) for p in places[:1]],
        "partialFingerprints": {"chainops/v1": _fingerprint(finding)},
        "properties": {"severity": text(finding, "severity"), "confidence": text(finding, "confidence")},
    }
    if places[1:]:
        result["relatedLocations"] = [{**_location(p, prefix), "id": n} for n, p in enumerate(places[1:], 1)]
    excerpt = text(finding, "excerpt")
    if excerpt and places and integer(places[0], "line"):
        result["locations"][0]["physicalLocation"]["region"]["snippet"] = {"text": excerpt}
    suppressed_by = text(finding, "suppressed_by")
    if suppressed_by:
        kind = "external" if suppressed_by.startswith("baseline") else "inSource"
        result["suppressions"] = [{"kind": kind, "status": "accepted", "justification": suppressed_by}]
    return result


def _fingerprint(finding: Mapping[str, Any]) -> str:
    given = text(finding, "fingerprint")
    if given:
        return given
    what = [text(finding, key) for key in ("tool", "rule", "message", "excerpt")]
    return digest_json([*what, [text(p, "path") for p in rows(finding, "places")]])[7:27]


def _location(place: Any, prefix: str) -> dict[str, Any]:
    physical: dict[str, Any] = {
        "artifactLocation": {"uri": uri(text(place, "path"), prefix), "uriBaseId": _ROOT}
    }
    line, column = integer(place, "line"), integer(place, "column")
    if line > 0:
        physical["region"] = {"startLine": line, **({"startColumn": column} if column > 0 else {})}
    elif dig(place, "path"):
        # code scanning shows a result only with a line
        physical["region"] = {"startLine": 1}
    return {"physicalLocation": physical}


def uri(path: str, prefix: str = "") -> str:
    """Return a relative URI (RFC 3986) of a path below the repository's root."""
    whole = f"{prefix.strip('/')}/{path}" if prefix.strip("/") else path
    return quote(whole.replace("\\", "/").lstrip("/"), safe="/")
