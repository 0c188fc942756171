"""Gates and quality vector of a run: they need the baseline that the project has committed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from chainops.analysis.model import FileMetrics
from chainops.app.config import LoadedConfig
from chainops.chains.model import Network
from chainops.core.errors import InputError
from chainops.core.serial import from_json
from chainops.pipeline.matrix import is_join
from chainops.pipeline.model import Outcome, RunRecord, StageNode, StageStatus
from chainops.quality.baseline import Baseline, read_baseline
from chainops.quality.gas import compare_gas
from chainops.quality.gas_gates import GAS_RISE
from chainops.quality.model import GateStatus, Verdict
from chainops.quality.vector import QualityVector, VectorInputs, quality_vector
from chainops.stages.common import (
    CONTRACT_DEPLOY,
    PRODUCTION_DEPLOY,
    SECURITY_SCAN,
    SOURCE_CHECKOUT,
    STATIC_ANALYSIS,
    UNIT_TESTS,
)
from chainops.stages.gates import QualityGates, gas_figures

#: the gate that stands for a baseline that cannot be read
_UNREADABLE = "baseline"


class ProjectGates:
    """Implements `Gatekeeper` with the baseline of the project that was checked out."""

    def __init__(
        self,
        loaded: LoadedConfig,
        status: Callable[[], RunRecord | None],
        *,
        no_production: bool = False,
    ) -> None:
        self._loaded = loaded
        self._status = status
        self._no_production = no_production

    def judge(self, node: StageNode, outcome: Outcome) -> tuple[Verdict, ...]:
        """See `Gatekeeper.judge`.

        A baseline that cannot be read is a failed gate in the place of that on gas: no other needs it. Of
        unit-tests' cells only the first is compared with the baseline, which holds the gas of one compiler.
        """
        if node.stage == SOURCE_CHECKOUT:
            return ()
        verdicts = self._gates.judge(node, outcome)
        if node.stage != UNIT_TESTS or is_join(node):
            return verdicts
        return self._with_problem(verdicts) if self._is_compared(node) else _without_gas(verdicts)

    def _is_compared(self, node: StageNode) -> bool:
        run = self._status()
        cells = [s.node.name for s in run.stages if s.node.stage == UNIT_TESTS] if run else []
        return not node.cell or node.name == next(iter(cells), "")

    def judge_missing(self, verdicts: Sequence[Verdict]) -> tuple[Verdict, ...]:
        """See `Gatekeeper.judge_missing`."""
        missing = self._gates.judge_missing(verdicts)
        told = any(verdict.gate == _UNREADABLE for verdict in verdicts)
        return _without_gas(missing) if told else self._with_problem(missing)

    def _with_problem(self, verdicts: tuple[Verdict, ...]) -> tuple[Verdict, ...]:
        problem = self._read[1] if self._root() else None
        return (*_without_gas(verdicts), _unreadable(problem)) if problem else verdicts

    @property
    def _gates(self) -> QualityGates:
        return self._built if self._root() else self._build(None)

    @cached_property
    def _built(self) -> QualityGates:
        return self._build(self._read[0])

    @cached_property
    def _read(self) -> tuple[Baseline | None, InputError | None]:
        try:
            return self.baseline(), None
        except InputError as error:
            return None, error

    def _build(self, baseline: Baseline | None) -> QualityGates:
        config = self._loaded.config
        return QualityGates(
            settings=config.quality_gates,
            baseline=baseline,
            networks={n.name: n.code_size_limit_bytes for n in self._networks()},
            baseline_name=config.analysis.baseline,
        )

    def _networks(self) -> list[Network]:
        """Return the networks that the run deploys to: the targets, and production unless it is left out."""
        loaded, run = self._loaded, self._status()
        matrix = loaded.config.stage_settings()[CONTRACT_DEPLOY].matrix
        names = (matrix.network if matrix else None) or [loaded.config.target_network]
        targets = [loaded.networks[name] for name in names]
        skipped = [s.node.name for s in run.stages if s.node.skip_reason] if run else []
        if self._no_production or PRODUCTION_DEPLOY in skipped or loaded.config.deploy is None:
            return targets
        return [*targets, *(n for n in loaded.networks.values() if n.production and n not in targets)]

    def baseline(self) -> Baseline | None:
        """Return the committed baseline, None without one. Raises `InputErrors` when it cannot be read."""
        root = self._root()
        name = self._loaded.config.analysis.baseline
        return read_baseline(root / name, shown=name) if root else None

    def _root(self) -> Path | None:
        run = self._status()
        outputs = outputs_of(run, SOURCE_CHECKOUT) if run else {}
        return Path(outputs["project_root"]) if "project_root" in outputs else None


def _without_gas(verdicts: tuple[Verdict, ...]) -> tuple[Verdict, ...]:
    return tuple(verdict for verdict in verdicts if verdict.gate != GAS_RISE)


def _unreadable(error: InputError) -> Verdict:
    return Verdict(
        gate=_UNREADABLE,
        status=GateStatus.NOT_RUN,
        stage=UNIT_TESTS,
        measured=None,
        threshold=0,
        unit="count",
        margin=None,
        direction="at_most",
        message=str(error),
        place=error.place,
    )


def outputs_of(run: RunRecord, stage: str) -> Mapping[str, Any]:
    """Return what a stage left; empty when it left nothing."""
    outcome = next((s.outcome for s in run.stages if s.node.name == stage), None)
    return outcome.outputs if outcome else {}


def run_vector(run: RunRecord, baseline: Baseline | None) -> QualityVector:
    """Compute the quality vector from what the run's stages measured."""
    tests, lint, scan = (outputs_of(run, s) for s in (UNIT_TESTS, STATIC_ANALYSIS, SECURITY_SCAN))
    coverage = tests.get("coverage") or {}
    counts = tests.get("tests") or {}
    scans = [s.outcome for s in run.stages if s.node.stage == SECURITY_SCAN and s.outcome]
    found = {(f.fingerprint, f.tool, f.rule, f.places): f for one in scans for f in one.findings}
    return quality_vector(
        VectorInputs(
            files=[from_json(FileMetrics, f) for f in lint["files"]] if "files" in lint else None,
            tests_passed=counts.get("passed"),
            tests_failed=counts.get("failed"),
            branch_coverage=coverage.get("branches"),
            line_coverage=coverage.get("lines"),
            findings=tuple(found.values())
            if scan.get("ran") and all(one.status is StageStatus.SUCCESS for one in scans)
            else None,
            gas=compare_gas(baseline.gas, gas_figures(tests)) if baseline and tests.get("gas") else None,
        )
    )
