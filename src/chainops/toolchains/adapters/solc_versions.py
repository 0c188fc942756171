"""Finds the solc releases a project needs, from its configuration and the pragmas of its sources."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

Version = tuple[int, int, int]

_RELEASE = re.compile(r"v?(\d{1,6})\.(\d{1,6})\.(\d{1,6})")
_PRAGMA = re.compile(r"\bpragma\s+solidity\s+([^;]{1,200});")
_TOKEN = re.compile(
    r"\s*(\^|~|>=|<=|>|<|=)?\s*v?([0-9]{1,6}|[xX*])(?:\.([0-9]{1,6}|[xX*]))?(?:\.([0-9]{1,6}|[xX*]))?"
)
_HYPHEN = re.compile(r"(\S+)\s+-\s+(\S+)")
#: comments and strings, so that a pragma or an import inside them is not taken for one
_NOISE = re.compile(r"//[^\n]*|/\*.*?(?:\*/|\Z)", re.DOTALL)
_IMPORT = re.compile(r"""\bimport\b\s*(?:[^'";]*?\bfrom\s*)?["']([^"'\n]{1,1000})["']""")


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceHead:
    """What a source says about versions and other sources."""

    #: each `pragma solidity` expression; all of them must hold
    pragmas: tuple[str, ...] = ()
    #: imported paths as written
    imports: tuple[str, ...] = ()


def read_head(text: str) -> SourceHead:
    """Return the pragmas and imports of a Solidity source."""
    bare = _NOISE.sub(" ", text)
    return SourceHead(
        pragmas=tuple(" ".join(p.replace('"', "").replace("'", "").split()) for p in _PRAGMA.findall(bare)),
        imports=tuple(_IMPORT.findall(bare)),
    )


def parse_version(text: str) -> Version | None:
    """Return `0.8.30` as numbers; None when it is not a release."""
    found = _RELEASE.fullmatch(text.strip())
    return (int(found[1]), int(found[2]), int(found[3])) if found else None


def satisfies(version: Version, expression: str) -> bool:
    """Whether a release fits a pragma (npm's semver ranges, as solc's documentation says).

    Alternatives are separated by `||`, conditions by spaces. An expression that cannot be read fits nothing.
    """
    return any(_satisfies_all(version, part) for part in expression.split("||"))


def _satisfies_all(version: Version, conditions: str) -> bool:
    hyphen = _HYPHEN.fullmatch(conditions.strip())
    if hyphen:
        conditions = f">={hyphen[1]} <={hyphen[2]}"
    position = 0
    found_any = False
    while position < len(conditions.rstrip()):
        token = _TOKEN.match(conditions, position)
        if not token:
            return False
        low, high = _range(token[1] or "", token[2], token[3], token[4])
        if not low <= version < high:
            return False
        found_any = True
        position = token.end()
    return found_any


_ZERO: Version = (0, 0, 0)
_ENDLESS: Version = (1 << 60, 0, 0)


def _range(operator: str, major: str, minor: str | None, patch: str | None) -> tuple[Version, Version]:
    """Return the half-open interval [low, high) of one comparator."""
    parts = [int(p) for p in _given(major, minor, patch)]
    low = _padded(parts)
    after = _next(parts) if parts else _ENDLESS
    full = (low[0], low[1], low[2] + 1) if len(parts) == 3 else after
    intervals = {
        ">=": (low, _ENDLESS),
        ">": (full, _ENDLESS),
        "<": (_ZERO, low),
        "<=": (_ZERO, full),
        "^": (low, _caret_end(parts) if parts else _ENDLESS),
        "~": (low, _next(parts[:2]) if parts else _ENDLESS),
    }
    return intervals.get(operator, (low, full))


def _given(*parts: str | None) -> list[str]:
    given: list[str] = []
    for part in parts:
        if part is None or part in "xX*":
            break
        given.append(part)
    return given


def _next(parts: Sequence[int]) -> Version:
    raised = [*parts[:-1], parts[-1] + 1]
    return _padded(raised)


def _padded(parts: Sequence[int]) -> Version:
    """Fill up with zeros what a range leaves out."""
    major, minor, patch = [*parts, 0, 0, 0][:3]
    return major, minor, patch


def _caret_end(parts: Sequence[int]) -> Version:
    for index, part in enumerate(parts):
        if part:
            return _next(parts[: index + 1])
    return _next(parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionChoice:
    """Which releases serve all sources, and the sources that none can serve."""

    versions: tuple[str, ...]
    #: source → its conditions, for sources that no known release satisfies
    unserved: Mapping[str, tuple[str, ...]]


def choose_versions(pragmas: Mapping[str, Iterable[str]], known: Sequence[str]) -> VersionChoice:
    """Choose releases as forge does: one for all where one fits, otherwise the newest for each source.

    `pragmas` holds, for each source to compile, the conditions of it and of everything it imports; a source
    without any takes part in no choice. `known` are the releases at hand, in any order.
    """
    releases = sorted((v for v in map(parse_version, known) if v), reverse=True)
    needs = {path: frozenset(conditions) for path, conditions in pragmas.items()}
    candidates = {
        wanted: frozenset(r for r in releases if all(satisfies(r, condition) for condition in wanted))
        for wanted in set(needs.values())
    }
    unserved = {path: tuple(sorted(w)) for path, w in needs.items() if not candidates[w]}
    open_sets = {served for served in candidates.values() if served}
    chosen: list[Version] = []
    while open_sets:
        # the release that serves most of what is left, the newest of equals
        best = max(releases, key=lambda r: (sum(r in served for served in open_sets), r))
        chosen.append(best)
        open_sets = {served for served in open_sets if best not in served}
    return VersionChoice(
        versions=tuple(".".join(map(str, v)) for v in sorted(chosen)),
        unserved=unserved,
    )
