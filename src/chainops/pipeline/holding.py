"""A runner's hold on its run: taken before anything else, renewed while it goes on, given back at the end."""

from __future__ import annotations

import contextlib
from dataclasses import replace

from chainops.core.store.database import StoreError
from chainops.pipeline.claims import BEAT_S, Claims, Runner
from chainops.pipeline.patience import Patience

#: what giving a run back may take: it is over, and a process that ends gives it back as well
_RELEASE_S = 5.0


class Hold:
    """Holds one run for one runner; holds nothing where nobody else could take the run."""

    def __init__(
        self, claims: Claims | None, runner: Runner | None, run_id: str, *, patience: Patience
    ) -> None:
        if (claims is None) != (runner is None):
            raise ValueError("claims and runner go together")
        self._claims = claims
        self._runner = runner
        self._run_id = run_id
        self._patience = patience
        self._beaten_s = 0.0

    @property
    def token(self) -> str:
        """What fences the runner's writes; empty without claims."""
        return self._runner.token if self._runner else ""

    async def take(self) -> None:
        """Take the run. Raises `RunHeldError` while another runner lives."""
        claims, runner = self._claims, self._runner
        if claims and runner:
            await self._patience.call(lambda: claims.claim(self._run_id, runner))
            self._beaten_s = self._patience.clock.monotonic_s()

    async def beat(self) -> None:
        """Say that the runner lives, when it is time. Raises `ClaimLostError` when the run was taken over."""
        claims, now_s = self._claims, self._patience.clock.monotonic_s()
        if claims and now_s - self._beaten_s >= BEAT_S:
            await self._patience.call(lambda: claims.beat(self._run_id, self.token))
            self._beaten_s = now_s

    async def release(self) -> None:
        """Give the run back, if the database can be written."""
        claims = self._claims
        if claims:
            patience = replace(self._patience, patience_s=min(self._patience.patience_s, _RELEASE_S))
            with contextlib.suppress(StoreError):
                await patience.call(lambda: claims.release(self._run_id, self.token))
