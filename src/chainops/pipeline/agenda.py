"""Which stages of a run are next: decided for those alone that a change could have made ready."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable
from datetime import datetime

from chainops.pipeline.advance import decide
from chainops.pipeline.events import StageSkipped
from chainops.pipeline.graph import Graph
from chainops.pipeline.ledger import Ledger
from chainops.pipeline.model import StageNode, StageRecord, StageStatus
from chainops.pipeline.ports import Gatekeeper
from chainops.quality.model import Verdict


class Agenda:
    """Keeps the stages that were found ready, in the graph's order, until there is room for them."""

    def __init__(
        self, graph: Graph, ledger: Ledger, gatekeeper: Gatekeeper, *, rest: Callable[[StageRecord], None]
    ) -> None:
        """Call `rest` for a stage that has to wait before it is tried again."""
        self._graph = graph
        self._ledger = ledger
        self._gatekeeper = gatekeeper
        self._rest = rest
        self._ready: list[int] = []
        self._rested: set[str] = set()

    def revise(self, rested: Iterable[str], at: datetime) -> None:
        """Find out what has become ready, note what is to be skipped; `rested` have waited long enough."""
        for name in rested:
            self._rested.add(name)
            heapq.heappush(self._ready, self._graph.position(name))
        while candidates := self._ledger.standing.take():
            decision = decide(candidates, self._ledger.standing, missing=self.missing)
            for skip in decision.skips:
                self._ledger.note(
                    StageSkipped(at=at, stage=skip.stage, reason=skip.reason, blocked=skip.blocked)
                )
            for node in decision.ready:
                heapq.heappush(self._ready, self._graph.position(node.name))

    def next(self) -> StageNode | None:
        """Return the first stage that may start now, None when there is none.

        Since it was found ready it may have been started, or have become one that must not start.
        """
        while self._ready:
            node = self._graph.nodes[heapq.heappop(self._ready)]
            ready = decide((node,), self._ledger.standing, missing=self.missing).ready
            if ready and not self._must_rest(node.name):
                return node
        return None

    def missing(self) -> tuple[Verdict, ...]:
        """Return the verdicts on required gates that nothing has measured so far."""
        return self._gatekeeper.judge_missing(self._ledger.standing.verdicts)

    def _must_rest(self, name: str) -> bool:
        stage = self._ledger.fold.stages[name]
        if stage.status is StageStatus.FAILED and name not in self._rested:
            self._rest(stage)
            return True
        self._rested.discard(name)
        return False
