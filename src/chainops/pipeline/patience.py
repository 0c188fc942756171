"""Waits for a database that cannot answer now, without holding up what runs meanwhile."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from chainops.core.clock import Clock
from chainops.core.store.database import StoreBusyError

T = TypeVar("T")

#: how long a locked or restarting database is waited for
PATIENCE_S = 60.0
_FIRST_WAIT_S = 0.05
_LONGEST_WAIT_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long to try again, and by which clock."""

    patience_s: float
    clock: Clock
    sleep: Callable[[float], Awaitable[None]]

    async def call(self, attempt: Callable[[], T]) -> T:
        """Return what `attempt` gives, tried again with growing waits while the database is busy.

        Raises the last `StoreBusyError` when the patience is over, and whatever else `attempt` raises.
        """
        until_s = self.clock.monotonic_s() + self.patience_s
        wait_s = _FIRST_WAIT_S
        while True:
            try:
                return attempt()
            except StoreBusyError:
                if self.clock.monotonic_s() + wait_s > until_s:
                    raise
            await self.sleep(wait_s)
            wait_s = min(2 * wait_s, _LONGEST_WAIT_S)
