"""Cuts a build-info down to the sources that an analyzer is asked about and what these import.

Run as a program of its own (`python -m …trim_build INPUT OUTPUT`, the wanted paths as a JSON list on stdin):
a build-info of 100 MB takes several times that in memory, which the pipeline itself must not hold. Without
tests and their libraries Slither has a fraction of the work.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any


def trim(info: dict[str, Any], wanted: Iterable[str]) -> dict[str, Any]:
    """Return `info` with only the wanted sources and all that they import, directly or not.

    A build without syntax trees, or without any wanted source, is returned as it is. Raises KeyError,
    TypeError or AttributeError for what is no build-info.
    """
    sources: dict[str, Any] = info["output"]["sources"]
    kept = closure(sources, wanted)
    if not kept:
        return info
    contracts: dict[str, Any] = info["output"].get("contracts", {})
    output = {
        **info["output"],
        "sources": {path: unit for path, unit in sources.items() if path in kept},
        "contracts": {path: units for path, units in contracts.items() if path in kept},
    }
    given: dict[str, Any] = info["input"]["sources"]
    inputs = {**info["input"], "sources": {path: text for path, text in given.items() if path in kept}}
    return {**info, "input": inputs, "output": output}


def closure(sources: dict[str, Any], wanted: Iterable[str]) -> frozenset[str]:
    """Return the wanted paths that were compiled and every path they import; empty when one has no tree."""
    kept: set[str] = set()
    waiting = [path for path in wanted if path in sources]
    while waiting:
        path = waiting.pop()
        if path in kept:
            continue
        tree = sources[path].get("ast")
        if not isinstance(tree, dict) or "nodes" not in tree:
            return frozenset()
        kept.add(path)
        waiting += [
            node["absolutePath"]
            for node in tree["nodes"]
            if node.get("nodeType") == "ImportDirective" and node.get("absolutePath") in sources
        ]
    return frozenset(kept)


def main() -> int:
    """Read, trim and write; an exit code of 1 with a line on stderr says what was wrong."""
    source, target = sys.argv[1:3]
    try:
        trimmed = trim(json.loads(Path(source).read_bytes()), json.load(sys.stdin))
        Path(target).write_text(json.dumps(trimmed), encoding="utf-8")
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError, MemoryError) as error:
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
