"""The next baseline keeps what people wrote and replaces what the run measured."""

from __future__ import annotations

from typing import Any

import pytest

from chainops.analysis.model import Severity
from chainops.quality.baseline import AcceptedFinding, Baseline, GasFigure, SizeFigure
from chainops.quality.errors import NoResultError
from chainops.quality.update import update_baseline


def found(
    fingerprint: str, severity: str = "high", suppressed_by: str = "", tool: str = "slither"
) -> dict[str, Any]:
    return {
        "tool": tool,
        "rule": "reentrancy-eth",
        "severity": severity,
        "message": "m",
        "places": [{"path": "src/A.sol", "line": 4, "column": 1}],
        "fingerprint": fingerprint,
        "suppressed_by": suppressed_by,
    }


def scan(*findings: dict[str, Any], status: str = "success") -> dict[str, Any]:
    return {
        "name": "security-scan",
        "status": status,
        "findings": list(findings),
        "outputs": {"analyzers": [{"name": "slither"}]},
    }


def unit_tests(**gas: int) -> dict[str, Any]:
    entries = [
        {"contract": "src/A.sol:A", "function": f, "calls": 2, "median_gas": g, "max_gas": 9}
        for f, g in gas.items()
    ]
    return {"name": "unit-tests", "status": "success", "outputs": {"gas": entries}}


def build(size: int) -> dict[str, Any]:
    contract = {"path": "src/A.sol", "name": "A", "runtime_size_bytes": size, "init_size_bytes": size + 1}
    test = {**contract, "name": "T", "deployable": False}
    return {"name": "compilation", "status": "success", "outputs": {"contracts": [contract, test]}}


def result(*stages: dict[str, Any]) -> dict[str, Any]:
    return {"run_id": "r1", "stages": list(stages)}


def entry(fingerprint: str, reason: str = "", tool: str = "slither") -> AcceptedFinding:
    return AcceptedFinding(
        path="src/A.sol",
        rule="reentrancy-eth",
        fingerprint=fingerprint,
        tool=tool,
        message="m",
        reason=reason,
    )


def test_a_first_baseline_holds_what_was_measured() -> None:
    update = update_baseline(
        result(scan(found("aa")), unit_tests(f=100), build(50)), Baseline(), reason="at adoption"
    )
    assert update.baseline == Baseline(
        findings=(entry("aa", "at adoption"),),
        gas=(GasFigure(contract="src/A.sol:A", function="f", gas=100),),
        sizes=(SizeFigure(contract="src/A.sol:A", runtime_size_bytes=50, init_size_bytes=51),),
    )
    assert update.changed
    assert update.kept == ()


def test_written_reasons_stay_and_what_is_gone_goes() -> None:
    old = Baseline(findings=(entry("aa", "audited"), entry("gone", "old"), entry("w", "other", tool="wake")))
    update = update_baseline(result(scan(found("aa", suppressed_by="baseline: audited"), found("bb"))), old)
    assert update.baseline.findings == (entry("aa", "audited"), entry("bb"), entry("w", "other", tool="wake"))
    assert update.new_findings == (entry("bb"),)
    assert update.removed_findings == (entry("gone", "old"),)
    assert update.kept == ("gas", "sizes")


def test_what_the_source_suppresses_and_what_is_mild_is_not_entered() -> None:
    stages = result(
        scan(found("aa", suppressed_by="src/A.sol:3: known"), found("bb", "low"), found("cc", "medium"))
    )
    update = update_baseline(stages, Baseline(), least=Severity.MEDIUM)
    assert [f.fingerprint for f in update.baseline.findings] == ["cc"]


def test_a_mild_finding_that_was_accepted_stays() -> None:
    old = Baseline(findings=(entry("bb", "fine"),))
    update = update_baseline(result(scan(found("bb", "info", "baseline: fine"))), old)
    assert update.baseline.findings == old.findings
    assert not update.changed


def test_gas_and_sizes_are_compared() -> None:
    old = Baseline(
        gas=(
            GasFigure(contract="src/A.sol:A", function="f", gas=90),
            GasFigure(contract="x:X", function="g", gas=1),
        ),
        sizes=(SizeFigure(contract="src/A.sol:A", runtime_size_bytes=50, init_size_bytes=51),),
    )
    update = update_baseline(result(unit_tests(f=100, h=5), build(60)), old)
    assert [(c.name, c.rise) for c in update.gas_changes] == [("A.f", 10)]
    assert [g.function for g in update.new_gas] == ["h"]
    assert [g.function for g in update.removed_gas] == ["g"]
    ((name, before, after),) = update.size_changes
    assert (name, before and before.runtime_size_bytes, after and after.runtime_size_bytes) == (
        "src/A.sol:A",
        50,
        60,
    )


def test_the_same_run_again_changes_nothing() -> None:
    stages = result(scan(found("aa")), unit_tests(f=1), build(2))
    first = update_baseline(stages, Baseline(), reason="x").baseline
    again = update_baseline(stages, first)
    assert again.baseline == first
    assert not again.changed


def test_a_failed_scan_removes_nothing() -> None:
    old = Baseline(findings=(entry("aa", "audited"),))
    update = update_baseline(result(scan(status="failed"), build(1)), old)
    assert update.baseline.findings == old.findings
    assert update.kept == ("findings", "gas")


def test_a_result_without_anything_is_refused() -> None:
    with pytest.raises(NoResultError, match="run r1 has no scan"):
        update_baseline(result(scan(status="failed")), Baseline())
