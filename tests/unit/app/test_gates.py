"""Gates of a run with the committed baseline, whatever became of the file, and the run's quality vector."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from chainops.analysis.model import (
    Confidence,
    FileMetrics,
    Finding,
    FunctionComplexity,
    Severity,
)
from chainops.app.config import load_config
from chainops.app.gates import ProjectGates, outputs_of, run_vector
from chainops.core.errors import Place
from chainops.core.serial import to_json
from chainops.pipeline.model import (
    AttemptRecord,
    Outcome,
    RunRecord,
    RunStatus,
    StageNode,
    StageRecord,
    StageStatus,
)
from chainops.quality.baseline import Baseline, GasFigure, render
from chainops.quality.model import GateStatus, Verdict
from chainops.toolchains.model import ContractBuild, GasEntry

NOW = datetime(2026, 1, 1, tzinfo=UTC)
VAULT = "src/Vault.sol:Vault"
GATES: dict[str, Any] = {
    "max_contract_size": 24_576,
    "min_test_coverage": 0.8,
    "max_complexity_score": 10,
    "security_scan_required": True,
    "gas_optimization_threshold": "5%",
}
METRICS = FileMetrics(
    path="src/Vault.sol",
    code_lines=9,
    comment_lines=1,
    functions=(FunctionComplexity(name="Vault.f", place=Place("src/Vault.sol", 4), complexity=15, lines=9),),
)
OUTPUTS: dict[str, dict[str, Any]] = {
    "compilation": {
        "contracts": to_json(
            [
                ContractBuild(
                    path="src/Vault.sol",
                    name="Vault",
                    runtime_size_bytes=30_000,
                    init_size_bytes=31_000,
                    runtime_digest="",
                    artifact="",
                    line=3,
                )
            ]
        )
    },
    "unit-tests": {
        "tests": {"total": 4, "passed": 3, "failed": 1, "skipped": 0},
        "coverage": {"lines": 0.9, "branches": 0.5, "files": []},
        "gas": to_json(
            [
                GasEntry(
                    contract=VAULT,
                    function="f()",
                    calls=1,
                    min_gas=200,
                    mean_gas=200,
                    median_gas=200,
                    max_gas=200,
                )
            ]
        ),
    },
    "static-analysis": {"complexity": to_json(METRICS.functions), "files": to_json([METRICS])},
    "security-scan": {"ran": True},
}
FINDING = Finding(
    tool="slither",
    rule="reentrancy-eth",
    severity=Severity.HIGH,
    confidence=Confidence.HIGH,
    message="m",
    places=(Place("src/Vault.sol", 7),),
)


def outcome(stage: str) -> Outcome:
    findings = (FINDING,) if stage == "security-scan" else ()
    return Outcome(status=StageStatus.SUCCESS, outputs=OUTPUTS[stage], findings=findings)


def record(project: Path, *stages: str) -> RunRecord:
    checkout = Outcome(status=StageStatus.SUCCESS, outputs={"project_root": str(project)})
    ended = [stage_record("source-checkout", checkout)]
    ended += [stage_record(stage, outcome(stage)) for stage in stages]
    return RunRecord(
        run_id="r",
        pipeline_id="p",
        project_name="p",
        status=RunStatus.RUNNING,
        started_at=NOW,
        ended_at=None,
        workspace=project,
        stages=tuple(ended),
    )


def stage_record(name: str, result: Outcome) -> StageRecord:
    attempt = AttemptRecord(attempt=1, status=result.status, started_at=NOW, ended_at=NOW, outcome=result)
    return StageRecord(node=StageNode(name=name), status=result.status, attempts=(attempt,))


def keeper(project: Path, baseline: bytes | None) -> ProjectGates:
    file = project / "chainops-baseline.json"
    file.unlink(missing_ok=True)
    if baseline is not None:
        file.write_bytes(baseline)
    loaded = load_config(project, data={"quality_gates": GATES})
    return ProjectGates(loaded, lambda: record(project))


def judge(gates: ProjectGates, stage: str) -> dict[str, GateStatus]:
    return {v.gate: v.status for v in gates.judge(StageNode(name=stage), outcome(stage))}


GAS = render(Baseline(gas=(GasFigure(contract=VAULT, function="f()", gas=100),)))
UNREADABLE = [b"{", b'{"version": 7}', b'{"version": 1, "gas": [7]}']


def test_the_committed_baseline_is_what_gas_is_compared_with(tmp_path: Path) -> None:
    gates = keeper(tmp_path, GAS)
    assert judge(gates, "unit-tests") == {
        "min_test_coverage": GateStatus.PASSED,
        "gas_optimization_threshold": GateStatus.FAILED,
    }
    assert gates.judge_missing(()) != ()


@pytest.mark.parametrize("damaged", UNREADABLE)
@pytest.mark.parametrize(
    ("stage", "gate"),
    [
        ("compilation", "max_contract_size"),
        ("static-analysis", "max_complexity_score"),
        ("security-scan", "security_scan_required"),
    ],
)
def test_what_needs_no_baseline_is_judged_without_it(
    tmp_path: Path, damaged: bytes, stage: str, gate: str
) -> None:
    found = judge(keeper(tmp_path, damaged), stage)
    assert found == judge(keeper(tmp_path, None), stage)
    assert found[gate] is GateStatus.FAILED


@pytest.mark.parametrize("damaged", UNREADABLE)
def test_an_unreadable_baseline_is_a_failed_gate_in_the_place_of_that_on_gas(
    tmp_path: Path, damaged: bytes
) -> None:
    gates = keeper(tmp_path, damaged)
    assert judge(gates, "unit-tests") == {
        "min_test_coverage": GateStatus.PASSED,
        "baseline": GateStatus.NOT_RUN,
    }
    verdicts = gates.judge(StageNode(name="unit-tests"), outcome("unit-tests"))
    assert "chainops-baseline.json" in verdicts[-1].message


def test_an_unreadable_baseline_is_told_once(tmp_path: Path) -> None:
    gates = keeper(tmp_path, b"{")
    judged: list[Verdict] = []
    for stage in OUTPUTS:
        judged += gates.judge(StageNode(name=stage), outcome(stage))
    assert gates.judge_missing(judged) == ()
    missing = gates.judge_missing([v for v in judged if v.stage != "unit-tests"])
    assert {v.gate for v in missing} == {"min_test_coverage", "baseline"}


def test_a_checkout_is_not_judged(tmp_path: Path) -> None:
    checkout = Outcome(status=StageStatus.SUCCESS, outputs={"project_root": str(tmp_path)})
    assert keeper(tmp_path, GAS).judge(StageNode(name="source-checkout"), checkout) == ()


def test_the_vector_is_made_of_what_the_stages_measured(tmp_path: Path) -> None:
    baseline = Baseline(gas=(GasFigure(contract=VAULT, function="f()", gas=100),))
    vector = run_vector(record(tmp_path, "unit-tests", "static-analysis", "security-scan"), baseline)
    assert vector.reliability.inputs == {"passed": 3, "failed": 1, "coverage": 0.5}
    assert vector.complexity.value == pytest.approx((50 - 15) / 40)
    assert vector.performance.value == pytest.approx(0.5)
    assert vector.security.value == pytest.approx(0.25)


def test_the_vector_of_a_run_that_stopped_early_knows_nothing(tmp_path: Path) -> None:
    vector = run_vector(record(tmp_path), None)
    for dimension in (vector.reliability, vector.complexity, vector.performance, vector.security):
        assert dimension.value is None
        assert dimension.reason


def test_a_scan_that_did_not_run_gives_no_security(tmp_path: Path) -> None:
    run = record(tmp_path, "unit-tests")
    broken = stage_record("security-scan", Outcome(status=StageStatus.SUCCESS, outputs={"ran": False}))
    assert run_vector(replace(run, stages=(*run.stages, broken)), None).security.value is None


def test_a_stage_that_left_nothing_has_no_outputs(tmp_path: Path) -> None:
    assert outputs_of(record(tmp_path), "unit-tests") == {}
    assert outputs_of(record(tmp_path, "unit-tests"), "unit-tests")["tests"]["passed"] == 3
