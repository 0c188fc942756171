"""The section `quality_gates` of the config: what a project demands of itself."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator

from chainops.core.config_mistakes import mistake

#: the most that a chain accepts as code unless it says otherwise (EIP-170)
MAX_CONTRACT_SIZE_BYTES = 24_576
_PERCENT = re.compile(r"(\d+(?:\.\d+)?)\s*%\Z")


class CoverageGate(BaseModel):
    """How much of what the tests must reach."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    measure: Literal["lines", "statements", "branches", "functions"] = Field(
        default="lines", description="What is counted"
    )
    value: float = Field(ge=0, le=1, description="Share that must be reached, 0–1")


def _coverage(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    if value > 1:
        hint = f"0–1, so {value / 100:g} for {value:g} %" if value <= 100 else "a number from 0 to 1"
        raise mistake(f"{value:g} is more than everything", hint=hint)
    return {"value": value}


def _severity(value: Any) -> Any:
    return value.strip().lower() if isinstance(value, str) else value


def _threshold(value: Any) -> Any:
    if isinstance(value, str) and not _PERCENT.match(value.strip()):
        raise mistake(f"`{value}` is neither an amount of gas nor a percentage", hint="such as 500 or 5%")
    return value.strip() if isinstance(value, str) else value


Coverage = Annotated[CoverageGate, BeforeValidator(_coverage, json_schema_input_type=float | CoverageGate)]
SeverityName = Annotated[
    Literal["info", "low", "medium", "high", "critical"],
    BeforeValidator(_severity),
]
Gas = Annotated[int, Field(ge=0, strict=True)]
SizeBytes = Annotated[int, Field(gt=0, strict=True)]


class QualityGatesSettings(BaseModel):
    """The gates. One that is left out judges nothing, except `max_contract_size`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    min_test_coverage: Coverage | None = Field(
        default=None, description="Least coverage: a share of lines (0–1), or `{measure, value}`"
    )
    max_complexity_score: int | None = Field(
        default=None, ge=1, strict=True, description="Highest cyclomatic complexity of any function"
    )
    security_scan_required: bool = Field(
        default=False, description="A run without a security scan fails; see `fail_on`"
    )
    fail_on: SeverityName | None = Field(
        default=None,
        description="Least severity of a finding that fails the run; `high` when a scan is required",
    )
    gas_optimization_threshold: Annotated[Gas | str, BeforeValidator(_threshold)] | None = Field(
        default=None,
        description="Most gas that a function or deployment may rise above the baseline: 500, or 5%",
    )
    gas_limits: dict[str, Gas] = Field(
        default={}, description="Most gas of any tested call, by `Contract.function` or `Contract.deployment`"
    )
    max_contract_size: SizeBytes | dict[str, SizeBytes] = Field(
        default=MAX_CONTRACT_SIZE_BYTES,
        description="Most bytes of runtime code: a number, or by network with `default`",
    )

    @field_validator("gas_limits")
    @classmethod
    def _names_a_function(cls, value: dict[str, int]) -> dict[str, int]:
        for name in value:
            contract, dot, function = name.rpartition(":")[2].partition(".")
            if not (contract and dot and function):
                raise mistake(f"`{name}` names no function", hint="such as `Vault.deposit`")
        return value

    @property
    def severity(self) -> str | None:
        """The least severity that fails, None when findings are not judged."""
        return self.fail_on or ("high" if self.security_scan_required else None)

    @property
    def gas_rise(self) -> tuple[float, str] | None:
        """The threshold as (0.05, `ratio`) or (500, `gas`); None when gas is not judged."""
        value = self.gas_optimization_threshold
        if value is None:
            return None
        match = _PERCENT.match(value) if isinstance(value, str) else None
        return (float(match[1]) / 100, "ratio") if match else (float(value), "gas")

    def asked_size_bytes(self, network: str) -> int | None:
        """Return what `max_contract_size` says of a network, in bytes; None where it says nothing."""
        if "max_contract_size" not in self.model_fields_set:
            return None
        if isinstance(self.max_contract_size, int):
            return self.max_contract_size
        return self.max_contract_size.get(network, self.max_contract_size.get("default"))
