"""Which stages run again when somebody asks for it: those that are named, and all that stand on them."""

from __future__ import annotations

from dataclasses import dataclass

from chainops.app.run_logs import stages_called
from chainops.core.errors import InputError
from chainops.pipeline.advance import is_broken
from chainops.pipeline.graph import Graph
from chainops.pipeline.model import RunRecord, StageRecord, StageStatus


class NothingToRerunError(InputError):
    """No stage of the run is of the kind that is to be run again."""

    code = "RUN107"


class LeftOutError(InputError):
    """The stage that is to be run again has no part in the run."""

    code = "RUN111"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rerun:
    """What of a run to run again; everything unless one of these is given."""

    #: only what failed, was cancelled, lost, or blocked by a failure
    failed: bool = False
    #: only this stage and what stands on it
    start: str = ""


def reopened_stages(graph: Graph, run: RunRecord, rerun: Rerun) -> tuple[str, ...]:
    """Return the stages to run again, in the graph's order.

    Raises `UnknownStageError`, `LeftOutError`, and `NothingToRerunError` when nothing failed.
    """
    if rerun.start:
        chosen = stages_called(run, rerun.start)
        _refuse_left_out(graph, run, rerun.start, chosen)
    elif rerun.failed:
        chosen = frozenset(s.node.name for s in run.stages if _has_failed(s))
        if not chosen:
            raise NothingToRerunError(
                f"no stage of run {run.run_id} failed",
                hint="leave out --failed to run all of it again, or name a stage with --from",
            )
    else:
        chosen = frozenset(s.node.name for s in run.stages)
    wanted = chosen.union(*(graph.downstream(name) for name in chosen))
    return tuple(node.name for node in graph.nodes if node.name in wanted)


def _refuse_left_out(graph: Graph, run: RunRecord, wanted: str, chosen: frozenset[str]) -> None:
    reasons = [node.skip_reason for node in graph.nodes if node.name in chosen]
    if reasons and all(reasons):
        raise LeftOutError(
            f"{wanted} is left out of run {run.run_id}: {'; '.join(dict.fromkeys(reasons))}",
            hint="a run keeps the stages that it began with: start a new one with `chainops run`",
        )


def _has_failed(stage: StageRecord) -> bool:
    """Whether a stage did not do its work; one that is allowed to fail counts, and one with a failed gate."""
    broken = (StageStatus.FAILED, StageStatus.CANCELLED, StageStatus.LOST, StageStatus.RUNNING)
    return stage.status in broken or is_broken(stage)
