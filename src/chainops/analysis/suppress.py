"""Decides which findings do not count, and says why: a comment in the source or a reviewed baseline entry."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from chainops.analysis.merge import names_of
from chainops.analysis.model import Confidence, Finding, Severity
from chainops.analysis.solidity import TokenKind, tokens
from chainops.analysis.sources import Sources
from chainops.core.errors import Place
from chainops.core.text import one_line

_COMMENT = re.compile(r"chainops-ignore\b:?\s*(?P<rule>[\w./-]+)?[ \t]*(?P<reason>[^\r\n]*)")
#: the tool name of what we find ourselves
OWN_TOOL = "chainops"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ignore:
    """One `chainops-ignore` comment."""

    place: Place
    rule: str
    reason: str


def ignores(path: str, sources: Sources) -> tuple[Ignore, ...]:
    """Return the `// chainops-ignore: rule reason` comments of a source, complete or not."""
    source = sources[path]
    if "chainops-ignore" not in source.text:
        return ()
    found = []
    for token in tokens(source.text):
        match = _COMMENT.search(token.text) if token.kind is TokenKind.COMMENT else None
        if match:
            line, column = source.index.at(token.offset + match.start())
            reason = match["reason"].removesuffix("*/").strip(" \t-–—:")
            found.append(Ignore(place=Place(path, line, column), rule=match["rule"] or "", reason=reason))
    return tuple(found)


def suppress(
    findings: Iterable[Finding], sources: Sources, accepted: Mapping[str, str]
) -> tuple[Finding, ...]:
    """Return all findings, those that do not count with `suppressed_by`.

    A comment suppresses its rule, and rules of other tools that mean the same, on its own line and the next
    one, and needs a reason. `accepted` maps the fingerprints of reviewed baseline entries to their reasons;
    an empty reason accepts nothing.
    """
    cache: dict[str, dict[tuple[int, str], str]] = {}
    return tuple(_suppress(finding, sources, accepted, cache) for finding in findings)


def incomplete_ignores(paths: Iterable[str], sources: Sources) -> tuple[Finding, ...]:
    """Return a finding for each `chainops-ignore` without rule or reason: it suppresses nothing."""
    return tuple(
        Finding(
            tool=OWN_TOOL,
            rule="incomplete-ignore",
            severity=Severity.LOW,
            confidence=Confidence.HIGH,
            message="chainops-ignore has no " + ("reason" if ignore.rule else "rule"),
            places=(ignore.place,),
            excerpt=sources[path].excerpt(ignore.place.line),
            explanation="Only a rule with a reason is ignored: `// chainops-ignore: rule why`.",
            symbol=sources[path].symbol(ignore.place.line),
        )
        for path in paths
        for ignore in ignores(path, sources)
        if not (ignore.rule and ignore.reason)
    )


def _suppress(
    finding: Finding,
    sources: Sources,
    accepted: Mapping[str, str],
    cache: dict[str, dict[tuple[int, str], str]],
) -> Finding:
    reason = accepted.get(finding.fingerprint, "")
    if reason:
        return replace(finding, suppressed_by=f"baseline: {one_line(reason)}")
    if not finding.places:
        return finding
    place = finding.places[0]
    if place.path not in cache:
        cache[place.path] = _by_line(ignores(place.path, sources))
    by_line = cache[place.path]
    for rule in names_of(finding):
        for line in (place.line, place.line - 1):
            said = by_line.get((line, rule))
            if said:
                return replace(finding, suppressed_by=f"{Place(place.path, line)}: {one_line(said)}")
    return finding


def _by_line(found: tuple[Ignore, ...]) -> dict[tuple[int, str], str]:
    return {(i.place.line, i.rule): i.reason for i in found if i.rule and i.reason}
