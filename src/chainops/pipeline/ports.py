"""What the engine asks of stages, gates, journals and whoever watches."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from chainops.pipeline.model import Outcome, RunRecord, StageContext, StageNode, StageRecord
from chainops.quality.model import Verdict


class Stage(Protocol):
    """Does a stage's work."""

    @property
    def name(self) -> str:
        """The stage's name in graph, config and report, such as `unit-tests`."""

    async def run(self, context: StageContext) -> Outcome:
        """Do the work once. A `ChainopsError` becomes a failed outcome; being cancelled is passed on."""


class Gatekeeper(Protocol):
    """Judges what stages measured."""

    def judge(self, node: StageNode, outcome: Outcome) -> tuple[Verdict, ...]:
        """Return the verdicts that this stage's outcome allows."""

    def judge_missing(self, verdicts: Sequence[Verdict]) -> tuple[Verdict, ...]:
        """Return a `NOT_RUN` verdict for every required gate that has none among `verdicts`."""


class RunWatcher(Protocol):
    """Is told of every change; the live terminal is one."""

    def changed(self, run: Callable[[], RunRecord], stage: StageRecord | None) -> None:
        """A stage started or ended: `stage` says how it stood then. Without one, the run or several did.

        `run` gives the whole as it stands when it is called, at a cost that grows with the run.
        """

    def output(self, stage: str, data: bytes) -> None:
        """A stage's log grew by these masked bytes."""
