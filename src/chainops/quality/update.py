"""Makes the next baseline from a run's result and says what is different, for a person to review."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from chainops.analysis.model import Severity
from chainops.core.text import one_line
from chainops.quality.baseline import AcceptedFinding, Baseline, GasFigure, SizeFigure
from chainops.quality.errors import NoResultError
from chainops.quality.gas import GasChange, compare_gas

T = TypeVar("T")
#: `suppressed_by` of a finding that the baseline accepts begins so; any other suppression is in the source
_FROM_BASELINE = "baseline:"


@dataclass(frozen=True, slots=True, kw_only=True)
class BaselineUpdate:
    """A new baseline and how it differs from the old one."""

    baseline: Baseline
    new_findings: tuple[AcceptedFinding, ...] = ()
    removed_findings: tuple[AcceptedFinding, ...] = ()
    gas_changes: tuple[GasChange, ...] = ()
    new_gas: tuple[GasFigure, ...] = ()
    removed_gas: tuple[GasFigure, ...] = ()
    #: contract, before and after; None before a contract is new, None after it is gone
    size_changes: tuple[tuple[str, SizeFigure | None, SizeFigure | None], ...] = ()
    #: sections that this run did not measure and that stay as they were
    kept: tuple[str, ...] = ()

    @property
    def changed(self) -> bool:
        """Whether anything is different."""
        return any(
            (
                self.new_findings,
                self.removed_findings,
                self.gas_changes,
                self.new_gas,
                self.removed_gas,
                self.size_changes,
            )
        )


def update_baseline(
    result: Mapping[str, Any], old: Baseline, *, reason: str = "", least: Severity = Severity.LOW
) -> BaselineUpdate:
    """Return the baseline that `result` (the content of result.json) gives.

    Findings of `least` or worse that count are entered with `reason`; an entry without one does not suppress
    until somebody writes it. Reasons that were written before stay. A section whose stage did not succeed
    stays as it was. Raises `NoResultError` when the result has nothing for a baseline.
    """
    stages = {s["name"]: s for s in result.get("stages", ()) if s.get("status") == "success"}
    scan, tests, build = (stages.get(n) for n in ("security-scan", "unit-tests", "compilation"))
    gas = _gas(tests)
    if scan is None and not gas and build is None:
        raise NoResultError(
            f"run {result.get('run_id', '')} has no scan, no gas and no build that succeeded",
            hint="run `chainops run` until its stages succeed",
        )
    findings = _findings(scan, old, reason, least) if scan else old.findings
    sizes = _sizes(build) if build else old.sizes
    comparison = compare_gas(old.gas, gas or old.gas)
    kept = {"findings": scan, "gas": gas, "sizes": build}
    return BaselineUpdate(
        baseline=Baseline(findings=findings, gas=gas or old.gas, sizes=sizes),
        new_findings=_without(findings, old.findings),
        removed_findings=_without(old.findings, findings),
        gas_changes=tuple(c for c in comparison.changes if c.rise),
        new_gas=comparison.new,
        removed_gas=comparison.removed,
        size_changes=_size_changes(old.sizes, sizes),
        kept=tuple(name for name, measured in kept.items() if not measured),
    )


def _findings(
    scan: Mapping[str, Any], old: Baseline, reason: str, least: Severity
) -> tuple[AcceptedFinding, ...]:
    """Merge what is found now with the reasons given before; entries of tools that did not run stay."""
    known = {entry.fingerprint: entry for entry in old.findings}
    ran = {analyzer["name"] for analyzer in scan.get("outputs", {}).get("analyzers", ())}
    result = [entry for entry in old.findings if entry.tool and entry.tool not in ran]
    for finding in scan.get("findings", ()):
        by_baseline = str(finding.get("suppressed_by", "")).startswith(_FROM_BASELINE)
        counts = by_baseline or not finding.get("suppressed_by")
        before = known.get(finding["fingerprint"])
        if not counts or (before is None and Severity.parse(finding["severity"]) < least):
            continue
        places = finding.get("places") or ({"path": ""},)
        result.append(
            AcceptedFinding(
                path=places[0]["path"],
                rule=finding["rule"],
                fingerprint=finding["fingerprint"],
                tool=finding["tool"],
                message=one_line(finding.get("message", "")),
                reason=(before.reason if before else "") or reason,
            )
        )
    return tuple(sorted(result))


def _gas(tests: Mapping[str, Any] | None) -> tuple[GasFigure, ...]:
    entries: Sequence[Mapping[str, Any]] = (tests or {}).get("outputs", {}).get("gas") or ()
    return gas_figures(entries)


def gas_figures(entries: Iterable[Mapping[str, Any]]) -> tuple[GasFigure, ...]:
    """Return what a baseline keeps of GasEntry values in JSON: the median of the calls, sorted.

    The median of a function's calls is what one more test, or one dear path among many, moves least.
    """
    return tuple(
        sorted(
            GasFigure(contract=e["contract"], function=e["function"], gas=int(e["median_gas"]))
            for e in entries
            if int(e.get("calls", 1)) > 0
        )
    )


def _sizes(build: Mapping[str, Any]) -> tuple[SizeFigure, ...]:
    return tuple(
        sorted(
            SizeFigure(
                contract=f"{c['path']}:{c['name']}",
                runtime_size_bytes=int(c["runtime_size_bytes"]),
                init_size_bytes=int(c["init_size_bytes"]),
            )
            for c in build.get("outputs", {}).get("contracts") or ()
            if c.get("deployable", True)
        )
    )


def _without(
    these: Iterable[AcceptedFinding], those: Iterable[AcceptedFinding]
) -> tuple[AcceptedFinding, ...]:
    known = {entry.fingerprint for entry in those}
    return tuple(entry for entry in these if entry.fingerprint not in known)


def _size_changes(
    old: Iterable[SizeFigure], new: Iterable[SizeFigure]
) -> tuple[tuple[str, SizeFigure | None, SizeFigure | None], ...]:
    before = {size.contract: size for size in old}
    after = {size.contract: size for size in new}
    return tuple(
        (name, before.get(name), after.get(name))
        for name in sorted(before.keys() | after.keys())
        if before.get(name) != after.get(name)
    )
