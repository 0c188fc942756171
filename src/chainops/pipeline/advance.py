"""The decision what is next: a pure function of the graph and what the journal says."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from chainops.pipeline.graph import Graph
from chainops.pipeline.matrix import is_join
from chainops.pipeline.model import RunRecord, StageNode, StageRecord, StageStatus
from chainops.pipeline.standing import Standing
from chainops.pipeline.standing import is_broken as is_broken  # noqa: PLC0414 - given on from here
from chainops.pipeline.standing import wants_retry as wants_retry  # noqa: PLC0414
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
    standing = Standing(graph, {s.node.name: s for s in run.stages}, fail_fast=fail_fast)
    return decide(graph.nodes, standing, missing=lambda: missing)


def decide(
    nodes: Iterable[StageNode], standing: Standing, *, missing: Callable[[], tuple[Verdict, ...]]
) -> Decision:
    """Decide on these stages alone; see `advance`. `missing` is asked for only where it counts."""
    ready: list[StageNode] = []
    skips: list[Skip] = []
    for node in nodes:
        state = standing.stages[node.name]
        if not _is_open(state):
            continue
        skip = _skip(node, standing, missing)
        if skip:
            skips.append(skip)
        elif _may_start(node, standing):
            ready.append(node)
    finished = not (ready or skips or standing.running)
    return Decision(ready=tuple(ready), skips=tuple(skips), finished=finished)


def _is_open(state: StageRecord) -> bool:
    return state.status is StageStatus.PENDING or wants_retry(state)


def _skip(node: StageNode, standing: Standing, missing: Callable[[], tuple[Verdict, ...]]) -> Skip | None:
    for need in node.needs:
        # a join tells how each cell ended, whatever that was
        if need in standing.broken and not is_join(node):
            return Skip(stage=node.name, reason=blocked_reason(standing.stages[need]), blocked=True)
    if node.skip_reason:
        if standing.needs_are_settled(node):
            # not earlier: what stands on this stage stands on what it needs as well
            return Skip(stage=node.name, reason=node.skip_reason, blocked=False)
    elif node.touches_chain and standing.gates_are_in(node):
        failed = standing.failed_verdict(node) or next(iter(missing()), None)
        if failed:
            return Skip(stage=node.name, reason=f"gate {failed.gate}: {failed.message}", blocked=True)
    if standing.stopped:
        return Skip(stage=node.name, reason="stopped at the first failure", blocked=True)
    return None


def blocked_reason(stage: StageRecord) -> str:
    """Say in one line why a stage blocks what stands on it."""
    failed = [v for v in stage.verdicts if not v.passed]
    if stage.status is StageStatus.SUCCESS and failed:
        return f"gate {failed[0].gate} of {stage.node.name} did not pass"
    if stage.status is StageStatus.SKIPPED:
        return f"{stage.node.name} was skipped"
    return f"{stage.node.name} {stage.status.value}"


def _may_start(node: StageNode, standing: Standing) -> bool:
    if node.skip_reason or not standing.needs_are_settled(node):
        return False
    return not node.touches_chain or standing.gates_are_in(node)
