"""What decisions about a run look at, kept up to date: a decision costs what it decides, not the run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from chainops.pipeline.graph import Graph
from chainops.pipeline.model import FailureKind, StageNode, StageRecord, StageStatus
from chainops.quality.model import Verdict


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

    A lost attempt always is; a failed one while retries are left and its kind of failure is one that the
    stage retries. A mistake in the configuration never is: it stays the same.
    """
    if stage.status is StageStatus.LOST:
        return True
    if stage.status is not StageStatus.FAILED or stage.outcome is None:
        return False
    kind = stage.outcome.failure or FailureKind.MACHINE
    if kind is FailureKind.CONFIG or kind not in stage.node.retry_on:
        return False
    return failures(stage) <= stage.node.retries


def failures(stage: StageRecord) -> int:
    """Return how often the stage failed since it was last asked to run anew."""
    return sum(a.status is StageStatus.FAILED for a in stage.attempts[stage.earlier :])


def is_settled(stage: StageRecord) -> bool:
    """Whether the stage has ended and is not tried again."""
    return stage.status.ended and not wants_retry(stage)


class Standing:
    """Counts over a graph's stages, kept as they change, and which stages are worth a look since then.

    A stage can only become ready, or be skipped, by a change of its own, of a stage that it needs, or, when
    it touches a chain, of a gate (Kahn's algorithm). A stage that touches a chain waits for every stage that
    does not and that can end before it; what stands on it, or on a later one of its kind, cannot.
    """

    def __init__(self, graph: Graph, stages: Mapping[str, StageRecord], *, fail_fast: bool = False) -> None:
        """Take the stages as they are; `stages` may change later, each change told by `update`."""
        self.graph = graph
        self.stages = stages
        self.running: set[str] = set()
        self.broken: set[str] = set()
        self._fail_fast = fail_fast
        self._settled: set[str] = set()
        self._verdicts: dict[str, tuple[Verdict, ...]] = {}
        self._failing: set[str] = set()
        self._open_needs = {node.name: len(set(node.needs)) for node in graph.nodes}
        # one that is left out touches nothing: what stands on it can end before the others
        self._chain = [n.name for n in graph.nodes if n.touches_chain and not n.skip_reason]
        self._chain_index = {name: index for index, name in enumerate(self._chain)}
        self._waited_for_by = self._first_waiting()
        #: of the stages that the chain stage with this index is the first to wait for: how many are unsettled
        self._unsettled = [0] * len(self._chain)
        for index in self._waited_for_by.values():
            self._unsettled[index] += 1
        #: how many chain stages have all the verdicts that they wait for
        self._clear = 0
        self._candidates = {graph.position(n.name) for n in graph.nodes if not n.needs}
        for node in graph.nodes:
            self.update(node.name)
        self._move_clear()

    @property
    def stopped(self) -> bool:
        """Whether nothing more may start after a failure."""
        return self._fail_fast and bool(self.broken)

    @property
    def verdicts(self) -> tuple[Verdict, ...]:
        """All verdicts that count, by stage."""
        return tuple(v for name in self._in_order(self._verdicts) for v in self._verdicts[name])

    def take(self) -> tuple[StageNode, ...]:
        """Return the stages that may be decided otherwise than when they were last taken, in order."""
        nodes = tuple(self.graph.nodes[position] for position in sorted(self._candidates))
        self._candidates.clear()
        return nodes

    def needs_are_settled(self, node: StageNode) -> bool:
        """Whether everything that the stage needs has ended for good."""
        return not self._open_needs[node.name]

    def gates_are_in(self, node: StageNode) -> bool:
        """Whether every stage that could still yield a verdict before this chain stage has ended."""
        return self._chain_index[node.name] < self._clear

    def failed_verdict(self, node: StageNode) -> Verdict | None:
        """Return the first verdict that did not pass; a retry is not blocked by what its own try measured."""
        for name in self._in_order(self._failing):
            if name != node.name:
                return next(v for v in self._verdicts[name] if not v.passed)
        return None

    def update(self, name: str) -> None:
        """Take note that a stage is no longer what it was."""
        stage = self.stages[name]
        was_stopped = self.stopped
        _toggle(self.running, name, on=stage.status is StageStatus.RUNNING)
        told = self._note_settled(name, settled=is_settled(stage))
        broken = is_broken(stage)
        told = _toggle(self.broken, name, on=broken) or told
        self._note_verdicts(name, stage.verdicts)
        self._candidates.add(self.graph.position(name))
        if told:
            for dependent in self.graph.dependents(name):
                if broken or not self._open_needs[dependent]:
                    self._candidates.add(self.graph.position(dependent))
        if self.stopped and not was_stopped:
            self._candidates.update(range(len(self.graph.nodes)))

    def _note_settled(self, name: str, *, settled: bool) -> bool:
        if not _toggle(self._settled, name, on=settled):
            return False
        step = -1 if settled else 1
        for dependent in self.graph.dependents(name):
            self._open_needs[dependent] += step
        index = self._waited_for_by.get(name)
        if index is not None:
            self._unsettled[index] += step
            self._clear = min(self._clear, index) if not settled else self._clear
            self._move_clear()
        return True

    def _move_clear(self) -> None:
        before = self._clear
        while self._clear < len(self._chain) and not self._unsettled[self._clear]:
            self._clear += 1
        self._look_at(self._chain[before : self._clear])

    def _note_verdicts(self, name: str, verdicts: tuple[Verdict, ...]) -> None:
        if self._verdicts.get(name, ()) == verdicts:
            return
        if verdicts:
            self._verdicts[name] = verdicts
        else:
            del self._verdicts[name]
        _toggle(self._failing, name, on=any(not v.passed for v in verdicts))
        self._look_at(self._chain[: self._clear])

    def _look_at(self, names: Iterable[str]) -> None:
        self._candidates.update(self.graph.position(name) for name in names if name not in self._settled)

    def _first_waiting(self) -> dict[str, int]:
        """Return for each stage that some chain stage waits for the index of the first one that does.

        What stands on one cell of a chain stage is waited for by no other cell: they go on side by side.
        """
        last_of = {self.graph.node(name).stage: index for index, name in enumerate(self._chain)}
        last = {name: last_of[self.graph.node(name).stage] for name in self._chain}
        after: dict[str, int] = {}
        for node in self.graph.nodes:
            indexes = (max(after[need], last.get(need, -1)) for need in node.needs)
            after[node.name] = max(indexes, default=-1)
        return {
            name: last + 1
            for name, last in after.items()
            if name not in self._chain_index and last + 1 < len(self._chain)
        }

    def _in_order(self, names: Iterable[str]) -> list[str]:
        return sorted(names, key=self.graph.position)


def _toggle(names: set[str], name: str, *, on: bool) -> bool:
    """Put the name in or take it out; return whether that changed anything."""
    if on == (name in names):
        return False
    if on:
        names.add(name)
    else:
        names.discard(name)
    return True
