"""The section `analysis` of the config: which analyzers run and what they must find in order."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

LinterName = Literal["forge-lint", "forge-fmt", "solhint"]
ScannerName = Literal["slither"]


class AnalysisSettings(BaseModel):
    """What static-analysis and security-scan do."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    linters: Annotated[
        tuple[LinterName, ...], Field(description="Linters of static-analysis, run side by side")
    ] = ("forge-lint", "forge-fmt", "solhint")
    analyzers: Annotated[
        tuple[ScannerName, ...],
        Field(min_length=1, description="Analyzers of security-scan, run side by side"),
    ] = ("slither",)
    require_format: Annotated[
        bool, Field(description="Fail static-analysis when a file is not formatted; needs forge-fmt")
    ] = False
    baseline: Annotated[
        str,
        Field(
            pattern=r"^[^/\\\x00][^\\\x00]*$",
            description="The committed baseline, relative to the project's root",
        ),
    ] = "chainops-baseline.json"
