"""Text from tools, chains and repositories is a stranger's: cleaned and capped before it is shown."""

from __future__ import annotations

import re

#: CSI, OSC and two-byte escape sequences of terminals (ECMA-48)
_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")
_CONTROLS = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f"
    r"\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"
)


def clean(text: str) -> str:
    """Drop terminal escapes, control characters, direction overrides and surrogates; keep newline and tab."""
    return _CONTROLS.sub("", _ESCAPES.sub("", text))


def decode(data: bytes) -> str:
    """Decode a tool's output: UTF-8, with a replacement sign for what is not."""
    return data.decode("utf-8", errors="replace")


def shorten(text: str, limit: int) -> str:
    """Cut `text` to `limit` characters, marking the cut."""
    return text if len(text) <= limit else text[: max(0, limit - 1)] + "…"


def one_line(text: str, limit: int = 200) -> str:
    """Return cleaned text on one line, cut to `limit` characters."""
    return shorten(" ".join(clean(text).split()), limit)


def folder_name(name: str) -> str:
    """Return the name of a stage or cell as one that needs no quotes and that no tool takes for a glob.

    `unit-tests[evm_version=paris,solc=0.8.30]` is `unit-tests+evm_version-paris+solc-0.8.30`.
    """
    return name.replace("]", "").replace("[", "+").replace(",", "+").replace("=", "-")


def plural(count: int, noun: str, many: str = "") -> str:
    """Return `1 test`, `2 tests`; `many` for nouns that do not take an s."""
    return f"{count} {noun if count == 1 else many or noun + 's'}"
