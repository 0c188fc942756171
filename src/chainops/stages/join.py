"""Gathers the cells of a stage that fanned out: one outcome for whoever asks for the whole stage.

Outputs: those of the first cell that succeeded, of none the first that left any (cells in the order of the
graph), so that whatever reads one stage's outputs reads one consistent result, and `cells`: [{name, values
{axis: value}, status, reason, failure, code, figures {measurement: value}}] with all of them. Measurements,
findings and artifacts stay with the cells.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chainops.core.text import one_line, plural
from chainops.pipeline.matrix import cell_of
from chainops.pipeline.model import FailureKind, Outcome, StageContext, StageStatus

#: whoever has to mend something is told of what they can mend: as with the run's exit code
_DECIDING = (FailureKind.PROJECT, FailureKind.CONFIG, FailureKind.MACHINE)
_MOST_NAMED = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class _Joined:
    """A cell and its outcome; None for one that did not run."""

    name: str
    outcome: Outcome | None

    @property
    def status(self) -> StageStatus:
        return self.outcome.status if self.outcome else StageStatus.SKIPPED


class JoinStage:
    """Runs no tool: reads what the cells ended with. `cells` are their names."""

    def __init__(self, *, name: str, cells: Sequence[str]) -> None:
        self._name = name
        self._cells = tuple(cells)

    @property
    def name(self) -> str:
        """The stage's name, without a cell."""
        return self._name

    async def run(self, context: StageContext) -> Outcome:
        """Join the cells: failed when one failed, skipped when one did not run or all were left out."""
        cells = [_Joined(name=name, outcome=context.upstream.get(name)) for name in self._cells]
        for cell in cells:
            context.say(f"{cell.status.value:9} {cell.name}{_why(cell)}")
        outputs = {**_representative(cells), "cells": [_described(cell) for cell in cells]}
        failed = [c for c in cells if c.status is StageStatus.FAILED and c.outcome]
        if failed:
            return _failed(failed, len(cells), outputs)
        missing = [c for c in cells if c.outcome is None]
        if missing:
            return Outcome(
                status=StageStatus.SKIPPED,
                reason=f"{len(missing)} of {plural(len(cells), 'cell')} did not run: {_named(missing)}",
                outputs=outputs,
            )
        if all(c.status is StageStatus.SKIPPED for c in cells):
            first = cells[0].outcome
            return Outcome(status=StageStatus.SKIPPED, reason=first.reason if first else "", outputs=outputs)
        done = sum(c.status is StageStatus.SUCCESS for c in cells)
        return Outcome(
            status=StageStatus.SUCCESS,
            reason=f"{done} of {plural(len(cells), 'cell')} passed",
            outputs=outputs,
        )


def _representative(cells: Sequence[_Joined]) -> Mapping[str, Any]:
    outcomes = [c.outcome for c in cells if c.outcome and c.outcome.outputs]
    succeeded = (o for o in outcomes if o.status is StageStatus.SUCCESS)
    chosen = next(succeeded, outcomes[0] if outcomes else None)
    return chosen.outputs if chosen else {}


def _failed(failed: Sequence[_Joined], total: int, outputs: dict[str, Any]) -> Outcome:
    outcomes = [c.outcome for c in failed if c.outcome]
    kinds = {o.failure for o in outcomes}
    kind = next((k for k in _DECIDING if k in kinds), FailureKind.MACHINE)
    first = next(o for o in outcomes if (o.failure or FailureKind.MACHINE) is kind)
    return Outcome(
        status=StageStatus.FAILED,
        failure=kind,
        code=first.code,
        hint=first.hint,
        reason=f"{len(failed)} of {plural(total, 'cell')} failed: {_named(failed)}",
        places=tuple(dict.fromkeys(place for o in outcomes for place in o.places)),
        outputs=outputs,
    )


def _named(cells: Sequence[_Joined]) -> str:
    shown = ", ".join(_values(cell.name) for cell in cells[:_MOST_NAMED])
    more = len(cells) - _MOST_NAMED
    return f"{shown} and {more} more" if more > 0 else shown


def _values(name: str) -> str:
    return " ".join(f"{axis}={value}" for axis, value in cell_of(name).items())


def _why(cell: _Joined) -> str:
    reason = cell.outcome.reason if cell.outcome else "a stage that it needs did not succeed"
    return f": {one_line(reason)}" if reason else ""


def _described(cell: _Joined) -> dict[str, Any]:
    outcome = cell.outcome
    figures = {m.name: m.value for m in outcome.metrics if not m.subject} if outcome else {}
    return {
        "name": cell.name,
        "values": dict(cell_of(cell.name)),
        "status": cell.status.value,
        "reason": outcome.reason if outcome else "",
        "failure": outcome.failure.value if outcome and outcome.failure else None,
        "code": outcome.code if outcome else "",
        "figures": figures,
    }
