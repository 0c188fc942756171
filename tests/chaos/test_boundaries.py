"""A runner killed at every one of its durable writes: the run ends as if nobody had touched it."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from chaos.checks import Undisturbed, check_same
from chaos.harness import Case, say
from chaos.runner import Order

#: the boundaries are dealt out, so that they can be tested side by side
SHARDS = 8
#: siblings that end at the same moment can share a write: a run may have fewer than the undisturbed one
SHARED = 3
SEED = 20260103


def boundaries(expected: Undisturbed) -> list[tuple[int, int]]:
    """Return every boundary as (runner, write): some writes come after an approval, in a second runner."""
    return [(number, write) for number, most in enumerate(expected.writes) for write in range(1, most + 1)]


def kill_at(case: Case, when: str, runner: int, write: int, **fields: object) -> list[Order]:
    """Return the orders of a run that is killed there; every third one is killed a second time."""
    chance = random.Random(f"{SEED}/{when}/{runner}/{write}")
    orders = [case.order(**fields) for _ in range(runner)] + [case.order(kill_at=write, when=when, **fields)]
    if chance.random() < 1 / 3:
        again = chance.randint(1, 12)
        orders.append(case.order(kill_at=again, when=chance.choice(["before", "after"])))
    return orders


@pytest.mark.parametrize("shard", range(SHARDS))
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_run_of_ten_stages_killed_at_any_write(
    when: str, shard: int, tmp_path: Path, model: Callable[[str], Undisturbed]
) -> None:
    _kill_everywhere("ten", when, shard, SHARDS, tmp_path, model("ten"))


@pytest.mark.parametrize("shard", range(2))
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_run_with_a_broken_branch_killed_at_any_write(
    when: str, shard: int, tmp_path: Path, model: Callable[[str], Undisturbed]
) -> None:
    _kill_everywhere("broken", when, shard, 2, tmp_path, model("broken"))


def _kill_everywhere(
    graph: str, when: str, shard: int, shards: int, folder: Path, expected: Undisturbed
) -> None:
    for runner, write in boundaries(expected)[shard::shards]:
        case = Case(workspace=folder / f"{runner}-{write}", graph=graph)
        say(f"kill {when} write {write} of runner {runner}")
        record = case.to_the_end(*kill_at(case, when, runner, write))
        assert case.kills or write > expected.writes[runner] - SHARED
        check_same(case, record, expected)
