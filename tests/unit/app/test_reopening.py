"""Which stages run again."""

from __future__ import annotations

import pytest

from chainops.app.reopening import LeftOutError, NothingToRerunError, Rerun, reopened_stages
from chainops.app.run_logs import UnknownStageError
from chainops.app.runs import load_run
from chainops.pipeline.events import AttemptFinished, StageSkipped
from chainops.pipeline.graph import build_graph
from chainops.pipeline.model import Outcome, StageNode, StageStatus
from unit.app.journals import CHAIN, at, begun, memory_state, started, went
from unit.pipeline.fakes import verdict

NODES = (*CHAIN, StageNode(name="deploy", needs=("unit-tests", "static-analysis")))
GRAPH = build_graph(NODES)


def stages(rerun: Rerun, *events: object) -> tuple[str, ...]:
    run = load_run(memory_state(started(NODES), *events), "r1")  # type: ignore[arg-type]
    return reopened_stages(GRAPH, run, rerun)


def test_everything_runs_again_unless_less_is_asked_for() -> None:
    assert stages(Rerun()) == tuple(n.name for n in NODES)


def test_a_stage_runs_again_with_all_that_stand_on_it() -> None:
    assert stages(Rerun(start="compilation")) == ("compilation", "unit-tests", "deploy")
    assert stages(Rerun(start="deploy")) == ("deploy",)
    with pytest.raises(UnknownStageError):
        stages(Rerun(start="deploi"))


@pytest.mark.parametrize("status", [StageStatus.FAILED, StageStatus.CANCELLED])
def test_what_failed_runs_again_with_what_it_held_up(status: StageStatus) -> None:
    events = (
        *went("source-checkout"),
        *went("compilation"),
        *went("unit-tests", status),
        *went("static-analysis"),
        StageSkipped(at=at(3), stage="deploy", reason="unit-tests failed", blocked=True),
    )
    assert stages(Rerun(failed=True), *events) == ("unit-tests", "deploy")


def test_an_interrupted_stage_and_one_with_a_failed_gate_count_as_failed() -> None:
    gated = AttemptFinished(
        at=at(2),
        stage="static-analysis",
        attempt=1,
        duration_s=1,
        outcome=Outcome(status=StageStatus.SUCCESS),
        verdicts=(verdict("complexity", "static-analysis"),),
    )
    events = (*went("source-checkout"), begun("compilation"), begun("static-analysis"), gated)
    assert stages(Rerun(failed=True), *events) == ("compilation", "unit-tests", "static-analysis", "deploy")


def test_where_nothing_failed_there_is_nothing_to_run_again() -> None:
    with pytest.raises(NothingToRerunError, match="no stage of run r1 failed") as caught:
        stages(Rerun(failed=True), *went("source-checkout"))
    assert "--from" in caught.value.hint


def test_a_stage_that_is_left_out_of_the_run_cannot_be_asked_for() -> None:
    skipped = StageNode(name="production-deploy", needs=("deploy",), skip_reason="--no-production")
    nodes = (*NODES, skipped)
    run = load_run(memory_state(started(nodes)), "r1")
    with pytest.raises(
        LeftOutError, match="production-deploy is left out of run r1: --no-production"
    ) as caught:
        reopened_stages(build_graph(nodes), run, Rerun(start="production-deploy"))
    assert "chainops run" in caught.value.hint
    assert reopened_stages(build_graph(nodes), run, Rerun(start="deploy")) == ("deploy", "production-deploy")
