"""Pause, cancel and approval come from another process, at any moment, also while nobody runs the run."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from itertools import pairwise
from pathlib import Path

import pytest

from chainops.pipeline.events import (
    AttemptFinished,
    AttemptStarted,
    CancelRequested,
    PauseRequested,
    RunFinished,
)
from chainops.pipeline.model import RunStatus, StageStatus
from chaos.checks import Undisturbed, check_same, processes
from chaos.harness import Case, finish, has_grandchild, say, start
from chaos.scripted import lines

#: `make test` takes one write of so many, `make chaos` all of them
STEP = 4
#: from the request to the run's end (seconds)
CANCEL_LIMIT_S = 5.0


def test_a_pause_lets_what_runs_finish_and_starts_no_more(
    tmp_path: Path, model: Callable[[str], Undisturbed]
) -> None:
    _pause_at(writes(model("ten"))[::STEP], tmp_path, model("ten"))


@pytest.mark.chaos
@pytest.mark.parametrize("shard", range(STEP))
def test_a_pause_at_any_write_lets_what_runs_finish_and_starts_no_more(
    shard: int, tmp_path: Path, model: Callable[[str], Undisturbed]
) -> None:
    _pause_at(writes(model("ten"))[shard::STEP], tmp_path, model("ten"))


def writes(expected: Undisturbed) -> range:
    """Return the first runner's writes that somebody can answer with a request: not those that end it."""
    return range(2, expected.writes[0] - 3)


def _pause_at(moments: range, folder: Path, expected: Undisturbed) -> None:
    for write in moments:
        say(f"pause after write {write}")
        case = Case(workspace=folder / f"{write}")
        ended = case.run(case.order(moments=((write, "pause", ""),)))
        assert ended.result["status"] == "paused", ended
        _check_paused(case)
        record = case.to_the_end(*([case.order(kill_at=write % 7 + 1)] if write % 2 else []))
        check_same(case, record, expected)


def _check_paused(case: Case) -> None:
    with case.state() as state:
        events = state.journal.read(case.run_id)
        record = case.record(state.journal)
        assert state.claims.holder(case.run_id) is None
    asked = next(n for n, e in enumerate(events, 1) if isinstance(e, PauseRequested))
    # what was written together with the entry that showed the request could not know of it
    stores = [tuple(map(int, line.split())) for line in lines(case.workspace / "appends")]
    blind = next((last for last, _ in stores if last > asked), asked)
    late = [n for n, e in enumerate(events, 1) if isinstance(e, AttemptStarted) and n > blind]
    assert not late, f"started after the pause of entry {asked}: {late}"
    assert record
    assert not any(s.status is StageStatus.RUNNING for s in record.stages)
    cancelled = [
        e for e in events if isinstance(e, AttemptFinished) and e.outcome.status.value == "cancelled"
    ]
    assert not cancelled, "a pause lets what runs finish"
    assert processes(f"{case.run_id}/") == {}


def test_a_cancel_ends_everything_in_time_and_the_run_can_be_taken_up_again(
    tmp_path: Path, model: Callable[[str], Undisturbed]
) -> None:
    _cancel_at(writes(model("ten"))[1::STEP], tmp_path, model("ten"))


@pytest.mark.chaos
@pytest.mark.parametrize("shard", range(STEP))
def test_a_cancel_at_any_write_ends_everything_in_time_and_the_run_can_be_taken_up_again(
    shard: int, tmp_path: Path, model: Callable[[str], Undisturbed]
) -> None:
    _cancel_at(writes(model("ten"))[shard::STEP], tmp_path, model("ten"))


def _cancel_at(moments: range, folder: Path, expected: Undisturbed) -> None:
    for write in moments:
        say(f"cancel after write {write}")
        case = Case(workspace=folder / f"{write}")
        ended = case.run(case.order(moments=((write, "cancel", ""),)))
        assert (ended.code, ended.result["status"]) == (130, "cancelled"), ended
        assert processes(f"{case.run_id}/") == {}
        with case.state() as state:
            events = state.journal.read(case.run_id)
        asked = next(e.at for e in events if isinstance(e, CancelRequested))
        assert isinstance(events[-1], RunFinished)
        assert (events[-1].at - asked).total_seconds() <= CANCEL_LIMIT_S
        record = case.to_the_end()
        check_same(case, record, expected)


def test_a_cancel_ends_a_tool_that_would_go_on_for_long_and_its_grandchild(tmp_path: Path) -> None:
    case = Case(workspace=tmp_path)
    # with the first stages done, the next ones work for half a minute, the long one has its grandchild
    case.run_until(lambda: has_grandchild(case, 1))
    runner = start(case.order(pace_s=30.0))
    case.wait_for(runner, lambda: has_grandchild(case, 2))
    case.ask(CancelRequested)
    ended = finish(runner, limit_s=2 * CANCEL_LIMIT_S)
    assert (ended.code, ended.result["status"]) == (130, "cancelled"), ended
    assert processes(f"{case.run_id}/") == {}
    with case.state() as state:
        events = state.journal.read(case.run_id)
    times: list[datetime] = [e.at for e in events if isinstance(e, CancelRequested | RunFinished)]
    assert all((b - a).total_seconds() <= CANCEL_LIMIT_S for a, b in pairwise(times))


def test_an_approval_given_while_the_runner_is_dead_is_there_when_the_next_one_comes(
    tmp_path: Path, model: Callable[[str], Undisturbed]
) -> None:
    expected = model("ten")
    case = Case(workspace=tmp_path)
    assert case.run(case.order(kill_at_end=True)).killed
    with case.state() as state:
        record = case.record(state.journal)
    assert record
    assert record.status is RunStatus.RUNNING, "it died before it could say that it waits"
    assert case.approve()
    ended = case.run()
    assert ended.result["status"] == "success"
    assert case.record_now().stage("release").status is StageStatus.SUCCESS
    check_same(case, case.record_now(), expected)
