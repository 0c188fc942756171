"""Says in words which of a stage's inputs differ from those of an earlier run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from chainops.core.text import one_line
from chainops.pipeline.cache.model import ABSENT

_MOST_NAMED = 3
_SHOWN = 120
#: what is named first is what a person changed
_ORDER = ("file", "list", "setting", "env", "cell", "tool", "upstream", "place")
_WORDS = {
    "setting": "the setting {}",
    "env": "the variable {}",
    "tool": "the tool {}",
    "cell": "the value of {}",
    "upstream": "{}",
    "place": "the folder of the {}",
}


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Change:
    """A part that differs. `what` is `changed`, `was added` or `went`."""

    part: str
    what: str

    def __str__(self) -> str:
        kind, _, name = self.part.partition(":")
        return f"{one_line(_WORDS.get(kind, '{}').format(name), _SHOWN)} {self.what}"


def differences(before: Mapping[str, str], now: Mapping[str, str]) -> tuple[Change, ...]:
    """Return the parts that differ, in the order in which they are told."""
    found = [
        Change(part=name, what=what)
        for name in before.keys() | now.keys()
        if (what := _difference(before.get(name, ABSENT), now.get(name, ABSENT)))
    ]
    return tuple(sorted(found, key=lambda change: (_rank(change.part), change.part)))


def _difference(before: str, now: str) -> str:
    if before == now:
        return ""
    if before == ABSENT:
        return "was added"
    return "went" if now == ABSENT else "changed"


def _rank(part: str) -> int:
    kind = part.partition(":")[0]
    return _ORDER.index(kind) if kind in _ORDER else len(_ORDER)


def told(changes: tuple[Change, ...]) -> str:
    """Return the changes in a line: the first three, and how many more there are."""
    named = [str(change) for change in changes[:_MOST_NAMED]]
    more = len(changes) - len(named)
    return ", ".join(named) + (f" and {more} more" if more else "")
