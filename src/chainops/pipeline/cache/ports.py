"""What the cache asks of whoever knows what a stage reads and writes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from chainops.pipeline.cache.model import StageInputs
from chainops.pipeline.cache.tree import SourceTree
from chainops.pipeline.model import Outcome, StageContext


class StageReads(Protocol):
    """Knows what one stage reads, and where it writes."""

    def roots(self, context: StageContext) -> tuple[Path, ...]:
        """Return the folders that it reads, the project's root first.

        Raises `ChainopsError` or KeyError when they cannot be told: then the stage runs, and says why.
        """

    def inputs(self, context: StageContext, tree: SourceTree) -> StageInputs:
        """Return what is known before it runs. Raises as `roots` does."""

    def reported(self, context: StageContext, outcome: Outcome) -> tuple[str, ...]:
        """Return the files that its tools reported they read, relative to the root or absolute."""

    def folders(self, context: StageContext) -> Mapping[str, Path]:
        """Return the output folders that it declares, by name: kept with its result and given back."""

    def untouched(self, context: StageContext) -> tuple[Path, ...]:
        """Return further folders that it must leave as they are, such as the output of a stage before."""

    def prepare(self, context: StageContext, inputs: StageInputs) -> None:
        """Clear away what other inputs left in the output folders and the result could hold.

        Raises `DiskError`.
        """

    def doubt(self, outcome: Outcome) -> str:
        """Return why a successful outcome is not worth keeping; empty when it is."""


class CachePolicy(Protocol):
    """Which part of the cache this run may use."""

    def reads(self) -> tuple[str, ...]:
        """Return the scopes whose entries may be taken, the first one first; none to take nothing."""

    def writes(self) -> str:
        """Return the scope that new entries go to; empty to keep nothing."""

    def why_not_read(self, stage: str) -> str:
        """Return why a stage takes nothing from the cache; empty when it is looked up."""
