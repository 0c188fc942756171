"""Joins what several analyzers say of one place, so that a mistake counts once and names its finders."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from chainops.analysis.model import Finding

#: meaning → the rules that share it, as `tool:rule`; only rules that object to the same thing for the same
#: reason stand together
MEANINGS: dict[str, frozenset[str]] = {
    "tx-origin": frozenset(("slither:tx-origin", "solhint:avoid-tx-origin")),
    "low-level-call": frozenset(("slither:low-level-calls", "solhint:avoid-low-level-calls")),
    "unchecked-call": frozenset(("slither:unchecked-lowlevel", "forge-lint:unchecked-call")),
    "unchecked-send": frozenset(("slither:unchecked-send", "solhint:check-send-result")),
    "unchecked-transfer": frozenset(("slither:unchecked-transfer", "forge-lint:erc20-unchecked-transfer")),
    "divide-before-multiply": frozenset(
        ("slither:divide-before-multiply", "forge-lint:divide-before-multiply")
    ),
    "incorrect-shift": frozenset(("slither:incorrect-shift", "forge-lint:incorrect-shift")),
    "inline-assembly": frozenset(("slither:assembly", "solhint:no-inline-assembly")),
    "timestamp": frozenset(("slither:timestamp", "forge-lint:block-timestamp", "solhint:not-rely-on-time")),
    "compiler-version": frozenset(("slither:solc-version", "solhint:compiler-version")),
    "event-index": frozenset(("slither:unindexed-event-address", "solhint:gas-indexed-events")),
    "global-import": frozenset(("forge-lint:unaliased-plain-import", "solhint:no-global-import")),
    "unused-import": frozenset(("forge-lint:unused-import", "solhint:no-unused-import")),
    "function-name": frozenset(
        ("slither:naming-convention", "forge-lint:mixed-case-function", "solhint:func-name-mixedcase")
    ),
    "variable-name": frozenset(
        ("slither:naming-convention", "forge-lint:mixed-case-variable", "solhint:var-name-mixedcase")
    ),
    "constant-name": frozenset(
        (
            "slither:naming-convention",
            "forge-lint:screaming-snake-case-const",
            "solhint:const-name-snakecase",
        )
    ),
    "immutable-name": frozenset(
        (
            "slither:naming-convention",
            "forge-lint:screaming-snake-case-immutable",
            "solhint:immutable-vars-naming",
        )
    ),
}


def same_meaning(first: Finding, second: Finding) -> bool:
    """Whether two findings of different analyzers object to the same thing."""
    if first.tool == second.tool:
        return False
    both = {_name(first), _name(second)}
    return any(both <= rules for rules in MEANINGS.values())


def names_of(finding: Finding) -> frozenset[str]:
    """Return `rule` and `tool/rule` of a finding and of every rule that means the same."""
    name = _name(finding)
    same = {name, *(other for rules in MEANINGS.values() if name in rules for other in rules)}
    return frozenset(part for other in same for part in (other.partition(":")[2], other.replace(":", "/", 1)))


def merge(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return the findings in their order, those with the same first line and meaning joined.

    The most severe one speaks for a group (the surest, then the first, on a tie) and names the others in
    `also`. A group is suppressed when any of it was: somebody has looked at that place for that reason.
    """
    groups: list[list[Finding]] = []
    at: dict[tuple[str, int], list[list[Finding]]] = {}
    for finding in findings:
        neighbours = at.setdefault(_line(finding), []) if finding.places else []
        group = next((g for g in neighbours if all(same_meaning(f, finding) for f in g)), None)
        if group is None:
            group = []
            groups.append(group)
            neighbours.append(group)
        group.append(finding)
    return tuple(_joined(group) for group in groups)


def _joined(group: list[Finding]) -> Finding:
    speaker = max(group, key=lambda f: (f.severity, f.confidence))
    others = [f for f in group if f is not speaker]
    also = sorted({*speaker.also, *(name for f in others for name in (_name(f), *f.also))})
    reason = speaker.suppressed_by or next((f.suppressed_by for f in others if f.suppressed_by), "")
    return replace(speaker, also=tuple(also), suppressed_by=reason)


def _name(finding: Finding) -> str:
    return f"{finding.tool}:{finding.rule}"


def _line(finding: Finding) -> tuple[str, int]:
    return finding.places[0].path, finding.places[0].line
