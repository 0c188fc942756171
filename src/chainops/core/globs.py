"""Globs over slash-separated names: `*` stays within a part, `**` crosses parts."""

from __future__ import annotations

import re
from functools import lru_cache

_PIECES = {"**/": r"(?:[^/]+/)*", "**": r".*", "*": r"[^/]*", "?": r"[^/]"}
_SPECIAL = re.compile(r"\*\*/|\*\*|\*|\?")


@lru_cache(maxsize=256)
def _pattern(glob: str) -> re.Pattern[str]:
    parts: list[str] = []
    at = 0
    for match in _SPECIAL.finditer(glob):
        parts += [re.escape(glob[at : match.start()]), _PIECES[match[0]]]
        at = match.end()
    return re.compile("".join([*parts, re.escape(glob[at:])]) + r"\Z", re.DOTALL)


def matches_glob(name: str, glob: str) -> bool:
    """Whether `name` fits `glob`; no other characters than `*` and `?` are special."""
    return _pattern(glob).match(name) is not None
