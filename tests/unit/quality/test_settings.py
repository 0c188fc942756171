"""The gates are set in the user's words, and a slip is answered with what was meant."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from chainops.quality.settings import CoverageGate, QualityGatesSettings


def test_without_settings_only_the_size_is_judged() -> None:
    settings = QualityGatesSettings()
    assert settings.severity is None
    assert settings.gas_rise is None
    assert settings.asked_size_bytes("anywhere") is None
    assert settings.model_fields_set == set()


def test_coverage_is_a_number_or_a_measure() -> None:
    plain = QualityGatesSettings.model_validate({"min_test_coverage": 0.8}).min_test_coverage
    chosen = QualityGatesSettings.model_validate(
        {"min_test_coverage": {"measure": "branches", "value": 1}}
    ).min_test_coverage
    assert plain == CoverageGate(measure="lines", value=0.8)
    assert chosen == CoverageGate(measure="branches", value=1.0)


@pytest.mark.parametrize(
    ("value", "rise"), [(500, (500.0, "gas")), ("5%", (0.05, "ratio")), ("0 %", (0.0, "ratio"))]
)
def test_gas_may_rise_by_an_amount_or_a_share(value: Any, rise: tuple[float, str]) -> None:
    assert QualityGatesSettings(gas_optimization_threshold=value).gas_rise == pytest.approx(rise)


def test_a_required_scan_fails_on_high_unless_told_otherwise() -> None:
    assert QualityGatesSettings(security_scan_required=True).severity == "high"
    chosen = QualityGatesSettings.model_validate({"security_scan_required": True, "fail_on": " Medium "})
    assert chosen.severity == "medium"


def test_sizes_can_differ_by_network() -> None:
    settings = QualityGatesSettings(max_contract_size={"default": 20_000, "monad": 131_072})
    assert [settings.asked_size_bytes(n) for n in ("monad", "mainnet")] == [131_072, 20_000]
    assert QualityGatesSettings(max_contract_size={"monad": 131_072}).asked_size_bytes("x") is None


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"min_test_coverage": 80}, "80 is more than everything"),
        ({"min_test_coverage": True}, "min_test_coverage"),
        ({"min_test_coverage": -0.1}, "greater than or equal to 0"),
        ({"min_test_coverage": {"measure": "words", "value": 0.5}}, "'branches'"),
        ({"max_complexity_score": 0}, "greater than or equal to 1"),
        ({"max_complexity_score": 2.5}, "integer"),
        ({"fail_on": "bad"}, "'critical'"),
        ({"gas_optimization_threshold": "5 gas"}, "neither an amount of gas nor a percentage"),
        ({"gas_optimization_threshold": -5}, "greater than or equal to 0"),
        ({"gas_limits": {"deposit": 5}}, "`deposit` names no function"),
        ({"max_contract_size": 0}, "greater than 0"),
        ({"min_coverage": 0.5}, "Extra inputs"),
    ],
)
def test_slips_are_refused(data: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        QualityGatesSettings.model_validate(data)


def test_the_settings_have_a_schema() -> None:
    schema = QualityGatesSettings.model_json_schema()
    assert {"type": "number"} in schema["properties"]["min_test_coverage"]["anyOf"]
