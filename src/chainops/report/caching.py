"""Says which stages were taken from the cache, and why the others ran."""

from __future__ import annotations

from collections.abc import Iterator

from chainops.core.text import one_line, plural
from chainops.report.reading import Document, rows, text

_SHOWN = 400
_MOST_RUNS = 3


def taken_line(document: Document) -> str:
    """Return `5 stages taken from the cache, of run …`; empty when none was."""
    taken = [text(stage, "cached_from") for stage in rows(document, "stages")]
    runs = list(dict.fromkeys(run for run in taken if run))
    if not runs:
        return ""
    named = ", ".join(one_line(run, 40) for run in runs[:_MOST_RUNS])
    more = f" and {len(runs) - _MOST_RUNS} more" if len(runs) > _MOST_RUNS else ""
    count = plural(sum(map(bool, taken)), "stage")
    return f"{count} taken from the cache, of {'run' if len(runs) == 1 else 'runs'} {named}{more}"


def explanations(document: Document) -> Iterator[str]:
    """Yield a line for each stage that ended: the run its result is of, or why it ran."""
    for stage in rows(document, "stages"):
        note = text(stage, "cache_note") or ("ran" if rows(stage, "attempts") else "")
        if note and text(stage, "status") != "skipped":
            yield f"{one_line(text(stage, 'name'), 60)} {one_line(note, _SHOWN)}"
