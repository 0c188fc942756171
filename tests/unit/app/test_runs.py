"""Which run is meant, and where each stands."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest

from chainops.app.reporting import kept_logs, run_document
from chainops.app.runs import (
    RunView,
    Standing,
    find_run,
    list_runs,
    load_run,
    open_runs,
    standing,
    summarise,
)
from chainops.artifacts.errors import UnknownRunError
from chainops.core.errors import InputError
from chainops.pipeline.events import AttemptLost
from chainops.pipeline.model import RunStatus, StageStatus
from chainops.report.schema import result_schema
from unit.app.journals import at, begun, ended, finished, memory_state, runner, started, waits, went

W = Path("/w")


def test_a_run_is_found_by_the_start_of_its_id_and_the_newest_by_latest() -> None:
    state = memory_state(started(), run_id="a1")
    state.journal.append("a2", started(second=1))
    state.journal.append("b3", started(second=2))
    assert [find_run(state.journal, w, W) for w in ("a1", "b", "latest", "")] == ["a1", "b3", "b3", "b3"]
    with pytest.raises(UnknownRunError, match="begins 2 runs: a2, a1"):
        find_run(state.journal, "a", W)
    with pytest.raises(UnknownRunError, match="no run `x` in /w") as caught:
        find_run(state.journal, "x\x1b[31m", W)
    assert caught.value.hint == "the newest is b3"


def test_an_id_that_begins_another_is_itself() -> None:
    state = memory_state(started(), run_id="a")
    state.journal.append("ab", started(second=1))
    assert find_run(state.journal, "a", W) == "a"


def test_nothing_is_made_where_nothing_has_run(tmp_path: Path) -> None:
    with pytest.raises(UnknownRunError), open_runs(tmp_path):
        pass
    with pytest.raises(InputError, match="is not a folder"), open_runs(tmp_path / "none"):
        pass
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(UnknownRunError, match="no run in"):
        find_run(memory_state().journal, "latest", tmp_path)


def test_a_running_run_is_interrupted_when_its_runner_is_dead_or_absent() -> None:
    for state, expected in (
        (memory_state(started(), held=True), Standing.RUNNING),
        (memory_state(started(), dead=True), Standing.INTERRUPTED),
        (memory_state(started()), Standing.INTERRUPTED),
        (memory_state(started(), finished(RunStatus.PAUSED)), Standing.PAUSED),
        (memory_state(started(), finished(RunStatus.FAILED), held=True), Standing.FAILED),
    ):
        assert standing(load_run(state, "r1"), state.claims.holder("r1")) is expected


def test_a_summary_says_what_runs_waits_and_failed_and_who_runs_it() -> None:
    state = memory_state(
        started(),
        *went("source-checkout"),
        begun("compilation"),
        *went("static-analysis", StageStatus.FAILED),
        held=True,
    )
    [row] = list_runs(state, at(9), limit=5)
    assert (row.status, row.running, row.failed) == (Standing.RUNNING, ("compilation",), ("static-analysis",))
    assert (row.duration_ms, row.runner and row.runner.pid) == (9000, 4711)
    assert list_runs(state, at(9), limit=5)[0].runner is not None


def test_the_time_of_an_interrupted_run_ends_with_its_last_sign_of_life() -> None:
    state = memory_state(started(), begun("source-checkout", second=3), dead=True)
    summary = summarise(load_run(state, "r1"), state.claims.holder("r1"), at(90_000))
    assert (summary.status, summary.duration_ms) == (Standing.INTERRUPTED, 3000)
    assert summary.runner is not None
    assert not summary.runner.alive


def test_a_run_that_ended_has_no_runner() -> None:
    state = memory_state(
        started(), *waits("source-checkout"), finished(RunStatus.PAUSED, 4, "a plan"), held=True
    )
    summary = summarise(load_run(state, "r1"), state.claims.holder("r1"), at(90))
    assert (summary.runner, summary.waiting_for, summary.duration_ms) == (None, "a plan", 5000)


def test_a_view_takes_in_what_others_journal() -> None:
    state = memory_state(started(), held=True)
    view = RunView(state, "r1")
    state.journal.append("r1", *went("source-checkout"))
    assert view.run.stage("source-checkout").status is StageStatus.PENDING
    assert view.update().run.stage("source-checkout").status is StageStatus.SUCCESS
    assert view.standing is Standing.RUNNING
    state.claims.release("r1", runner().token)
    assert view.update().standing is Standing.INTERRUPTED


@pytest.mark.parametrize(
    "events",
    [
        (),
        (begun("source-checkout"),),
        (begun("source-checkout"), AttemptLost(at=at(2), stage="source-checkout", attempt=1)),
        (*went("source-checkout", StageStatus.FAILED), finished(RunStatus.FAILED, 1)),
        (*waits("source-checkout"),),
        (begun("source-checkout"), ended("source-checkout"), begun("compilation")),
    ],
)
def test_the_document_of_a_run_fits_the_schema_at_every_moment(events: tuple[object, ...]) -> None:
    state = memory_state(replace(started(), config={"pipeline_id": "p"}), *events)  # type: ignore[arg-type]
    document = run_document(load_run(state, "r1"))
    jsonschema.validate(json.loads(json.dumps(document)), result_schema())


def test_a_run_without_reports_has_kept_no_logs(tmp_path: Path) -> None:
    assert kept_logs(load_run(memory_state(started()), "r1"), tmp_path) == ()
