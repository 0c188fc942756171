"""Joins the quality gates to the pipeline: reads a stage's outcome and lets the pure functions judge."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from chainops.analysis.model import FunctionComplexity, Severity
from chainops.core.errors import Place
from chainops.core.serial import from_json
from chainops.pipeline.matrix import is_join
from chainops.pipeline.model import Outcome, StageNode, StageStatus
from chainops.quality import gas_gates, gates
from chainops.quality.baseline import BASELINE_NAME, Baseline, GasFigure
from chainops.quality.gas import compare_gas, matches_limit
from chainops.quality.gates import ContractSize
from chainops.quality.model import Verdict
from chainops.quality.settings import MAX_CONTRACT_SIZE_BYTES, QualityGatesSettings
from chainops.quality.sizes import size_limits
from chainops.quality.update import gas_figures as baseline_gas
from chainops.quality.verdicts import AT_MOST, not_run
from chainops.stages.common import COMPILATION, SECURITY_SCAN, STATIC_ANALYSIS, UNIT_TESTS

#: complexity is counted by chainops itself
_OURSELVES = "chainops"
UPDATE_HINT = "run `chainops baseline update` and commit the file"


class QualityGates:
    """Implements `Gatekeeper`. Without a setting a gate judges nothing; the size limit always holds.

    `baseline` is None when the project has committed none. `networks` are those that are deployed to, each
    with the bytes of runtime code that it accepts.
    """

    def __init__(
        self,
        *,
        settings: QualityGatesSettings,
        baseline: Baseline | None = None,
        networks: Mapping[str, int] | None = None,
        baseline_name: str = BASELINE_NAME,
    ) -> None:
        self._settings = settings
        self._baseline = baseline
        self._size_limits = size_limits(settings, networks or {"": MAX_CONTRACT_SIZE_BYTES})
        self._baseline_name = baseline_name

    def judge(self, node: StageNode, outcome: Outcome) -> tuple[Verdict, ...]:
        """See `Gatekeeper.judge`. A stage that left no outputs is judged by `judge_missing` at the end.

        Each cell of a stage is judged for itself, and its verdicts bear its name; their join is not judged.
        """
        if is_join(node):
            return ()
        judges = {
            COMPILATION: self._judge_sizes,
            UNIT_TESTS: self._judge_tests,
            STATIC_ANALYSIS: self._judge_complexity,
            SECURITY_SCAN: self._judge_security,
        }
        judge = judges.get(node.stage)
        if judge is None or not (outcome.outputs or outcome.status is StageStatus.SUCCESS):
            return ()
        verdicts = judge(outcome, _tool(outcome))
        return tuple(replace(v, stage=node.name) for v in verdicts) if node.cell else verdicts

    def judge_missing(self, verdicts: Sequence[Verdict]) -> tuple[Verdict, ...]:
        """See `Gatekeeper.judge_missing`."""
        present = {verdict.gate for verdict in verdicts}
        return tuple(verdict for verdict in self._unmeasured() if verdict.gate not in present)

    def _unmeasured(self) -> tuple[Verdict, ...]:
        """Return what every gate that is set says when its stage left nothing to judge."""
        none = Outcome(status=StageStatus.SKIPPED)
        sizes: tuple[Verdict, ...] = ()
        if "max_contract_size" in self._settings.model_fields_set:
            sizes = (
                not_run(
                    gates.SIZE,
                    COMPILATION,
                    threshold=min(one.limit_bytes for one in self._size_limits),
                    unit="bytes",
                    direction=AT_MOST,
                    why="no contract was compiled",
                ),
            )
        return (
            *sizes,
            *self._judge_tests(none, ""),
            *self._judge_complexity(none, ""),
            *(self._judge_security(none, "") if self._settings.security_scan_required else ()),
        )

    def _judge_sizes(self, outcome: Outcome, tool: str) -> tuple[Verdict, ...]:
        contracts = outcome.outputs.get("contracts")
        if contracts is None:
            return ()
        sizes = [
            ContractSize(
                contract=f"{c['path']}:{c['name']}",
                runtime_size_bytes=int(c["runtime_size_bytes"]),
                init_size_bytes=int(c["init_size_bytes"]),
                place=Place(c["path"], int(c.get("line", 0))),
            )
            for c in contracts
            if c.get("deployable", True)
        ]
        return tuple(
            verdict
            for limit in self._size_limits
            for verdict in gates.evaluate_sizes(sizes, limit, stage=COMPILATION, tool=tool)
        )

    def _judge_tests(self, outcome: Outcome, tool: str) -> tuple[Verdict, ...]:
        return (
            *self._judge_coverage(outcome, tool),
            *self._judge_gas_rise(outcome, tool),
            *self._judge_gas_limits(outcome, tool),
        )

    def _judge_coverage(self, outcome: Outcome, tool: str) -> tuple[Verdict, ...]:
        gate = self._settings.min_test_coverage
        if gate is None:
            return ()
        coverage: Mapping[str, Any] = outcome.outputs.get("coverage") or {}
        measured = coverage.get(gate.measure)
        return (
            gates.evaluate_coverage(
                None if measured is None else float(measured),
                gate.value,
                measure=gate.measure,
                stage=UNIT_TESTS,
                tool=tool,
                place=_least_covered(coverage),
                accuracy=coverage.get("accuracy") or "",
                why_not=coverage.get("failure") or "",
            ),
        )

    def _judge_gas_rise(self, outcome: Outcome, tool: str) -> tuple[Verdict, ...]:
        if self._settings.gas_rise is None:
            return ()
        threshold, unit = self._settings.gas_rise
        current = gas_figures(outcome.outputs)
        why_not = outcome.outputs.get("gas_failure") or ""
        if not current:
            why_not = f"gas was not measured: {why_not}" if why_not else "gas was not measured"
        elif self._baseline is None or not self._baseline.gas:
            missing = "there is no" if self._baseline is None else "there is no gas in"
            why_not = f"{missing} {self._baseline_name}: {UPDATE_HINT}"
        comparison = compare_gas(self._baseline.gas, current) if current and self._baseline else None
        return (
            gas_gates.evaluate_gas_rise(
                comparison,
                threshold,
                unit,
                stage=UNIT_TESTS,
                tool=tool,
                why_not=why_not,
                places=_places(outcome.outputs.get("gas") or ()),
            ),
        )

    def _judge_gas_limits(self, outcome: Outcome, tool: str) -> tuple[Verdict, ...]:
        entries: Sequence[Mapping[str, Any]] = outcome.outputs.get("gas") or ()
        why_not = "" if entries else outcome.outputs.get("gas_failure") or "gas was not measured"
        places = _places(entries)
        verdicts = []
        for name, limit in self._settings.gas_limits.items():
            highest = _dearest(name, entries)
            verdicts.append(
                gas_gates.evaluate_gas_limit(
                    name,
                    highest,
                    limit,
                    stage=UNIT_TESTS,
                    tool=tool,
                    why_not=why_not,
                    place=places.get(highest[:2]) if highest else None,
                )
            )
        return tuple(verdicts)

    def _judge_complexity(self, outcome: Outcome, _tool: str) -> tuple[Verdict, ...]:
        limit = self._settings.max_complexity_score
        if limit is None:
            return ()
        measured = outcome.outputs.get("complexity")
        if measured is None:
            return (
                not_run(
                    gates.COMPLEXITY,
                    STATIC_ANALYSIS,
                    threshold=limit,
                    unit="count",
                    direction=AT_MOST,
                    why="complexity was not measured",
                ),
            )
        functions = [from_json(FunctionComplexity, function) for function in measured]
        return (gates.evaluate_complexity(functions, limit, stage=STATIC_ANALYSIS, tool=_OURSELVES),)

    def _judge_security(self, outcome: Outcome, tool: str) -> tuple[Verdict, ...]:
        severity = self._settings.severity
        if severity is None:
            return ()
        ran = outcome.status is StageStatus.SUCCESS and outcome.outputs.get("ran") is True
        return (
            gates.evaluate_security(
                outcome.findings,
                Severity.parse(severity),
                ran=ran,
                stage=SECURITY_SCAN,
                tool=tool,
            ),
        )


def gas_figures(outputs: Mapping[str, Any]) -> tuple[GasFigure, ...]:
    """Return what a baseline keeps of unit-tests' outputs."""
    return baseline_gas(outputs.get("gas") or ())


def _dearest(name: str, entries: Sequence[Mapping[str, Any]]) -> tuple[str, str, int] | None:
    called = [
        (int(e["max_gas"]), str(e["contract"]), str(e["function"]))
        for e in entries
        if int(e.get("calls", 1)) > 0 and matches_limit(name, e["contract"], e["function"])
    ]
    if not called:
        return None
    gas, contract, function = max(called)
    return contract, function, gas


def _places(entries: Sequence[Mapping[str, Any]]) -> dict[tuple[str, str], Place]:
    return {
        (str(e["contract"]), str(e["function"])): from_json(Place, e["place"])
        for e in entries
        if e.get("place")
    }


def _least_covered(coverage: Mapping[str, Any]) -> Place | None:
    """Return the first line that no test reaches, in the file that misses most of them."""
    missing = [file for file in coverage.get("files") or () if file.get("missed_lines")]
    if not missing:
        return None
    worst = max(missing, key=lambda file: (len(file["missed_lines"]), file["path"]))
    return Place(worst["path"], min(int(line) for line in worst["missed_lines"]))


def _tool(outcome: Outcome) -> str:
    return f"{outcome.tools[0].name} {outcome.tools[0].version}" if outcome.tools else ""
