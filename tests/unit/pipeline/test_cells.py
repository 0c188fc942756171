"""Cells run side by side, each blocks what stands on it alone, and their join tells of all."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from chainops.pipeline.advance import Decision, advance
from chainops.pipeline.events import AttemptFinished, AttemptStarted, Event, RunStarted
from chainops.pipeline.fold import reduce
from chainops.pipeline.graph import build_graph
from chainops.pipeline.matrix import Matrix, expand
from chainops.pipeline.model import FailureKind, Outcome, StageNode, StageStatus
from chainops.quality.model import Verdict
from unit.pipeline.fakes import failure, verdict

AT = datetime(2026, 1, 1, tzinfo=UTC)
OK = Outcome(status=StageStatus.SUCCESS)

SOLC = Matrix(axes={"solc": ("1", "2")})
NETWORKS = Matrix(axes={"network": ("a", "b")})
FAILED = failure(FailureKind.PROJECT)


class Case:
    """A run whose journal grows by hand."""

    def __init__(self, *nodes: StageNode) -> None:
        self.graph = build_graph(nodes)
        self._events: list[Event] = [
            RunStarted(at=AT, pipeline_id="p", project_name="n", workspace="/w", nodes=self.graph.nodes)
        ]

    def begin(self, stage: str) -> None:
        number = len(reduce("run", self._events).stage(stage).attempts) + 1
        self._events.append(AttemptStarted(at=AT, stage=stage, attempt=number))

    def end(self, stage: str, outcome: Outcome = OK, *verdicts: Verdict) -> None:
        self.begin(stage)
        started = self._events[-1]
        assert isinstance(started, AttemptStarted)
        self._events.append(
            AttemptFinished(
                at=AT,
                stage=stage,
                attempt=started.attempt,
                duration_s=0.0,
                outcome=outcome,
                verdicts=verdicts,
            )
        )

    def decide(self, *, fail_fast: bool = False) -> Decision:
        return advance(self.graph, reduce("run", self._events), fail_fast=fail_fast)

    @property
    def ready(self) -> list[str]:
        return [n.name for n in self.decide().ready]

    @property
    def skipped(self) -> dict[str, str]:
        return {s.stage: s.reason for s in self.decide().skips}


def chain(*names: str) -> list[StageNode]:
    return [StageNode(name=n, needs=names[max(0, i - 1) : i]) for i, n in enumerate(names)]


def test_a_failed_cell_stops_what_stands_on_it_and_nothing_else() -> None:
    case = Case(*expand(chain("c", "t"), {"c": SOLC, "t": SOLC}))
    assert case.ready == ["c[solc=1]", "c[solc=2]"]
    case.end("c[solc=1]", FAILED)
    assert case.skipped == {"t[solc=1]": "c[solc=1] failed"}
    assert case.ready == ["c[solc=2]"]


def test_the_join_waits_for_every_cell_and_is_not_skipped_for_one_that_failed() -> None:
    case = Case(*expand(chain("c", "d"), {"c": SOLC}))
    case.end("c[solc=1]", FAILED)
    assert "c" not in [*case.ready, *case.skipped]
    case.end("c[solc=2]")
    assert case.ready == ["c"]
    assert case.skipped == {"d": "c[solc=1] failed"}


def test_a_whole_stage_starts_after_the_join() -> None:
    case = Case(*expand(chain("c", "d"), {"c": SOLC}))
    case.end("c[solc=1]")
    case.end("c[solc=2]")
    assert case.ready == ["c"]
    case.end("c")
    assert case.ready == ["d"]


def test_a_cells_failed_gate_blocks_the_whole_stage_behind_and_is_named() -> None:
    case = Case(*expand(chain("c", "d"), {"c": SOLC}))
    case.end("c[solc=1]", OK, verdict("size", "c[solc=1]"))
    case.end("c[solc=2]")
    case.end("c")
    assert case.skipped == {"d": "gate size of c[solc=1] did not pass"}


def test_a_cell_that_may_fail_holds_nothing_up() -> None:
    first, second = chain("c", "d")
    case = Case(*expand([replace(first, allow_failure=True), second], {"c": SOLC}))
    case.end("c[solc=1]", FAILED)
    case.end("c[solc=2]")
    case.end("c", FAILED)
    assert case.ready == ["d"]


def test_deployments_to_several_networks_go_on_side_by_side() -> None:
    deploy = StageNode(name="d", touches_chain=True)
    smoke = StageNode(name="s", needs=("d",))
    production = StageNode(name="p", needs=("s",), touches_chain=True)
    case = Case(*expand([deploy, smoke, production], {"d": NETWORKS, "s": NETWORKS}))
    assert case.ready == ["d[network=a]", "d[network=b]"]
    case.end("d[network=a]")
    assert set(case.ready) == {"d[network=b]", "s[network=a]"}
    case.end("d[network=b]")
    case.end("s[network=a]")
    case.end("d")
    assert case.ready == ["s[network=b]"]
    case.end("s[network=b]")
    case.end("s")
    assert case.ready == ["p"]


@pytest.mark.parametrize("order", [("1", "2"), ("2", "1")])
def test_a_failed_deployment_of_one_cell_leaves_the_other_alone(order: tuple[str, str]) -> None:
    matrix = Matrix(axes={"network": order})
    deploy, smoke = StageNode(name="d", touches_chain=True), StageNode(name="s", needs=("d",))
    case = Case(*expand([deploy, smoke], {"d": matrix, "s": matrix}))
    case.end(f"d[network={order[0]}]", FAILED)
    assert case.ready == [f"d[network={order[1]}]"]
    case.end(f"d[network={order[1]}]")
    assert f"s[network={order[1]}]" in case.ready


def test_nothing_more_starts_after_a_failure_with_fail_fast_the_join_included() -> None:
    case = Case(*expand(chain("c"), {"c": SOLC}))
    case.end("c[solc=1]", FAILED)
    assert [s.stage for s in case.decide(fail_fast=True).skips] == ["c[solc=2]", "c"]


def test_a_cell_is_tried_again_for_itself() -> None:
    case = Case(*expand([StageNode(name="c", retries=1)], {"c": SOLC}))
    case.end("c[solc=1]", failure(FailureKind.MACHINE))
    case.end("c[solc=2]")
    assert case.ready == ["c[solc=1]"]
