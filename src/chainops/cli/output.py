"""stdout is the result, stderr everything else; `--json` gives the same result to programs."""

from __future__ import annotations

import json
import sys
from typing import Any

from chainops.core.serial import to_json
from chainops.core.streams import show


def emit(data: Any, text: str, *, as_json: bool) -> None:
    """Print the result: `data` as JSON, or `text` for people."""
    show(sys.stdout, (json.dumps(to_json(data), indent=2, ensure_ascii=False) if as_json else text) + "\n")


def note(line: str) -> None:
    """Print one line that is not the result."""
    show(sys.stderr, line + "\n")
