"""`kill -9` at random moments, and what a killed runner leaves running."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from chaos.checks import Undisturbed, check_same, processes
from chaos.harness import Case, has_grandchild, say

#: seconds that every tool takes longer: most kills hit one at work
PACE_S = 0.03
#: tries for each kill that is wanted: some runs end before it comes
TRIES = 4


def seed_of(name: str) -> str:
    """Return the seed, which `CHAOS_SEED` sets; print it, so that a failure can be repeated."""
    seed = f"{os.environ.get('CHAOS_SEED') or random.SystemRandom().randrange(10**8)}"
    say(f"CHAOS_SEED={seed} {name}")
    return f"{seed}/{name}"


def kill_at_random(kills: int, name: str, folder: Path, expected: Undisturbed) -> None:
    """Kill runners until so many have died, one or several in a run; check every run's end."""
    chance = random.Random(seed_of(name))
    struck = 0
    for number in range(kills * TRIES):
        case = Case(workspace=folder / f"{number}")
        for _ in range(chance.choice([1, 1, 2, 3])):
            moment_s = chance.uniform(0.1, expected.length_s)
            say(f"run {number}: kill after {moment_s:.3f} s")
            case.run(case.order(pace_s=PACE_S), kill_after_s=moment_s)
            case.approve()
        record = case.to_the_end()
        check_same(case, record, expected)
        struck += case.kills
        if struck >= kills:
            return
    raise AssertionError(f"only {struck} of {kills} runners were killed before their end")


@pytest.mark.parametrize("shard", range(2))
def test_a_run_killed_at_any_moment_ends_as_if_it_had_not(
    shard: int, tmp_path: Path, model: Callable[[str], Undisturbed]
) -> None:
    kill_at_random(5, f"few-{shard}", tmp_path, model("ten"))


@pytest.mark.chaos
@pytest.mark.parametrize("shard", range(10))
def test_a_hundred_runners_killed_at_any_moment(
    shard: int, tmp_path: Path, model: Callable[[str], Undisturbed]
) -> None:
    kill_at_random(10, f"many-{shard}", tmp_path, model("ten"))


def test_what_a_killed_runner_left_running_is_ended_before_its_stage_begins_again(
    tmp_path: Path, model: Callable[[str], Undisturbed]
) -> None:
    case = Case(workspace=tmp_path)
    case.run_until(lambda: has_grandchild(case, 1))
    left = processes(f"{case.run_id}/scan/1/")
    assert len(left) >= 2, f"the tool and its grandchild should outlive their runner: {left}"
    record = case.to_the_end()
    check_same(case, record, model("ten"))
    attempts = [a.status.value for a in record.stage("scan").attempts]
    assert attempts == ["lost", "success"]
