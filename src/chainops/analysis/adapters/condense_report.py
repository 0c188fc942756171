"""Cuts Slither's report down to what is read of it: results about the project's own sources.

Run as a program of its own (`python -m …condense_report INPUT OUTPUT`, `{root, wanted}` as JSON on stdin):
the report of a large library holds 100 MB, mostly lists of line numbers and the same thing in four languages,
and takes several times that in memory, which the pipeline itself must not hold.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Collection
from pathlib import Path
from typing import Any

#: a finding shows 20 places; the rest only serves to find where it begins
_MOST_ELEMENTS = 60
_DESCRIPTION_CHARACTERS = 8_000
_DETECTOR_FIELDS = ("check", "title", "wiki_url", "description", "recommendation")
#: how many declarations around an element are named
_DEPTH = 10


def condense(report: dict[str, Any], root: str, wanted: Collection[str]) -> dict[str, Any]:
    """Return `report` with the results that name a wanted source (relative to `root`), and `total` results.

    Raises KeyError, TypeError or AttributeError for what is no report.
    """
    results = report.get("results") or {}
    found = results.get("detectors") or []
    kept = [short for result in found if (short := _result(result, root, wanted))]
    checks = {result["check"] for result in kept}
    known = [
        {name: detector[name] for name in _DETECTOR_FIELDS if name in detector}
        for detector in results.get("list-detectors") or []
    ]
    # what is said of a rule is needed for rules that found something; the others are counted
    known = [detector if detector["check"] in checks else {"check": detector["check"]} for detector in known]
    own = {"detectors": kept, "list-detectors": known, "total": len(found)}
    return {"success": report["success"], "error": report.get("error"), "results": own}


def _result(result: dict[str, Any], root: str, wanted: Collection[str]) -> dict[str, Any] | None:
    every = result.get("elements") or []
    elements = [e for e in every if e["source_mapping"]]
    own = [e for e in elements if _relative(e["source_mapping"], root) in wanted]
    if not own:
        return None
    if elements[0]["type"] == "pragma":
        elements = own
    return {
        "check": result["check"],
        "impact": result["impact"],
        "confidence": result["confidence"],
        "description": result["description"][:_DESCRIPTION_CHARACTERS],
        "elements": [_element(e) for e in elements[:_MOST_ELEMENTS]],
        "reference": result.get("reference") or "",
    }


def _relative(mapping: dict[str, Any], root: str) -> str:
    absolute = mapping.get("filename_absolute")
    return os.path.relpath(absolute, root) if absolute else str(mapping.get("filename_relative") or "")


def _element(element: dict[str, Any]) -> dict[str, Any]:
    mapping = element["source_mapping"]
    lines = mapping.get("lines") or []
    kept = {name: mapping[name] for name in ("start", "length", "filename_absolute") if name in mapping}
    if not kept.get("filename_absolute"):
        kept["filename_relative"] = mapping.get("filename_relative") or ""
    kept["lines"] = sorted({min(lines), max(lines)}) if lines else []
    short = {"type": element["type"], "name": element.get("name") or "", "source_mapping": kept}
    return short | _parent(element, _DEPTH)


def _parent(element: dict[str, Any], depth: int) -> dict[str, Any]:
    parent = (element.get("type_specific_fields") or {}).get("parent")
    if not depth or not isinstance(parent, dict):
        return {}
    short = {"type": parent.get("type") or "", "name": parent.get("name") or ""}
    return {"type_specific_fields": {"parent": short | _parent(parent, depth - 1)}}


def main() -> int:
    """Read, condense and write; an exit code of 1 with a line on stderr says what was wrong."""
    source, target = sys.argv[1:3]
    try:
        asked = json.load(sys.stdin)
        short = condense(json.loads(Path(source).read_bytes()), asked["root"], frozenset(asked["wanted"]))
        Path(target).write_text(json.dumps(short, separators=(",", ":")), encoding="utf-8")
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError, MemoryError) as error:
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
