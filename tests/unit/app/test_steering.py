"""Asking a run's runner to pause or end it, and ending it where the runner is dead."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from chainops.app.runs import Standing
from chainops.app.state import RunState
from chainops.app.steering import (
    NotRunningError,
    SilentRunnerError,
    Steering,
    rewrite_reports,
    this_person,
)
from chainops.core.clock import MemoryClock
from chainops.pipeline.events import RunResumed
from chainops.pipeline.model import RunStatus, StageStatus
from unit.app.journals import at, begun, ended, finished, memory_state, runner, started, waits, went


class Desk:
    """A person at a run, with a runner that does `reacts` whenever time passes."""

    def __init__(self, state: RunState, reacts: Callable[[], None] = lambda: None) -> None:
        self.state = state
        self.said: list[str] = []
        self.killed: list[str] = []
        clock = MemoryClock()

        async def sleep(seconds: float) -> None:
            clock.advance(seconds)
            reacts()

        self.steering = Steering(
            state,
            "r1",
            by="ada@host",
            clock=clock,
            sleep=sleep,
            say=self.said.append,
            end_processes=self._end,
        )

    def _end(self, prefix: str) -> tuple[int, ...]:
        self.killed.append(prefix)
        return (7, 8)

    def kinds(self) -> list[str]:
        return [type(e).__name__ for e in self.state.journal.read("r1")]


async def test_a_pause_is_asked_for_once_and_waited_for() -> None:
    state = memory_state(started(), begun("source-checkout"), held=True)
    turns = iter(range(3))

    def reacts() -> None:
        if next(turns) == 2:
            state.journal.append("r1", ended("source-checkout"), finished(RunStatus.PAUSED, 4, "paused"))

    desk = Desk(state, reacts)
    steered = await desk.steering.pause(30)
    assert (steered.obeyed, steered.standing, steered.run.requested_by) == (True, Standing.PAUSED, "ada@host")
    assert desk.kinds().count("PauseRequested") == 1
    assert desk.said == ["run r1 pauses when source-checkout has ended"]


async def test_a_pause_that_takes_long_is_not_waited_for_for_ever() -> None:
    desk = Desk(memory_state(started(), begun("source-checkout"), held=True))
    steered = await desk.steering.pause(0.5)
    assert (steered.obeyed, steered.standing) == (False, Standing.RUNNING)
    assert desk.kinds()[-1] == "PauseRequested"


async def test_a_run_that_ends_by_itself_was_not_paused() -> None:
    state = memory_state(started(), begun("source-checkout"), held=True)
    desk = Desk(state, lambda: state.journal.append("r1", finished(RunStatus.SUCCESS)) and None)
    steered = await desk.steering.pause(30)
    assert (steered.obeyed, steered.standing) == (False, Standing.SUCCESS)


async def test_a_runner_that_dies_before_it_pauses_is_told_of() -> None:
    state = memory_state(started(), begun("source-checkout"), held=True)
    desk = Desk(state, lambda: state.claims.release("r1", runner().token))
    with pytest.raises(NotRunningError, match="nobody runs r1"):
        await desk.steering.pause(30)


@pytest.mark.parametrize(
    ("state", "says", "hints"),
    [
        (memory_state(started(), dead=True), "it was interrupted", "runs resume r1"),
        (
            memory_state(started(), finished(RunStatus.PAUSED, 4, "a plan")),
            "paused already: a plan",
            "resume",
        ),
        (memory_state(started(), finished(RunStatus.SUCCESS)), "has ended: success", "runs rerun r1"),
    ],
)
async def test_what_nobody_runs_cannot_be_paused(state: RunState, says: str, hints: str) -> None:
    desk = Desk(state)
    with pytest.raises(NotRunningError, match=says) as caught:
        await desk.steering.pause(30)
    assert (caught.value.code, caught.value.exit_code) == ("RUN106", 2)
    assert hints in caught.value.hint
    assert "PauseRequested" not in desk.kinds()


async def test_a_living_runner_is_asked_to_end_the_run() -> None:
    state = memory_state(started(), begun("source-checkout"), held=True)

    def reacts() -> None:
        state.journal.append("r1", finished(RunStatus.CANCELLED, 130))
        state.claims.release("r1", runner().token)

    desk = Desk(state, reacts)
    steered = await desk.steering.cancel()
    assert (steered.obeyed, steered.by_us, desk.killed) == (True, False, [])
    assert desk.kinds()[-2:] == ["CancelRequested", "RunFinished"]


async def test_a_request_that_a_resumption_forgot_is_made_again() -> None:
    state = memory_state(started(), begun("source-checkout"), held=True)
    turns = iter(range(9))

    def reacts() -> None:
        turn = next(turns)
        if turn == 0:
            state.journal.append("r1", RunResumed(at=at(3)))
        elif turn == 2:
            state.journal.append("r1", finished(RunStatus.CANCELLED, 130))
            state.claims.release("r1", runner().token)

    desk = Desk(state, reacts)
    assert (await desk.steering.cancel()).obeyed
    assert desk.kinds().count("CancelRequested") == 2


async def test_a_runner_that_does_not_obey_is_an_error_that_names_it() -> None:
    desk = Desk(memory_state(started(), begun("source-checkout"), held=True))
    with pytest.raises(
        SilentRunnerError, match="process 4711 on host has not ended it for 20 seconds"
    ) as caught:
        await desk.steering.cancel()
    assert (caught.value.code, caught.value.exit_code) == ("RUN302", 3)


@pytest.mark.parametrize("dead", [True, False])
async def test_a_run_without_a_living_runner_is_closed_and_its_processes_ended(dead: bool) -> None:
    state = memory_state(started(), *went("source-checkout"), begun("compilation"), dead=dead)
    desk = Desk(state)
    steered = await desk.steering.cancel()
    assert (steered.obeyed, steered.by_us, desk.killed) == (True, True, ["r1/"])
    assert steered.run.stage("compilation").status is StageStatus.LOST
    assert (steered.run.exit_code, steered.run.requested_by) == (130, "ada@host")
    assert "ended 2 processes that the run had left" in desk.said
    assert ("processes that the run left on host cannot be ended from here" in desk.said) is dead
    assert state.claims.holder("r1") is None


async def test_a_run_that_waits_can_be_given_up() -> None:
    state = memory_state(started(), *waits("source-checkout"), finished(RunStatus.PAUSED, 4, "a plan"))
    steered = await Desk(state).steering.cancel()
    assert steered.standing is Standing.CANCELLED


async def test_who_takes_a_run_up_at_the_moment_of_closing_is_asked_instead() -> None:
    state = memory_state(started(), begun("source-checkout"))
    claims, reads = state.claims, iter(range(9))

    class Claims:
        """Claims in which another runner takes the run between the look and the claim."""

        def claim(self, run_id: str, mine: object) -> None:
            claims.claim(run_id, runner("other"))
            claims.claim(run_id, mine)  # type: ignore[arg-type]

        def __getattr__(self, name: str) -> object:
            return getattr(claims, name)

    def reacts() -> None:
        if next(reads) == 0:
            state.journal.append("r1", finished(RunStatus.CANCELLED, 130))
            claims.release("r1", "other")

    desk = Desk(RunState(journal=state.journal, claims=Claims()), reacts)  # type: ignore[arg-type]
    steered = await desk.steering.cancel()
    assert (steered.obeyed, steered.by_us, desk.killed) == (True, False, [])


async def test_what_ended_while_it_was_being_closed_stays_as_it_ended() -> None:
    state = memory_state(started(), begun("source-checkout"))
    desk = Desk(state)
    ends = desk.steering._end_processes

    def end(prefix: str) -> tuple[int, ...]:
        state.journal.append("r1", finished(RunStatus.SUCCESS))
        return ends(prefix)

    desk.steering._end_processes = end
    steered = await desk.steering.cancel()
    assert (steered.obeyed, steered.standing) == (False, Standing.SUCCESS)


async def test_what_has_ended_cannot_be_cancelled() -> None:
    with pytest.raises(NotRunningError, match="nothing to cancel: run r1 has ended: failed"):
        await Desk(memory_state(started(), finished(RunStatus.FAILED, 1))).steering.cancel()


def test_reports_are_written_again_only_where_the_run_was(tmp_path: Path) -> None:
    from chainops.app.runs import load_run

    run = load_run(memory_state(started(), finished(RunStatus.CANCELLED, 130)), "r1")
    rewrite_reports(run, tmp_path, {})
    assert list(tmp_path.iterdir()) == []
    (tmp_path / ".chainops" / "runs" / "r1").mkdir(parents=True)
    rewrite_reports(run, tmp_path, {})
    assert (tmp_path / ".chainops" / "runs" / "r1" / "report" / "result.json").is_file()


def test_a_person_is_named_with_the_machine() -> None:
    user, _, host = this_person().partition("@")
    assert user
    assert host
