"""What every keeper of claims does: each adapter's tests inherit this and give the `claims`."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from chainops.pipeline.claims import ClaimLostError, Claims, RunHeldError, Runner, this_runner

AT = datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=UTC)


def living() -> Runner:
    """Return this process as a runner."""
    return this_runner(AT)


def dead() -> Runner:
    """Return a runner of this host whose process is gone: its pid is another's now."""
    return replace(this_runner(AT), started="another boot/1")


class ClaimsSuite:
    """One runner at a time has a run; a subclass has the fixture `claims`."""

    def test_a_run_that_nobody_took_has_no_holder(self, claims: Claims) -> None:
        assert claims.holder("run") is None

    def test_who_took_a_run_holds_it(self, claims: Claims) -> None:
        runner = living()
        claims.claim("run", runner)
        holder = claims.holder("run")
        assert holder
        assert (holder.runner, holder.alive) == (runner, True)
        assert claims.holder("another") is None

    def test_a_living_runner_keeps_its_run(self, claims: Claims) -> None:
        first, second = living(), living()
        claims.claim("run", first)
        with pytest.raises(RunHeldError, match=f"process {first.pid} on {first.host}"):
            claims.claim("run", second)
        holder = claims.holder("run")
        assert holder
        assert holder.runner == first

    def test_taking_a_run_twice_is_taking_it_once(self, claims: Claims) -> None:
        runner = living()
        claims.claim("run", runner)
        claims.claim("run", runner)
        claims.beat("run", runner.token)

    def test_who_lost_a_run_learns_it_from_its_next_beat(self, claims: Claims) -> None:
        with pytest.raises(ClaimLostError):
            claims.beat("run", living().token)

    def test_a_run_given_back_can_be_taken(self, claims: Claims) -> None:
        first, second = living(), living()
        claims.claim("run", first)
        claims.release("run", first.token)
        claims.claim("run", second)
        claims.beat("run", second.token)

    def test_nobody_gives_back_what_is_anothers(self, claims: Claims) -> None:
        runner = living()
        claims.claim("run", runner)
        claims.release("run", "another token")
        assert claims.holder("run")
