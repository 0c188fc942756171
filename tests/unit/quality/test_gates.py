"""Each gate says what was measured, where, by what margin; what was not measured is no pass."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainops.analysis.model import Confidence, Finding, FunctionComplexity, Severity
from chainops.core.errors import Place
from chainops.quality.baseline import GasFigure
from chainops.quality.gas import compare_gas, matches_limit
from chainops.quality.gas_gates import evaluate_gas_limit, evaluate_gas_rise
from chainops.quality.gates import (
    ContractSize,
    evaluate_complexity,
    evaluate_coverage,
    evaluate_security,
    evaluate_sizes,
)
from chainops.quality.model import GateStatus
from chainops.quality.sizes import SizeLimit

VAULT = "src/Vault.sol:Vault"


def gas(function: str, amount: int) -> GasFigure:
    return GasFigure(contract=VAULT, function=function, gas=amount)


def function(name: str, complexity: int, line: int = 1) -> FunctionComplexity:
    return FunctionComplexity(name=name, place=Place("src/A.sol", line, 5), complexity=complexity)


def finding(severity: Severity, *, rule: str = "r", suppressed_by: str = "", line: int = 3) -> Finding:
    return Finding(
        tool="slither",
        rule=rule,
        severity=severity,
        confidence=Confidence.HIGH,
        message="m",
        places=(Place("src/A.sol", line),),
        suppressed_by=suppressed_by,
    )


class TestCoverage:
    @pytest.mark.parametrize(
        ("measured", "status", "margin"),
        [(0.4, GateStatus.FAILED, -0.4), (0.8, GateStatus.PASSED, 0.0), (1.0, GateStatus.PASSED, 0.2)],
    )
    def test_the_threshold_itself_is_enough(self, measured: float, status: GateStatus, margin: float) -> None:
        verdict = evaluate_coverage(measured, 0.8, measure="branches", stage="unit-tests", tool="forge 1")
        assert verdict.status is status
        assert verdict.margin == pytest.approx(margin)
        assert (verdict.measured, verdict.threshold, verdict.unit) == (measured, 0.8, "ratio")
        assert (verdict.direction, verdict.tool, verdict.stage) == ("at_least", "forge 1", "unit-tests")

    def test_what_was_not_measured_did_not_run(self) -> None:
        verdict = evaluate_coverage(None, 0.0, measure="lines", stage="s", why_not="stack too deep")
        assert verdict.status is GateStatus.NOT_RUN
        assert not verdict.passed
        assert (verdict.measured, verdict.margin) == (None, None)
        assert verdict.message == "lines coverage was not measured: stack too deep"

    def test_a_fall_back_is_named(self) -> None:
        verdict = evaluate_coverage(
            0.9, 0.8, measure="lines", stage="s", accuracy="measured with --ir-minimum"
        )
        assert verdict.message == "90 % of lines covered, at least 80 % required (measured with --ir-minimum)"


class TestComplexity:
    def test_the_worst_function_gives_measurement_and_place(self) -> None:
        verdict = evaluate_complexity([function("A.f", 3), function("A.g", 15, 40)], 10, stage="s")
        assert verdict.status is GateStatus.FAILED
        assert (verdict.measured, verdict.margin, str(verdict.place)) == (15, -5, "src/A.sol:40:5")
        assert verdict.message == "1 function above 10: A.g (15)"

    def test_the_limit_itself_is_allowed(self) -> None:
        assert evaluate_complexity([function("A.f", 10)], 10, stage="s").passed

    def test_no_function_has_no_complexity(self) -> None:
        assert evaluate_complexity([], 10, stage="s").passed

    def test_many_are_cut(self) -> None:
        verdict = evaluate_complexity([function(f"A.f{n}", 20 + n) for n in range(9)], 10, stage="s")
        assert verdict.message.endswith("A.f4 (24) and 4 more")


class TestSecurity:
    def test_the_worst_comes_first_with_its_place(self) -> None:
        found = [finding(Severity.HIGH, rule="h", line=9), finding(Severity.CRITICAL, rule="c", line=20)]
        verdict = evaluate_security(found, Severity.HIGH, ran=True, stage="s")
        assert verdict.status is GateStatus.FAILED
        assert (verdict.measured, verdict.margin, str(verdict.place)) == (2, -2, "src/A.sol:20")
        assert verdict.message == "2 findings of severity high or worse: c (critical), h (high)"

    def test_milder_and_suppressed_findings_pass(self) -> None:
        found = [finding(Severity.MEDIUM), finding(Severity.HIGH, suppressed_by="baseline: known")]
        verdict = evaluate_security(found, Severity.HIGH, ran=True, stage="s")
        assert verdict.passed
        assert verdict.message == "no finding of severity high or worse; 1 finding below it"

    def test_a_scan_that_did_not_run_is_no_pass(self) -> None:
        verdict = evaluate_security([], Severity.HIGH, ran=False, stage="s")
        assert verdict.status is GateStatus.NOT_RUN


class TestGasRise:
    BASE = (gas("deposit(uint256)", 1000), gas("deployment", 50_000), gas("gone()", 5))

    def test_the_largest_rise_is_judged_in_percent(self) -> None:
        now = (gas("deposit(uint256)", 1060), gas("deployment", 50_100), gas("new()", 10**6))
        verdict = evaluate_gas_rise(compare_gas(self.BASE, now), 0.05, "ratio", stage="s")
        assert verdict.status is GateStatus.FAILED
        assert verdict.measured == pytest.approx(0.06)
        assert verdict.margin == pytest.approx(-0.01)
        assert str(verdict.place) == "src/Vault.sol"
        assert verdict.message == (
            "1 function rose by more than 5 %: Vault.deposit(uint256) 1,000 → 1,060 (+60, +6.0%) "
            "(1 new: Vault.new(); 1 not measured any more: Vault.gone())"
        )

    def test_what_rose_most_has_its_line(self) -> None:
        now = (gas("deposit(uint256)", 1060), gas("deployment", 50_100))
        places = {
            (VAULT, "deposit(uint256)"): Place("src/Base.sol", 40),
            (VAULT, "deployment"): Place("src/Vault.sol", 9),
        }
        for unit, place in (("ratio", "src/Base.sol:40"), ("gas", "src/Vault.sol:9")):
            verdict = evaluate_gas_rise(compare_gas(self.BASE, now), 0, unit, stage="s", places=places)
            assert str(verdict.place) == place

    def test_the_largest_rise_is_judged_in_gas(self) -> None:
        now = (gas("deposit(uint256)", 1060), gas("deployment", 50_100))
        verdict = evaluate_gas_rise(compare_gas(self.BASE, now), 100, "gas", stage="s")
        assert (verdict.status, verdict.measured, verdict.margin) == (GateStatus.PASSED, 100, 0)

    def test_savings_pass_a_threshold_of_nothing(self) -> None:
        verdict = evaluate_gas_rise(compare_gas(self.BASE, (gas("deployment", 1),)), 0, "gas", stage="s")
        assert (verdict.status, verdict.measured) == (GateStatus.PASSED, -49_999)

    def test_a_rise_from_nothing_is_one_of_everything(self) -> None:
        verdict = evaluate_gas_rise(compare_gas((gas("f", 0),), (gas("f", 9),)), 0.5, "ratio", stage="s")
        assert (verdict.status, verdict.measured) == (GateStatus.FAILED, 1.0)

    def test_nothing_in_common_is_nothing_measured(self) -> None:
        verdict = evaluate_gas_rise(compare_gas(self.BASE, (gas("new()", 1),)), 0, "gas", stage="s")
        assert verdict.status is GateStatus.NOT_RUN
        assert "no function of the baseline" in verdict.message

    def test_a_missing_side_is_told(self) -> None:
        verdict = evaluate_gas_rise(None, 0, "gas", stage="s", why_not="there is no baseline")
        assert (verdict.status, verdict.message) == (GateStatus.NOT_RUN, "there is no baseline")


class TestGasLimit:
    def test_the_dearest_call_is_judged(self) -> None:
        verdict = evaluate_gas_limit(
            "Vault.deposit", (VAULT, "deposit(uint256)", 130_000), 120_000, stage="s"
        )
        assert (verdict.status, verdict.margin) == (GateStatus.FAILED, -10_000)
        assert verdict.message == "Vault.deposit(uint256) costs up to 130,000 gas, at most 120,000 allowed"

    def test_the_dearest_call_has_its_line(self) -> None:
        dearest = (VAULT, "deposit(uint256)", 2)
        verdict = evaluate_gas_limit("Vault", dearest, 1, stage="s", place=Place("src/Vault.sol", 7))
        assert str(verdict.place) == "src/Vault.sol:7"
        assert str(evaluate_gas_limit("Vault", dearest, 1, stage="s").place) == "src/Vault.sol"

    def test_an_uncalled_function_is_not_measured(self) -> None:
        verdict = evaluate_gas_limit("Vault.deposit", None, 1, stage="s")
        assert (verdict.status, verdict.message) == (
            GateStatus.NOT_RUN, "Vault.deposit: no unit test calls it",
        )  # fmt: skip

    @pytest.mark.parametrize(
        ("name", "matches"),
        [
            ("Vault.deposit", True),
            ("Vault.deposit(uint256)", True),
            ("Vault.deposit(uint8)", False),
            ("src/Vault.sol:Vault.deposit", True),
            ("lib/Vault.sol:Vault.deposit", False),
            ("Other.deposit", False),
            ("Vault.dep", False),
        ],
    )
    def test_names(self, name: str, matches: bool) -> None:
        assert matches_limit(name, VAULT, "deposit(uint256)") is matches

    @pytest.mark.parametrize("name", ["Vault.deployment", "Vault.constructor"])
    def test_deployments_have_two_names(self, name: str) -> None:
        assert matches_limit(name, VAULT, "deployment")


EIP_170 = SizeLimit(limit_bytes=24_576, networks=())


def size(contract: str, runtime_size_bytes: int, init_size_bytes: int, *, line: int) -> ContractSize:
    return ContractSize(
        contract=contract,
        runtime_size_bytes=runtime_size_bytes,
        init_size_bytes=init_size_bytes,
        place=Place(contract.partition(":")[0], line),
    )


class TestSizes:
    def test_the_largest_contract_is_judged(self) -> None:
        sizes = [
            size(VAULT, 24_577, 25_000, line=12),
            size("src/B.sol:B", 10, 50_000, line=3),
        ]
        runtime, init = evaluate_sizes(
            sizes, SizeLimit(limit_bytes=24_576, networks=("local",)), stage="compilation"
        )
        assert (runtime.gate, runtime.status, runtime.margin) == ("max_contract_size", GateStatus.FAILED, -1)
        assert str(runtime.place) == "src/Vault.sol:12"
        assert runtime.message == (
            "runtime code above the 24,576 bytes allowed: Vault (24,577 bytes) on local"
        )
        assert (init.gate, init.status, init.measured) == ("max_init_size", GateStatus.FAILED, 50_000)
        assert str(init.place) == "src/B.sol:3"

    def test_the_limit_itself_is_allowed(self) -> None:
        sizes = [ContractSize(contract=VAULT, runtime_size_bytes=24_576, init_size_bytes=49_152)]
        assert all(v.passed for v in evaluate_sizes(sizes, EIP_170, stage="s"))

    def test_no_contract_is_no_size(self) -> None:
        assert all(v.passed and v.place is None for v in evaluate_sizes([], EIP_170, stage="s"))


FIGURES = st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 10**9)).map(
    lambda d: tuple(gas(k, v) for k, v in d.items())
)


@given(FIGURES, FIGURES, st.floats(0, 10), st.sampled_from(["gas", "ratio"]))
def test_margin_and_status_never_disagree(
    before: tuple[GasFigure, ...], after: tuple[GasFigure, ...], threshold: float, unit: str
) -> None:
    comparison = compare_gas(before, after)
    verdict = evaluate_gas_rise(comparison, threshold, unit, stage="s")
    assert len(comparison.changes) + len(comparison.new) == len(after)
    assert len(comparison.changes) + len(comparison.removed) == len(before)
    if verdict.margin is None:
        assert verdict.status is GateStatus.NOT_RUN
    else:
        assert (verdict.margin >= 0) is verdict.passed
