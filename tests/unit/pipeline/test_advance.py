"""The decision what is next always comes to an end and never lets a stage start too early."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from chainops.pipeline.advance import Decision, advance, decide
from chainops.pipeline.events import (
    ApprovalGiven,
    AttemptFinished,
    AttemptLost,
    AttemptStarted,
    Event,
    RunResumed,
    RunStarted,
    StageSkipped,
    StagesReopened,
)
from chainops.pipeline.fold import fold, reduce
from chainops.pipeline.graph import Graph, build_graph
from chainops.pipeline.model import FailureKind, Outcome, StageNode, StageStatus
from chainops.pipeline.standing import Standing
from chainops.pipeline.verdict import final_event
from chainops.quality.model import GateStatus, Verdict
from unit.pipeline.fakes import FakeGates, failure, verdict

AT = datetime(2026, 1, 1, tzinfo=UTC)
OK = Outcome(status=StageStatus.SUCCESS)


Events = tuple[Event, ...]


def opened(*nodes: StageNode) -> tuple[Graph, Events]:
    graph = build_graph(nodes)
    return graph, (RunStarted(at=AT, pipeline_id="p", project_name="n", workspace="/w", nodes=graph.nodes),)


def decided(
    graph: Graph, events: Events, missing: tuple[Verdict, ...] = (), *, fail_fast: bool = False
) -> Decision:
    return advance(graph, reduce("run", events), missing=missing, fail_fast=fail_fast)


def attempts(events: Events, stage: str) -> int:
    return len(reduce("run", events).stage(stage).attempts)


def begun(events: Events, stage: str) -> Events:
    return (*events, AttemptStarted(at=AT, stage=stage, attempt=attempts(events, stage) + 1))


def ended(events: Events, stage: str, outcome: Outcome = OK, *verdicts: Verdict) -> Events:
    number = attempts(events, stage) + 1
    finished = AttemptFinished(
        at=AT, stage=stage, attempt=number, duration_s=0.0, outcome=outcome, verdicts=verdicts
    )
    return (*begun(events, stage), finished)


def ready(decision: Decision) -> list[str]:
    return [n.name for n in decision.ready]


def skipped(decision: Decision) -> list[str]:
    return [s.stage for s in decision.skips]


def test_stages_without_needs_are_ready_at_once() -> None:
    graph, events = opened(StageNode(name="a"), StageNode(name="b"), StageNode(name="c", needs=("a",)))
    assert ready(decided(graph, events)) == ["a", "b"]


def test_a_stage_waits_for_all_its_needs() -> None:
    graph, events = opened(StageNode(name="a"), StageNode(name="b"), StageNode(name="c", needs=("a", "b")))
    events = begun(ended(events, "a"), "b")
    decision = decided(graph, events)
    assert (ready(decision), decision.finished) == ([], False)


def test_a_failure_blocks_what_stands_on_it_and_nothing_else() -> None:
    graph, events = opened(
        StageNode(name="a"),
        StageNode(name="b", needs=("a",)),
        StageNode(name="c"),
        StageNode(name="d", needs=("b",)),
    )
    decision = decided(graph, ended(events, "a", failure()))
    assert (ready(decision), skipped(decision)) == (["c"], ["b"])
    assert decision.skips[0].reason == "a failed"


def test_a_skip_by_choice_does_not_block() -> None:
    graph, events = opened(
        StageNode(name="a", skip_reason="--no-production"), StageNode(name="b", needs=("a",))
    )
    events = (*events, StageSkipped(at=AT, stage="a", reason="--no-production", blocked=False))
    assert ready(decided(graph, events)) == ["b"]


def test_an_allowed_failure_does_not_block() -> None:
    graph, events = opened(StageNode(name="a", allow_failure=True), StageNode(name="b", needs=("a",)))
    assert ready(decided(graph, ended(events, "a", failure()))) == ["b"]


def test_a_mistake_in_the_configuration_is_not_tried_again() -> None:
    graph, events = opened(StageNode(name="a", retries=3))
    assert ready(decided(graph, ended(events, "a", failure(FailureKind.CONFIG)))) == []
    assert ready(decided(graph, ended(events, "a", failure(FailureKind.MACHINE)))) == ["a"]


def test_a_lost_attempt_uses_up_no_retry() -> None:
    graph, events = opened(StageNode(name="a", retries=1, retry_on=tuple(FailureKind)))
    events = (*begun(events, "a"), AttemptLost(at=AT, stage="a", attempt=1))
    events = (*events, RunResumed(at=AT))
    assert ready(decided(graph, ended(events, "a", failure()))) == ["a"]


def test_what_a_failed_attempt_measured_does_not_block_while_the_stage_is_tried_again() -> None:
    graph, events = opened(
        StageNode(name="a", retries=1, retry_on=tuple(FailureKind)), StageNode(name="b", needs=("a",))
    )
    events = begun(ended(events, "a", failure(), verdict("coverage", "a")), "a")
    assert skipped(decided(graph, events)) == []


def test_a_chain_stage_waits_for_gates_that_it_does_not_need() -> None:
    graph, events = opened(StageNode(name="scan"), StageNode(name="deploy", touches_chain=True))
    assert ready(decided(graph, events)) == ["scan"]
    assert ready(decided(graph, ended(events, "scan"))) == ["deploy"]


def test_any_failed_gate_blocks_a_chain_stage() -> None:
    graph, events = opened(StageNode(name="scan"), StageNode(name="deploy", touches_chain=True))
    decision = decided(graph, ended(events, "scan", OK, verdict("security", "scan")))
    assert decision.skips[0].reason == "gate security: 40 % of 80 %"


def test_a_gate_that_nothing_measured_blocks_a_chain_stage_once_nothing_can_measure_it() -> None:
    missing = (verdict("security", "scan", GateStatus.NOT_RUN),)
    graph, events = opened(StageNode(name="scan"), StageNode(name="deploy", touches_chain=True))
    assert skipped(decided(graph, events, missing=missing)) == []
    assert skipped(decided(graph, ended(events, "scan"), missing=missing)) == ["deploy"]


def test_a_chain_stage_is_tried_again_whatever_its_first_attempt_measured() -> None:
    graph, events = opened(StageNode(name="deploy", touches_chain=True, retries=1))
    events = ended(events, "deploy", failure(FailureKind.MACHINE), verdict("gas", "deploy"))
    assert ready(decided(graph, events)) == ["deploy"]


def test_two_chain_stages_with_checks_of_their_own_do_not_wait_for_each_other() -> None:
    graph, events = opened(
        StageNode(name="first", touches_chain=True),
        StageNode(name="check-first", needs=("first",)),
        StageNode(name="second", touches_chain=True),
        StageNode(name="check-second", needs=("second",)),
    )
    assert ready(decided(graph, events)) == ["first"]
    events = ended(events, "first")
    assert ready(decided(graph, events)) == ["check-first"]
    assert ready(decided(graph, ended(events, "check-first"))) == ["second"]


def test_what_stands_on_a_chain_stage_that_is_left_out_is_waited_for_by_the_others() -> None:
    graph, events = opened(
        StageNode(name="left-out", touches_chain=True, skip_reason="not wanted"),
        StageNode(name="scan", needs=("left-out",)),
        StageNode(name="deploy", touches_chain=True),
    )
    events = (*events, StageSkipped(at=AT, stage="left-out", reason="not wanted", blocked=False))
    missing = (verdict("security", "scan", GateStatus.NOT_RUN),)
    decision = decided(graph, events, missing)
    assert (ready(decision), skipped(decision)) == (["scan"], [])


def test_a_run_that_only_waits_for_a_person_is_finished_for_now() -> None:
    graph, events = opened(StageNode(name="a"), StageNode(name="b", needs=("a",)))
    decision = decided(graph, ended(events, "a", Outcome(status=StageStatus.WAITING)))
    assert (ready(decision), skipped(decision), decision.finished) == ([], [], True)


def test_what_waited_is_skipped_when_the_run_is_taken_up_without_it() -> None:
    _, events = opened(StageNode(name="a"), StageNode(name="b", needs=("a",)))
    events = ended(ended(events, "a"), "b", Outcome(status=StageStatus.WAITING))
    events = (*events, RunResumed(at=AT))
    without = build_graph(
        [StageNode(name="a"), StageNode(name="b", needs=("a",), skip_reason="--no-production")]
    )
    decision = decided(without, events)
    assert (ready(decision), skipped(decision)) == ([], ["b"])
    assert (decision.skips[0].reason, decision.skips[0].blocked) == ("--no-production", False)


def test_the_first_failure_stops_everything_when_asked() -> None:
    graph, events = opened(StageNode(name="a"), StageNode(name="b"))
    decision = decided(graph, ended(events, "a", failure()), fail_fast=True)
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
                retry_on=draw(st.sampled_from([(FailureKind.MACHINE,), tuple(FailureKind)])),
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
    """Plays a world as an engine does, in an order that hypothesis chooses, and checks every start.

    It keeps what it looks at as it goes along, and compares with a decision on everything after each event.
    """

    def __init__(self, world: World, data: st.DataObject) -> None:
        self.world = world
        self.data = data
        self.graph, events = opened(*world.nodes)
        self.run = fold("run", events)
        self.standing = Standing(self.graph, self.run.stages, fail_fast=world.fail_fast)
        self.gates = FakeGates(
            failing={f"gate-{s}": s for s in world.failing_gates},
            required={"scan": world.nodes[0].name} if world.required else {},
        )
        self.found: set[str] = set()
        self.events: list[Event] = [*events]
        self.disturbances = 0

    def play(self) -> None:
        for _ in range(400):
            decision = self._decide()
            for skip in decision.skips:
                self._apply(StageSkipped(at=AT, stage=skip.stage, reason=skip.reason, blocked=skip.blocked))
            if decision.finished:
                assert not self.standing.running
                return
            if not decision.skips:
                self._act(decision)
        raise AssertionError("the run did not come to an end")

    def _missing(self) -> tuple[Verdict, ...]:
        return self.gates.judge_missing(self.run.record().all_verdicts)

    def _decide(self) -> Decision:
        """Decide on what a change could have touched, and hold it against a decision on everything."""
        whole = advance(
            self.graph, self.run.record(), missing=self._missing(), fail_fast=self.world.fail_fast
        )
        part = decide(self.standing.take(), self.standing, missing=self._missing)
        assert part.skips == whole.skips
        self.found |= {n.name for n in part.ready}
        found = tuple(n for n in self.graph.nodes if n.name in self.found)
        again = decide(found, self.standing, missing=self._missing)
        assert again.ready == whole.ready
        assert self.standing.verdicts == self.run.record().all_verdicts
        return whole

    def _apply(self, event: Event) -> None:
        self.events.append(event)
        for name in self.run.apply(event):
            self.standing.update(name)

    def _act(self, decision: Decision) -> None:
        choices = [("start", n.name) for n in decision.ready]
        choices += [("end", name) for name in sorted(self.standing.running)]
        assert choices, "neither finished nor anything to do"
        if self.disturbances < 3:
            choices.append(("disturb", ""))
        act, stage = self.data.draw(st.sampled_from(choices))
        if act == "start":
            self._check_start(self.graph.node(stage))
            number = len(self.run.stages[stage].attempts) + 1
            self._apply(AttemptStarted(at=AT, stage=stage, attempt=number))
        elif act == "end":
            self._end(stage)
        else:
            self._disturb()

    def _disturb(self) -> None:
        """Have somebody interfere from another process, or the runner die and another take the run up."""
        self.disturbances += 1
        names = [n.name for n in self.graph.nodes]
        act = self.data.draw(st.sampled_from(["resume", "reopen", "approve"]))
        if act == "resume":
            for name in sorted(self.standing.running):
                number = len(self.run.stages[name].attempts)
                self._apply(AttemptLost(at=AT, stage=name, attempt=number))
            self._apply(RunResumed(at=AT))
        elif act == "reopen":
            stage = self.data.draw(st.sampled_from(names))
            again = {stage, *self.graph.downstream(stage)}
            self._apply(StagesReopened(at=AT, stages=tuple(sorted(again))))
        else:
            stage, digest = self.data.draw(st.tuples(st.sampled_from(names), st.sampled_from(["1", "2"])))
            self._apply(ApprovalGiven(at=AT, stage=stage, digest=digest))

    def _check_start(self, node: StageNode) -> None:
        for need in node.needs:
            state = self.run.stages[need]
            assert state.status.ended
            allowed = state.node.allow_failure and state.status is StageStatus.FAILED
            by_choice = state.status is StageStatus.SKIPPED and not state.blocked
            assert state.status is StageStatus.SUCCESS or allowed or by_choice
        if node.touches_chain:
            others = [s for s in self.run.record().stages if s.node.name != node.name]
            assert all(v.passed for s in others for v in s.verdicts)
            assert not self._missing()
        assert not node.skip_reason
        assert self.run.stages[node.name].status is not StageStatus.SUCCESS

    def _end(self, stage: str) -> None:
        number = len(self.run.stages[stage].attempts)
        kinds = self.world.attempts[stage]
        kind = kinds[number - 1] if number <= len(kinds) else "success"
        if kind == "lost":
            self._apply(AttemptLost(at=AT, stage=stage, attempt=number))
            return
        statuses = {"success": StageStatus.SUCCESS, "waiting": StageStatus.WAITING}
        status = statuses.get(kind, StageStatus.FAILED)
        outcome = Outcome(
            status=status,
            failure=FailureKind(kind) if status is StageStatus.FAILED else None,
            outputs={"plan_digest": "1"} if status is StageStatus.WAITING else {},
        )
        verdicts = self.gates.judge(self.graph.node(stage), outcome)
        self._apply(
            AttemptFinished(
                at=AT, stage=stage, attempt=number, duration_s=0.0, outcome=outcome, verdicts=verdicts
            )
        )


@settings(max_examples=200, deadline=None)
@given(world=worlds(), data=st.data())
def test_any_run_ends_and_what_a_change_cannot_touch_need_not_be_looked_at(
    world: World, data: st.DataObject
) -> None:
    simulation = Simulation(world, data)
    simulation.play()
    record = simulation.run.record()
    assert record == reduce("run", simulation.events)
    waits = any(s.status is StageStatus.WAITING for s in record.stages)
    for stage in record.stages:
        assert stage.status.ended or waits, "nothing but a person may leave a stage undecided"
        fresh = stage.attempts[stage.earlier :]
        assert sum(a.status is StageStatus.FAILED for a in fresh) <= stage.node.retries + 1
    missing = simulation.gates.judge_missing(record.all_verdicts)
    end = final_event(AT, record, missing, cancelled=False)
    if end.exit_code == 0:
        assert not missing
        assert all(v.passed for v in record.all_verdicts)
        assert not any(s.blocked for s in record.stages)


def test_what_stands_on_a_left_out_stage_waits_for_what_that_stage_needs() -> None:
    graph, events = opened(
        StageNode(name="checkout"),
        StageNode(name="install", needs=("checkout",), skip_reason="disabled"),
        StageNode(name="compile", needs=("install",)),
    )
    first = decided(graph, events)
    assert (ready(first), skipped(first)) == (["checkout"], [])
    second = decided(graph, ended(events, "checkout"))
    assert (ready(second), skipped(second)) == ([], ["install"])
