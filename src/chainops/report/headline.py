"""The verdict in one sentence, and the failure a person has to look at first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from chainops.core.text import one_line, plural
from chainops.report.reading import Document, place, rows, text

#: what a status is called in a headline
LABELS = {
    "success": "PASSED",
    "failed": "FAILED",
    "cancelled": "CANCELLED",
    "paused": "WAITING",
    "running": "RUNNING",
}
SIGNS = {
    "success": "✓",
    "passed": "✓",
    "failed": "✗",
    "not_run": "✗",
    "skipped": "–",
    "cancelled": "■",
    "paused": "‖",
    "waiting": "‖",
    "running": "▸",
    "lost": "?",
    "pending": "·",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A stage or gate that failed, with its evidence."""

    #: the stage's name, or `gate <name>`
    what: str
    reason: str
    places: tuple[str, ...] = ()
    code: str = ""
    hint: str = ""
    #: the run goes on in spite of it
    allowed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Headline:
    """What the run came to."""

    status: str
    label: str
    sentence: str
    failures: tuple[Failure, ...] = ()
    #: how a waiting run goes on
    hint: str = ""


def headline(document: Document) -> Headline:
    """Return the verdict of a run; the failure that comes first in time comes first."""
    status = text(document, "status")
    found = failures(document)
    return Headline(
        status=status,
        label=LABELS.get(status, status.upper() or "UNKNOWN"),
        sentence=_sentence(document, status, [f for f in found if not f.allowed]),
        failures=found,
        hint=_way_on(document) if status == "paused" else "",
    )


def failures(document: Document) -> tuple[Failure, ...]:
    """Return failed stages in the order in which they ended, then failed gates."""
    failed = [s for s in rows(document, "stages") if text(s, "status") in ("failed", "lost")]
    failed.sort(key=lambda s: (bool(s.get("allow_failure")), text(s, "ended_at") or "~"))
    gates = [g for g in rows(document, "gates") if text(g, "status") != "passed"]
    return (*(_stage_failure(s) for s in failed), *(_gate_failure(g) for g in gates))


def _way_on(document: Document) -> str:
    waiting = (s for s in rows(document, "stages") if text(s, "status") == "waiting")
    return next((text(s, "hint") for s in waiting), "")


def _stage_failure(stage: Mapping[str, Any]) -> Failure:
    lost = text(stage, "status") == "lost"
    reason = "its runner died before it could say how it ended" if lost else "no reason was given"
    return Failure(
        what=text(stage, "name"),
        reason=text(stage, "reason") or reason,
        places=tuple(place(p) for p in rows(stage, "places")),
        code=text(stage, "code"),
        hint=text(stage, "hint"),
        allowed=bool(stage.get("allow_failure")),
    )


def _gate_failure(gate: Mapping[str, Any]) -> Failure:
    where = place(gate.get("place"))
    return Failure(
        what=f"gate {text(gate, 'gate')}",
        reason=text(gate, "message"),
        places=(where,) if where else (),
    )


def _sentence(document: Document, status: str, failed: list[Failure]) -> str:
    if status == "paused" and not any(text(s, "status") == "waiting" for s in rows(document, "stages")):
        sentence = one_line(text(document, "waiting_for"), 300)
        return sentence[:1].upper() + sentence[1:]
    if status == "paused":
        return f"Waiting for an approval: {one_line(text(document, 'waiting_for'), 300)}"
    if status == "cancelled":
        return f"Cancelled: {_counts(document)}"
    if failed:
        more = f" (and {len(failed) - 1} more)" if len(failed) > 1 else ""
        return f"{failed[0].what}: {one_line(failed[0].reason, 300)}{more}"
    return _counts(document)


def _counts(document: Document) -> str:
    stages, gates = rows(document, "stages"), rows(document, "gates")
    done = sum(text(s, "status") == "success" for s in stages)
    skipped = sum(text(s, "status") == "skipped" for s in stages)
    passed = sum(text(g, "status") == "passed" for g in gates)
    parts = [f"{done} of {plural(len(stages), 'stage')} succeeded"]
    if skipped:
        parts.append(f"{skipped} skipped")
    if gates:
        parts.append(f"{passed} of {plural(len(gates), 'gate')} passed")
    return ", ".join(parts)
