"""The gatekeeper reads the stages' outputs; what a set gate finds unmeasured fails."""

from __future__ import annotations

from typing import Any

import pytest

from chainops.analysis.model import FunctionComplexity
from chainops.core.errors import Place
from chainops.core.serial import to_json
from chainops.core.tooluse import ToolUse
from chainops.pipeline.model import Outcome, StageNode, StageStatus
from chainops.quality.baseline import Baseline, GasFigure
from chainops.quality.model import GateStatus
from chainops.quality.settings import QualityGatesSettings
from chainops.stages.gates import QualityGates
from chainops.toolchains.model import ContractBuild, GasEntry

from .analysis_twins import finding

VAULT = "src/Vault.sol:Vault"
ALL: dict[str, Any] = {
    "min_test_coverage": 0.8,
    "max_complexity_score": 10,
    "security_scan_required": True,
    "gas_optimization_threshold": "5%",
    "gas_limits": {"Vault.deposit": 120_000},
    "max_contract_size": 24_576,
}


def keeper(baseline: Baseline | None = None, **settings: Any) -> QualityGates:
    return QualityGates(settings=QualityGatesSettings.model_validate(settings), baseline=baseline)


def ended(status: StageStatus = StageStatus.SUCCESS, **outputs: Any) -> Outcome:
    return Outcome(status=status, outputs=outputs, tools=(ToolUse(name="forge", version="1.7.1"),))


def entry(function: str, median: int, highest: int, calls: int = 3) -> dict[str, Any]:
    value: dict[str, Any] = to_json(
        GasEntry(
            contract=VAULT,
            function=function,
            calls=calls,
            min_gas=1,
            mean_gas=median,
            median_gas=median,
            max_gas=highest,
            place=Place("src/Vault.sol", 31),
        )
    )
    return value


def judge(gates: QualityGates, stage: str, outcome: Outcome) -> list[tuple[str, GateStatus, float | None]]:
    return [(v.gate, v.status, v.measured) for v in gates.judge(StageNode(name=stage), outcome)]


def test_sizes_are_judged_without_any_setting() -> None:
    contracts = [
        ContractBuild(
            path="src/Vault.sol",
            name="Vault",
            runtime_size_bytes=30_000,
            init_size_bytes=31_000,
            runtime_digest="",
            artifact="",
            line=12,
        ),
        ContractBuild(
            path="test/Big.sol",
            name="Big",
            runtime_size_bytes=90_000,
            init_size_bytes=90_000,
            runtime_digest="",
            artifact="",
            deployable=False,
        ),
    ]
    outcome = ended(contracts=to_json(contracts))
    assert judge(keeper(), "compilation", outcome) == [
        ("max_contract_size", GateStatus.FAILED, 30_000),
        ("max_init_size", GateStatus.PASSED, 31_000),
    ]
    (verdict, _) = keeper().judge(StageNode(name="compilation"), outcome)
    assert (verdict.tool, str(verdict.place)) == ("forge 1.7.1", "src/Vault.sol:12")


def test_sizes_are_judged_for_every_network_that_is_deployed_to() -> None:
    contract = ContractBuild(
        path="src/Vault.sol",
        name="Vault",
        runtime_size_bytes=30_000,
        init_size_bytes=31_000,
        runtime_digest="",
        artifact="",
    )
    settings = QualityGatesSettings(max_contract_size={"local": 40_000, "default": 24_576})
    gates = QualityGates(settings=settings, networks={"local": 131_072, "live": 24_576})
    verdicts = gates.judge(StageNode(name="compilation"), ended(contracts=to_json([contract])))
    sizes = [(v.threshold, v.status, v.message) for v in verdicts if v.gate == "max_contract_size"]
    assert [size[:2] for size in sizes] == [(40_000, GateStatus.PASSED), (24_576, GateStatus.FAILED)]
    assert sizes[0][2].endswith("40,000 allowed on local (max_contract_size, the network accepts 131,072)")
    assert sizes[1][2].endswith("Vault (30,000 bytes) on live")

    (missing,) = [v for v in gates.judge_missing(()) if v.gate == "max_contract_size"]
    assert missing.threshold == 24_576


def test_coverage_gives_the_first_missed_line_of_the_worst_file() -> None:
    coverage = {
        "lines": 0.4,
        "files": [
            {"path": "src/A.sol", "missed_lines": [7]},
            {"path": "src/B.sol", "missed_lines": [12, 9, 30]},
            {"path": "src/C.sol", "missed_lines": []},
        ],
        "accuracy": "",
        "failure": "",
    }
    (verdict,) = keeper(min_test_coverage=0.8).judge(
        StageNode(name="unit-tests"), ended(StageStatus.FAILED, coverage=coverage)
    )
    assert (verdict.status, str(verdict.place)) == (GateStatus.FAILED, "src/B.sol:9")


def test_coverage_that_failed_did_not_run() -> None:
    outcome = ended(coverage={"lines": None, "files": [], "failure": "stack too deep", "accuracy": ""})
    (verdict,) = keeper(min_test_coverage=0.0).judge(StageNode(name="unit-tests"), outcome)
    assert verdict.status is GateStatus.NOT_RUN
    assert "stack too deep" in verdict.message


def test_gas_is_compared_by_median_and_limited_by_maximum() -> None:
    baseline = Baseline(gas=(GasFigure(contract=VAULT, function="deposit(uint256)", gas=100_000),))
    gates = keeper(baseline, gas_optimization_threshold="5%", gas_limits={"Vault.deposit": 120_000})
    outcome = ended(gas=[entry("deposit(uint256)", 104_000, 121_000)])
    assert judge(gates, "unit-tests", outcome) == [
        ("gas_optimization_threshold", GateStatus.PASSED, pytest.approx(0.04)),
        ("gas_limits", GateStatus.FAILED, 121_000),
    ]
    verdicts = gates.judge(StageNode(name="unit-tests"), outcome)
    assert [str(v.place) for v in verdicts] == ["src/Vault.sol:31", "src/Vault.sol:31"]


@pytest.mark.parametrize(
    ("baseline", "words"),
    [(None, "there is no chainops-baseline.json: run"), (Baseline(), "there is no gas in chainops-baseline")],
)
def test_a_gas_gate_without_baseline_is_no_pass(baseline: Baseline | None, words: str) -> None:
    outcome = ended(gas=[entry("deposit(uint256)", 1, 1)])
    (verdict,) = keeper(baseline, gas_optimization_threshold=0).judge(StageNode(name="unit-tests"), outcome)
    assert verdict.status is GateStatus.NOT_RUN
    assert words in verdict.message
    assert "chainops baseline update" in verdict.message


def test_gas_that_failed_did_not_run() -> None:
    baseline = Baseline(gas=(GasFigure(contract=VAULT, function="f()", gas=1),))
    outcome = ended(gas=[], gas_failure="forge crashed")
    gates = keeper(baseline, gas_optimization_threshold=0, gas_limits={"Vault.f": 1})
    verdicts = gates.judge(StageNode(name="unit-tests"), outcome)
    assert {v.status for v in verdicts} == {GateStatus.NOT_RUN}
    assert all("forge crashed" in v.message for v in verdicts)


def test_complexity_is_read_from_the_outputs() -> None:
    functions = [FunctionComplexity(name="A.f", place=Place("src/A.sol", 4, 5), complexity=15)]
    (verdict,) = keeper(max_complexity_score=10).judge(
        StageNode(name="static-analysis"), ended(complexity=to_json(functions))
    )
    assert (verdict.status, str(verdict.place), verdict.tool) == (
        GateStatus.FAILED, "src/A.sol:4:5", "chainops",
    )  # fmt: skip


def test_security_needs_a_scan_that_ran() -> None:
    gates = keeper(security_scan_required=True)
    ran = Outcome(status=StageStatus.SUCCESS, findings=(finding("reentrancy-eth"),), outputs={"ran": True})
    assert judge(gates, "security-scan", ran) == [("security_scan_required", GateStatus.FAILED, 1)]
    broken = Outcome(status=StageStatus.SUCCESS, outputs={"ran": False})
    assert judge(gates, "security-scan", broken) == [("security_scan_required", GateStatus.NOT_RUN, None)]


def test_a_stage_that_broke_is_judged_at_the_end() -> None:
    gates = keeper(**ALL)
    broken = Outcome(status=StageStatus.FAILED)
    for stage in ("compilation", "unit-tests", "static-analysis", "security-scan"):
        assert gates.judge(StageNode(name=stage), broken) == ()
    missing = gates.judge_missing(())
    assert {v.gate for v in missing} == {
        "max_contract_size", "min_test_coverage", "gas_optimization_threshold", "gas_limits",
        "max_complexity_score", "security_scan_required",
    }  # fmt: skip
    assert {v.status for v in missing} == {GateStatus.NOT_RUN}
    assert gates.judge_missing(missing) == ()


def test_gates_that_are_not_set_are_not_missed() -> None:
    assert keeper().judge_missing(()) == ()
    assert keeper(fail_on="high").judge_missing(()) == ()


def test_other_stages_are_not_judged() -> None:
    assert keeper(**ALL).judge(StageNode(name="contract-deploy"), ended(contracts=[])) == ()
