"""Measurements, thresholds and the verdicts that join them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from chainops.core.errors import Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """One figure that a stage measured."""

    #: dotted, such as `coverage.lines`, `complexity.max`, `size.runtime_max_bytes`, `gas.deployment`
    name: str
    value: float
    #: `ratio` (0–1), `count`, `gas`, `bytes`, `seconds`, `wei`
    unit: str
    #: where the figure comes from, for a maximum or a miss
    place: Place | None = None
    #: what it belongs to, such as `src/Vault.sol:Vault.deposit`
    subject: str = ""


class GateStatus(StrEnum):
    """What a gate says. `NOT_RUN` is a failure: what a gate requires and nothing measured."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_RUN = "not_run"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """A gate's answer with its evidence."""

    gate: str
    status: GateStatus
    #: the stage whose result was judged
    stage: str
    #: None when nothing was measured
    measured: float | None
    threshold: float
    unit: str
    #: distance to the threshold, positive on the good side; None when nothing was measured
    margin: float | None
    #: `at_least`, `at_most`
    direction: str
    message: str
    #: the program whose figure it is
    tool: str = ""
    place: Place | None = None

    @property
    def passed(self) -> bool:
        """Whether the release may go on as far as this gate is concerned."""
        return self.status is GateStatus.PASSED
