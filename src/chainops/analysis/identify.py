"""Gives findings their fingerprints: the same before and after lines move, different for equal neighbours."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

from chainops.analysis.model import Finding, fingerprint
from chainops.core.errors import Place


def identify(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return the findings in order of place, each with its fingerprint.

    Equal ones (same tool, rule, file, symbol and excerpt) get an ordinal in the order in which they stand in
    the file: inserting lines keeps it; inserting an equal finding above moves it on by one.
    """
    seen: Counter[str] = Counter()
    result = []
    for finding in sorted(findings, key=_position):
        path = finding.places[0].path if finding.places else ""
        base = _fingerprint(finding, path, 0)
        ordinal = seen[base]
        seen[base] += 1
        result.append(replace(finding, fingerprint=_fingerprint(finding, path, ordinal)))
    return tuple(result)


def _fingerprint(finding: Finding, path: str, ordinal: int) -> str:
    return fingerprint(
        tool=finding.tool,
        rule=finding.rule,
        path=path,
        symbol=finding.symbol,
        excerpt=finding.excerpt,
        ordinal=ordinal,
    )


def _position(finding: Finding) -> tuple[Place, str, str, str]:
    first = finding.places[0] if finding.places else Place("")
    return first, finding.tool, finding.rule, finding.message
