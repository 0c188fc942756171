"""GitLab's code quality report: findings and compiler messages that a merge request shows at their lines."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from chainops.core.hashing import digest_json
from chainops.core.text import one_line
from chainops.report.reading import Document, cleaned, findings, integer, outputs, rows, text

#: the file's name as GitLab's documentation has it
CODE_QUALITY_NAME = "gl-code-quality-report.json"
_SEVERITIES = {"critical": "blocker", "high": "critical", "medium": "major", "low": "minor", "info": "info"}
_DIAGNOSTICS = {"error": "critical", "warning": "minor", "info": "info"}


def render_code_quality(document: Document, *, prefix: str = "") -> bytes:
    """Return the report; suppressed findings are left out, and no two entries share a fingerprint."""
    entries: dict[str, dict[str, Any]] = {}
    for entry in _entries(cleaned(document), prefix.strip("/")):
        key, number = entry["fingerprint"], 1
        while key in entries:
            number += 1
            key = digest_json([entry["fingerprint"], number])[7:]
        entries[key] = {**entry, "fingerprint": key}
    return json.dumps(list(entries.values()), indent=2, ensure_ascii=False).encode() + b"\n"


def _entries(document: Document, prefix: str) -> Iterator[dict[str, Any]]:
    for _, finding in findings(document):
        place = next(iter(rows(finding, "places")), {})
        if text(finding, "suppressed_by") or not text(place, "path"):
            continue
        name = f"{text(finding, 'tool')}/{text(finding, 'rule')}"
        severity = _SEVERITIES.get(text(finding, "severity"), "minor")
        yield _entry(place, prefix, name, text(finding, "message"), severity, text(finding, "fingerprint"))
    for diagnostic in rows(outputs(document, "compilation"), "diagnostics"):
        place = diagnostic.get("place") or {}
        if text(place, "path"):
            name = f"solc/{text(diagnostic, 'code') or 'diagnostic'}"
            severity = _DIAGNOSTICS.get(text(diagnostic, "severity"), "minor")
            yield _entry(place, prefix, name, text(diagnostic, "message"), severity, "")


def _entry(  # noqa: PLR0917 - the fields of one record
    place: Mapping[str, Any], prefix: str, name: str, message: str, severity: str, fingerprint: str
) -> dict[str, Any]:
    path = f"{prefix}/{text(place, 'path')}" if prefix else text(place, "path")
    return {
        "description": one_line(message, 500) or name,
        "check_name": name,
        "fingerprint": fingerprint or digest_json([name, path, message])[7:],
        "severity": severity,
        "location": {"path": path, "lines": {"begin": max(1, integer(place, "line"))}},
    }
