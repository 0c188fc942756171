"""What GitHub Actions shows beside the code: annotations at file and line, and the step's summary."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chainops.core.files import disk_errors
from chainops.core.text import one_line, shorten
from chainops.report.ci import repository_prefix
from chainops.report.reading import Document, cleaned, findings, integer, outputs, rows, text
from chainops.report.tables import severity_rank

#: what one step may add to its summary
STEP_SUMMARY_LIMIT_BYTES = 1 << 20
#: GitHub shows ten of each kind a step and drops the rest
_MOST_OF_A_KIND = 10
_KINDS = {"critical": "error", "high": "error", "medium": "warning", "low": "notice", "info": "notice"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Annotation:
    """A remark at a place; `kind` is `error`, `warning` or `notice`."""

    kind: str
    title: str
    message: str
    path: str = ""
    line: int = 0
    column: int = 0

    def command(self) -> str:
        """Return the workflow command that makes GitHub show it."""
        properties = {
            "file": self.path,
            "line": self.line or "",
            "col": self.column or "",
            "title": self.title,
        }
        given = ",".join(f"{key}={_property(str(value))}" for key, value in properties.items() if value)
        return f"::{self.kind} {given}::{_message(self.message)}"


def github_annotations(document: Document, env: Mapping[str, str]) -> tuple[str, ...]:
    """Return the lines to print: failures first, then compiler errors, failing tests and findings.

    At most ten errors, ten warnings and ten notices, since GitHub drops what exceeds that.
    """
    prefix = repository_prefix(document, env)
    document = cleaned(document)
    left = dict.fromkeys(("error", "warning", "notice"), _MOST_OF_A_KIND)
    shown, seen = [], set()
    for annotation in _annotations(document, prefix):
        if left[annotation.kind] and annotation not in seen:
            seen.add(annotation)
            left[annotation.kind] -= 1
            shown.append(annotation.command())
    return tuple(shown)


def append_step_summary(markdown: str, env: Mapping[str, str]) -> Path | None:
    """Append to the file that GitHub names for it, within its limit; None outside GitHub Actions.

    Raises `DiskError`.
    """
    name = env.get("GITHUB_STEP_SUMMARY", "")
    if not name:
        return None
    path = Path(name)
    with disk_errors(path):
        room = STEP_SUMMARY_LIMIT_BYTES - (path.stat().st_size if path.exists() else 0)
        data = ("\n" + markdown + "\n").encode()
        if len(data) > room:
            data = data[: max(0, room)].decode("utf-8", errors="ignore").encode()
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
    return path


def _annotations(document: Document, prefix: str) -> Iterator[Annotation]:
    for stage in rows(document, "stages"):
        if text(stage, "status") in ("failed", "lost"):
            kind = "warning" if stage.get("allow_failure") else "error"
            message = "\n".join(filter(None, (text(stage, "reason"), text(stage, "hint")))) or "failed"
            where = next(iter(rows(stage, "places")), {})
            yield _at(where, prefix, kind=kind, title=text(stage, "name"), message=message)
    for gate in rows(document, "gates"):
        if text(gate, "status") != "passed":
            title = f"gate {text(gate, 'gate')}"
            yield _at(gate.get("place"), prefix, kind="error", title=title, message=text(gate, "message"))
    yield from _diagnostics(document, prefix)
    yield from _tests(document, prefix)
    counting = [f for _, f in findings(document) if not text(f, "suppressed_by")]
    for finding in sorted(counting, key=lambda f: severity_rank(text(f, "severity"))):
        where = next(iter(rows(finding, "places")), {})
        title = f"{text(finding, 'tool')}: {text(finding, 'rule')}"
        kind = _KINDS.get(text(finding, "severity"), "notice")
        yield _at(where, prefix, kind=kind, title=title, message=text(finding, "message"))


def _diagnostics(document: Document, prefix: str) -> Iterator[Annotation]:
    for diagnostic in rows(outputs(document, "compilation"), "diagnostics"):
        kind = "error" if text(diagnostic, "severity") == "error" else "warning"
        title = " ".join(filter(None, ("solc", text(diagnostic, "code"))))
        where = diagnostic.get("place")
        yield _at(where, prefix, kind=kind, title=title, message=text(diagnostic, "message"))


def _tests(document: Document, prefix: str) -> Iterator[Annotation]:
    for stage in ("unit-tests", "integration-tests"):
        for case in rows(outputs(document, stage), "cases"):
            if text(case, "status") == "failed" and text(case, "place", "path"):
                message = "\n".join(filter(None, (text(case, "reason"), text(case, "counterexample"))))
                title = text(case, "name")
                yield _at(case.get("place"), prefix, kind="error", title=title, message=message or "failed")


def _at(place: Any, prefix: str, *, kind: str, title: str, message: str) -> Annotation:
    path = text(place, "path")
    return Annotation(
        kind=kind,
        title=one_line(title, 120),
        message=shorten(message, 2000),
        path=f"{prefix}/{path}" if prefix and path else path,
        line=integer(place, "line"),
        column=integer(place, "column"),
    )


def _message(value: str) -> str:
    """Escape as actions/toolkit's `escapeData` does."""
    return value.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(value: str) -> str:
    """Escape as actions/toolkit's `escapeProperty` does."""
    return _message(value).replace(":", "%3A").replace(",", "%2C")
