"""Whether a run that the journal knows can be taken up, and whether that would change anything."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from chainops.pipeline.advance import decide
from chainops.pipeline.events import Event, RunResumed, StageSkipped
from chainops.pipeline.fold import fold
from chainops.pipeline.graph import Graph, GraphError
from chainops.pipeline.model import RunRecord, RunStatus
from chainops.pipeline.ports import Gatekeeper
from chainops.pipeline.standing import Standing
from chainops.pipeline.verdict import final_event


def check_same_stages(graph: Graph, run: RunRecord) -> None:
    """Raise `GraphError` unless the run was started with the stages of this graph."""
    if {s.node.name for s in run.stages} != {n.name for n in graph.nodes}:
        raise GraphError(
            f"run {run.run_id} was started with other stages",
            code="PIP102",
            hint="take the stages back to what they were, or start a new run",
        )


def is_over(
    graph: Graph, events: Iterable[Event], run: RunRecord, gatekeeper: Gatekeeper, *, fail_fast: bool
) -> bool:
    """Whether taking the run up again would start nothing and end it as it has ended.

    Such a run is left alone: its journal does not grow.
    """
    if run.status is RunStatus.RUNNING or run.ended_at is None:
        return False
    trial = fold(run.run_id, events)
    trial.apply(RunResumed(at=run.ended_at))
    standing = Standing(graph, trial.stages, fail_fast=fail_fast)
    while candidates := standing.take():
        decision = decide(candidates, standing, missing=lambda: gatekeeper.judge_missing(standing.verdicts))
        if decision.ready:
            return False
        for skip in decision.skips:
            event = StageSkipped(at=run.ended_at, stage=skip.stage, reason=skip.reason, blocked=skip.blocked)
            for name in trial.apply(event):
                standing.update(name)
    missing = gatekeeper.judge_missing(standing.verdicts)
    end = final_event(run.ended_at, trial.record(), missing, cancelled=False)
    trial.apply(end)
    after = trial.record()
    return (
        replace(
            after,
            pause_requested=run.pause_requested,
            cancel_requested=run.cancel_requested,
            requested_by=run.requested_by,
        )
        == run
    )
