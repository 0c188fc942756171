"""The decision what is next: a pure function of the graph and what the journal says."""

from __future__ import annotations

from dataclasses import dataclass

from chainops.pipeline.graph import Graph
from chainops.pipeline.model import FailureKind, RunRecord, StageNode, StageRecord, StageStatus
from chainops.quality.model import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Skip:
    """A stage that will not run, and why; `blocked` when a failure and not a choice is the reason."""

    stage: str
    reason: str
    blocked: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What to start and what to skip now. `finished` when nothing runs and nothing is left."""

    ready: tuple[StageNode, ...]
    skips: tuple[Skip, ...]
    finished: bool


def advance(
    graph: Graph, run: RunRecord, *, missing: tuple[Verdict, ...] = (), fail_fast: bool = False
) -> Decision:
    """Decide on every stage that has not started.

    `missing` are the verdicts on required gates that nothing has measured so far; they count only once every
    stage that could still measure them has ended. A failed stage, or one with a failed gate, blocks all that
    stands on it. A stage that touches a chain also waits for every stage that does not and that can end
    before it, and is blocked by any gate that did not pass.
    """
    states = {s.node.name: s for s in run.stages}
    ready: list[StageNode] = []
    skips: list[Skip] = []
    running = any(s.status is StageStatus.RUNNING for s in run.stages)
    stop = fail_fast and any(is_broken(s) for s in run.stages)
    for node in graph.nodes:
        state = states[node.name]
        if state.status in (StageStatus.RUNNING, StageStatus.WAITING):
            continue
        if state.status.ended and not wants_retry(state):
            continue
        skip = _skip(node, graph, states, missing) or (
            Skip(stage=node.name, reason="stopped at the first failure", blocked=True) if stop else None
        )
        if skip:
            skips.append(skip)
        elif _may_start(node, graph, states):
            ready.append(node)
    return Decision(ready=tuple(ready), skips=tuple(skips), finished=not (ready or skips or running))


def is_broken(stage: StageRecord) -> bool:
    """Whether what stands on this stage must not run."""
    if stage.status is StageStatus.SKIPPED:
        return stage.blocked
    if stage.status is StageStatus.CANCELLED:
        return True
    if stage.status is StageStatus.FAILED:
        return not stage.node.allow_failure and not wants_retry(stage)
    return any(not v.passed for v in stage.verdicts)


def wants_retry(stage: StageRecord) -> bool:
    """Whether a failed or lost attempt is to be made again.

    A lost attempt always is; a failed one while retries are left, unless the configuration is at fault.
    """
    if stage.status is StageStatus.LOST:
        return True
    if stage.status is not StageStatus.FAILED or stage.outcome is None:
        return False
    failed = sum(a.status is StageStatus.FAILED for a in stage.attempts)
    return failed <= stage.node.retries and stage.outcome.failure is not FailureKind.CONFIG


def _skip(
    node: StageNode, graph: Graph, states: dict[str, StageRecord], missing: tuple[Verdict, ...]
) -> Skip | None:
    for need in node.needs:
        if is_broken(states[need]):
            return Skip(stage=node.name, reason=blocked_reason(states[need]), blocked=True)
    if node.skip_reason and _needs_are_done(node, states):
        # not earlier: what stands on this stage stands on what it needs as well
        return Skip(stage=node.name, reason=node.skip_reason, blocked=False)
    if node.skip_reason or not node.touches_chain or not _gates_are_in(node, graph, states):
        return None
    # a retry is not blocked by what its own first attempt measured
    others = [s for s in states.values() if s.node.name != node.name]
    failed = [v for s in others for v in s.verdicts if not v.passed] + list(missing)
    if failed:
        return Skip(stage=node.name, reason=f"gate {failed[0].gate}: {failed[0].message}", blocked=True)
    return None


def blocked_reason(stage: StageRecord) -> str:
    """Say in one line why a stage blocks what stands on it."""
    failed = [v for v in stage.verdicts if not v.passed]
    if stage.status is StageStatus.SUCCESS and failed:
        return f"gate {failed[0].gate} of {stage.node.name} did not pass"
    if stage.status is StageStatus.SKIPPED:
        return f"{stage.node.name} was skipped"
    return f"{stage.node.name} {stage.status.value}"


def _gates_are_in(node: StageNode, graph: Graph, states: dict[str, StageRecord]) -> bool:
    """Whether every stage that could still yield a verdict before `node` has ended.

    What stands on this chain stage, or on one that comes after it, cannot end before it.
    """
    position = [n.name for n in graph.nodes].index(node.name)
    later = frozenset[str]().union(
        *(graph.downstream(n.name) for n in graph.nodes[position:] if n.touches_chain)
    )
    return all(
        s.status.ended and not wants_retry(s)
        for s in states.values()
        if not s.node.touches_chain and s.node.name not in later
    )


def _needs_are_done(node: StageNode, states: dict[str, StageRecord]) -> bool:
    return all(states[n].status.ended and not wants_retry(states[n]) for n in node.needs)


def _may_start(node: StageNode, graph: Graph, states: dict[str, StageRecord]) -> bool:
    return _needs_are_done(node, states) and (not node.touches_chain or _gates_are_in(node, graph, states))
