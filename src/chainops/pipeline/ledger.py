"""The journal of the run that is going on, folded as it grows: by this process, and by others meanwhile."""

from __future__ import annotations

import uuid
from dataclasses import replace

from chainops.core.hashing import digest_json
from chainops.core.serial import to_json
from chainops.pipeline.events import Event, RunStarted
from chainops.pipeline.fold import JournalError, RunFold, fold
from chainops.pipeline.graph import Graph
from chainops.pipeline.journal import Journal
from chainops.pipeline.model import Outcome, RunRecord, StageRecord
from chainops.pipeline.patience import Patience
from chainops.pipeline.ports import RunWatcher
from chainops.pipeline.standing import Standing


class Ledger:
    """Takes events into the fold at once, into the journal in one transaction a turn, then tells watchers."""

    def __init__(
        self,
        journal: Journal,
        run_id: str,
        graph: Graph,
        *,
        fail_fast: bool,
        token: str,
        patience: Patience,
        watchers: tuple[RunWatcher, ...],
    ) -> None:
        """Write with `token` as the runner that holds the run; empty where nobody can take it over."""
        self._journal = journal
        self._run_id = run_id
        self._graph = graph
        self._fail_fast = fail_fast
        self._token = token
        self._patience = patience
        self._watchers = watchers
        self._last = 0
        self._keys = token or uuid.uuid4().hex
        self._commits = 0
        self._noted: list[tuple[Event, StageRecord | None]] = []
        self._digests: dict[str, tuple[Outcome, str]] = {}
        self._fold: RunFold | None = None
        self._standing: Standing | None = None

    @property
    def fold(self) -> RunFold:
        """The run as it stands, what has only been noted included."""
        if self._fold is None:
            raise RuntimeError("the run has not been opened")
        return self._fold

    @property
    def standing(self) -> Standing:
        """What decisions look at."""
        if self._standing is None:
            raise RuntimeError("the run has not been opened")
        return self._standing

    def record(self) -> RunRecord | None:
        """Return the run as it stands, None before it was opened."""
        return self._fold.record() if self._fold else None

    def open(self, events: tuple[Event, ...]) -> None:
        """Take up a run with these entries. Raises `JournalError`."""
        self._take(events)

    def begin(self, started: RunStarted) -> None:
        """Note the start of a run that has no entries."""
        self._take((started,))
        self._last = 0
        self._noted.append((started, None))

    async def read(self) -> tuple[Event, ...]:
        """Return the journal's entries."""
        return await self._patience.call(lambda: self._journal.read(self._run_id))

    def note(self, event: Event) -> None:
        """Take an event into account; `commit` makes it durable."""
        self._noted.append((event, self._apply(event)))

    async def commit(self) -> bool:
        """Store what was noted in one transaction; return whether others had written in between.

        The intent is durable when this returns, and only then may be acted upon. Raises `StoreError` when it
        cannot be stored, `ClaimLostError` when another runner has the run.
        """
        if not self._noted:
            return False
        noted, self._noted = self._noted, []
        events = [event for event, _ in noted]
        self._commits += 1
        key = f"{self._keys}/{self._commits}"
        last = await self._patience.call(
            lambda: self._journal.append(self._run_id, *events, runner=self._token, key=key)
        )
        foreign = last != self._last + len(events)
        if foreign:  # their entries come before ours, so that ours may mean something else
            self._take(await self.read())
            noted = [(event, None) for event in events[:1]]
        else:
            self._last = last
        for _, stage in noted:
            self._tell(stage)
        return foreign

    async def poll(self) -> bool:
        """Take in what other processes have appended; return whether there was anything."""
        last = await self._patience.call(lambda: self._journal.last(self._run_id))
        if last == self._last:
            return False
        events = await self._patience.call(lambda: self._journal.read(self._run_id, self._last))
        for event in events:
            try:
                self._apply(event)
            except LookupError as error:
                raise JournalError(f"an entry does not fit run {self._run_id}: {error}") from error
        self._last += len(events)
        self._tell(None)
        return True

    def digests(self, stages: tuple[str, ...]) -> dict[str, str]:
        """Return the digest of the outcome of each of these stages that has one."""
        outcomes = ((name, self.fold.stages[name].outcome) for name in stages)
        return {name: self._digest(name, outcome) for name, outcome in outcomes if outcome}

    def _digest(self, stage: str, outcome: Outcome) -> str:
        known = self._digests.get(stage)
        if known is None or known[0] is not outcome:
            known = (outcome, outcome_digest(outcome))
            self._digests[stage] = known
        return known[1]

    def _take(self, events: tuple[Event, ...]) -> None:
        self._fold = fold(self._run_id, events)
        self._standing = Standing(self._graph, self._fold.stages, fail_fast=self._fail_fast)
        self._last = len(events)

    def _apply(self, event: Event) -> StageRecord | None:
        names = self.fold.apply(event)
        for name in names:
            self.standing.update(name)
        return self.fold.stages[names[0]] if len(names) == 1 else None

    def _tell(self, stage: StageRecord | None) -> None:
        for watcher in self._watchers:
            watcher.changed(self.fold.record, stage)


def outcome_digest(outcome: Outcome) -> str:
    """Return the digest of what an outcome says, wherever it came from."""
    return digest_json(to_json(replace(outcome, cached_from="") if outcome.cached_from else outcome))
