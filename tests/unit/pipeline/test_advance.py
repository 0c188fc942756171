"""The decision what is next always comes to an end and never lets a stage start too early."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from chainops.pipeline.advance import Decision, advance
from chainops.pipeline.events import (
    AttemptFinished,
    AttemptLost,
    AttemptStarted,
    RunResumed,
    RunStarted,
    StageSkipped,
)
from chainops.pipeline.fold import apply, reduce
from chainops.pipeline.graph import Graph, build_graph
from chainops.pipeline.model import FailureKind, Outcome, RunRecord, StageNode, StageStatus
from chainops.pipeline.verdict import final_event
from chainops.quality.model import GateStatus, Verdict
from unit.pipeline.fakes import FakeGates, failure, verdict

AT = datetime(2026, 1, 1, tzinfo=UTC)
OK = Outcome(status=StageStatus.SUCCESS)


def opened(*nodes: StageNode) -> tuple[Graph, RunRecord]:
    graph = build_graph(nodes)
    started = RunStarted(at=AT, pipeline_id="p", project_name="n", workspace="/w", nodes=graph.nodes)
    return graph, reduce("run", [started])


def begun(record: RunRecord, stage: str) -> RunRecord:
    number = len(record.stage(stage).attempts) + 1
    return apply(AttemptStarted(at=AT, stage=stage, attempt=number), record)


def ended(record: RunRecord, stage: str, outcome: Outcome = OK, *verdicts: Verdict) -> RunRecord:
    record = begun(record, stage)
    number = len(record.stage(stage).attempts)
    finished = AttemptFinished(
        at=AT, stage=stage, attempt=number, duration_s=0.0, outcome=outcome, verdicts=verdicts
    )
    return apply(finished, record)


def ready(decision: Decision) -> list[str]:
    return [n.name for n in decision.ready]


def skipped(decision: Decision) -> list[str]:
    return [s.stage for s in decision.skips]


def test_stages_without_needs_are_ready_at_once() -> None:
    graph, record = opened(StageNode(name="a"), StageNode(name="b"), StageNode(name="c", needs=("a",)))
    assert ready(advance(graph, record)) == ["a", "b"]


def test_a_stage_waits_for_all_its_needs() -> None:
    graph, record = opened(StageNode(name="a"), StageNode(name="b"), StageNode(name="c", needs=("a", "b")))
    record = begun(ended(record, "a"), "b")
    decision = advance(graph, record)
    assert (ready(decision), decision.finished) == ([], False)


def test_a_failure_blocks_what_stands_on_it_and_nothing_else() -> None:
    graph, record = opened(
        StageNode(name="a"),
        StageNode(name="b", needs=("a",)),
        StageNode(name="c"),
        StageNode(name="d", needs=("b",)),
    )
    decision = advance(graph, ended(record, "a", failure()))
    assert (ready(decision), skipped(decision)) == (["c"], ["b"])
    assert decision.skips[0].reason == "a failed"


def test_a_skip_by_choice_does_not_block() -> None:
    graph, record = opened(
        StageNode(name="a", skip_reason="--no-production"), StageNode(name="b", needs=("a",))
    )
    record = apply(StageSkipped(at=AT, stage="a", reason="--no-production", blocked=False), record)
    assert ready(advance(graph, record)) == ["b"]


def test_an_allowed_failure_does_not_block() -> None:
    graph, record = opened(StageNode(name="a", allow_failure=True), StageNode(name="b", needs=("a",)))
    assert ready(advance(graph, ended(record, "a", failure()))) == ["b"]


def test_a_mistake_in_the_configuration_is_not_tried_again() -> None:
    graph, record = opened(StageNode(name="a", retries=3))
    assert ready(advance(graph, ended(record, "a", failure(FailureKind.CONFIG)))) == []
    assert ready(advance(graph, ended(record, "a", failure(FailureKind.MACHINE)))) == ["a"]


def test_a_lost_attempt_uses_up_no_retry() -> None:
    graph, record = opened(StageNode(name="a", retries=1))
    record = apply(AttemptLost(at=AT, stage="a", attempt=1), begun(record, "a"))
    record = apply(RunResumed(at=AT), record)
    assert ready(advance(graph, ended(record, "a", failure()))) == ["a"]


def test_what_a_failed_attempt_measured_does_not_block_while_the_stage_is_tried_again() -> None:
    graph, record = opened(StageNode(name="a", retries=1), StageNode(name="b", needs=("a",)))
    record = begun(ended(record, "a", failure(), verdict("coverage", "a")), "a")
    assert skipped(advance(graph, record)) == []


def test_a_chain_stage_waits_for_gates_that_it_does_not_need() -> None:
    graph, record = opened(StageNode(name="scan"), StageNode(name="deploy", touches_chain=True))
    assert ready(advance(graph, record)) == ["scan"]
    assert ready(advance(graph, ended(record, "scan"))) == ["deploy"]


def test_any_failed_gate_blocks_a_chain_stage() -> None:
    graph, record = opened(StageNode(name="scan"), StageNode(name="deploy", touches_chain=True))
    decision = advance(graph, ended(record, "scan", OK, verdict("security", "scan")))
    assert decision.skips[0].reason == "gate security: 40 % of 80 %"


def test_a_gate_that_nothing_measured_blocks_a_chain_stage_once_nothing_can_measure_it() -> None:
    missing = (verdict("security", "scan", GateStatus.NOT_RUN),)
    graph, record = opened(StageNode(name="scan"), StageNode(name="deploy", touches_chain=True))
    assert skipped(advance(graph, record, missing=missing)) == []
    assert skipped(advance(graph, ended(record, "scan"), missing=missing)) == ["deploy"]


def test_a_chain_stage_is_tried_again_whatever_its_first_attempt_measured() -> None:
    graph, record = opened(StageNode(name="deploy", touches_chain=True, retries=1))
    record = ended(record, "deploy", failure(FailureKind.MACHINE), verdict("gas", "deploy"))
    assert ready(advance(graph, record)) == ["deploy"]


def test_two_chain_stages_with_checks_of_their_own_do_not_wait_for_each_other() -> None:
    graph, record = opened(
        StageNode(name="first", touches_chain=True),
        StageNode(name="check-first", needs=("first",)),
        StageNode(name="second", touches_chain=True),
        StageNode(name="check-second", needs=("second",)),
    )
    assert ready(advance(graph, record)) == ["first"]
    record = ended(record, "first")
    assert ready(advance(graph, record)) == ["check-first"]
    assert ready(advance(graph, ended(record, "check-first"))) == ["second"]


def test_a_run_that_only_waits_for_a_person_is_finished_for_now() -> None:
    graph, record = opened(StageNode(name="a"), StageNode(name="b", needs=("a",)))
    decision = advance(graph, ended(record, "a", Outcome(status=StageStatus.WAITING)))
    assert (ready(decision), skipped(decision), decision.finished) == ([], [], True)


def test_what_waited_is_skipped_when_the_run_is_taken_up_without_it() -> None:
    _, record = opened(StageNode(name="a"), StageNode(name="b", needs=("a",)))
    record = ended(ended(record, "a"), "b", Outcome(status=StageStatus.WAITING))
    record = apply(RunResumed(at=AT), record)
    without = build_graph(
        [StageNode(name="a"), StageNode(name="b", needs=("a",), skip_reason="--no-production")]
    )
    decision = advance(without, record)
    assert (ready(decision), skipped(decision)) == ([], ["b"])
    assert (decision.skips[0].reason, decision.skips[0].blocked) == ("--no-production", False)


def test_the_first_failure_stops_everything_when_asked() -> None:
    graph, record = opened(StageNode(name="a"), StageNode(name="b"))
    decision = advance(graph, ended(record, "a", failure()), fail_fast=True)
    assert (ready(decision), skipped(decision)) == ([], ["b"])


@dataclass(frozen=True)
class World:
    """A random graph and what each attempt at each of its stages does."""

    nodes: tuple[StageNode, ...]
    attempts: dict[str, list[str]]
    failing_gates: frozenset[str]
    required: bool
    fail_fast: bool


@st.composite
def worlds(draw: st.DrawFn) -> World:
    names = [f"s{i}" for i in range(draw(st.integers(1, 7)))]
    nodes = []
    for i, name in enumerate(names):
        needs = draw(st.lists(st.sampled_from(names[:i]), unique=True, max_size=3)) if i else []
        nodes.append(
            StageNode(
                name=name,
                needs=tuple(needs),
                retries=draw(st.integers(0, 2)),
                allow_failure=draw(st.booleans()),
                touches_chain=draw(st.booleans()),
                skip_reason=draw(st.sampled_from(["", "", "", "not wanted"])),
            )
        )
    kinds = st.sampled_from(["success", "success", "project", "machine", "config", "lost", "waiting"])
    return World(
        nodes=tuple(draw(st.permutations(nodes))),
        attempts={name: draw(st.lists(kinds, min_size=1, max_size=5)) for name in names},
        failing_gates=frozenset(draw(st.lists(st.sampled_from(names), max_size=2))),
        required=draw(st.booleans()),
        fail_fast=draw(st.booleans()),
    )


class Simulation:
    """Plays a world, in an order that hypothesis chooses, and checks every start."""

    def __init__(self, world: World, data: st.DataObject) -> None:
        self.world = world
        self.data = data
        self.graph, self.record = opened(*world.nodes)
        self.gates = FakeGates(
            failing={f"gate-{s}": s for s in world.failing_gates},
            required={"scan": world.nodes[0].name} if world.required else {},
        )
        self.running: list[str] = []

    def play(self) -> None:
        for _ in range(300):
            missing = self.gates.judge_missing(self.record.all_verdicts)
            decision = advance(self.graph, self.record, missing=missing, fail_fast=self.world.fail_fast)
            for skip in decision.skips:
                event = StageSkipped(at=AT, stage=skip.stage, reason=skip.reason, blocked=skip.blocked)
                self.record = apply(event, self.record)
            if decision.finished:
                assert not self.running
                return
            if not decision.skips:
                self._act(decision)
        raise AssertionError("the run did not come to an end")

    def _act(self, decision: Decision) -> None:
        choices = [("start", n.name) for n in decision.ready] + [("end", s) for s in self.running]
        assert choices, "neither finished nor anything to do"
        act, stage = self.data.draw(st.sampled_from(choices))
        if act == "start":
            self._check_start(self.graph.node(stage))
            self.running.append(stage)
            self.record = begun(self.record, stage)
        else:
            self.running.remove(stage)
            self._end(stage)

    def _check_start(self, node: StageNode) -> None:
        for need in node.needs:
            state = self.record.stage(need)
            assert state.status.ended
            allowed = state.node.allow_failure and state.status is StageStatus.FAILED
            by_choice = state.status is StageStatus.SKIPPED and not state.blocked
            assert state.status is StageStatus.SUCCESS or allowed or by_choice
        if node.touches_chain:
            assert all(v.passed for s in self.record.stages for v in s.verdicts)
            assert not self.gates.judge_missing(self.record.all_verdicts)
        assert not node.skip_reason
        assert self.record.stage(node.name).status is not StageStatus.SUCCESS

    def _end(self, stage: str) -> None:
        number = len(self.record.stage(stage).attempts)
        kinds = self.world.attempts[stage]
        kind = kinds[number - 1] if number <= len(kinds) else "success"
        if kind == "lost":
            self.record = apply(AttemptLost(at=AT, stage=stage, attempt=number), self.record)
            return
        statuses = {"success": StageStatus.SUCCESS, "waiting": StageStatus.WAITING}
        status = statuses.get(kind, StageStatus.FAILED)
        outcome = Outcome(status=status, failure=FailureKind(kind) if status is StageStatus.FAILED else None)
        self.record = apply(
            AttemptFinished(
                at=AT,
                stage=stage,
                attempt=number,
                duration_s=0.0,
                outcome=outcome,
                verdicts=self.gates.judge(self.graph.node(stage), outcome),
            ),
            self.record,
        )


@settings(max_examples=150, deadline=None)
@given(world=worlds(), data=st.data())
def test_any_run_ends_and_starts_nothing_too_early(world: World, data: st.DataObject) -> None:
    simulation = Simulation(world, data)
    simulation.play()
    waits = any(s.status is StageStatus.WAITING for s in simulation.record.stages)
    for stage in simulation.record.stages:
        assert stage.status.ended or waits, "nothing but a person may leave a stage undecided"
        assert sum(a.status is StageStatus.FAILED for a in stage.attempts) <= stage.node.retries + 1
    missing = simulation.gates.judge_missing(simulation.record.all_verdicts)
    end = final_event(AT, simulation.record, missing, cancelled=False)
    if end.exit_code == 0:
        assert not missing
        assert all(v.passed for v in simulation.record.all_verdicts)
        assert not any(s.blocked for s in simulation.record.stages)


def test_what_stands_on_a_left_out_stage_waits_for_what_that_stage_needs() -> None:
    graph, record = opened(
        StageNode(name="checkout"),
        StageNode(name="install", needs=("checkout",), skip_reason="disabled"),
        StageNode(name="compile", needs=("install",)),
    )
    first = advance(graph, record)
    assert (ready(first), skipped(first)) == (["checkout"], [])
    second = advance(graph, ended(record, "checkout"))
    assert (ready(second), skipped(second)) == ([], ["install"])
