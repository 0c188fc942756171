"""What every journal does, whatever keeps it: each adapter's tests inherit this and give the `journal`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from chainops.artifacts.model import Artifact
from chainops.core.errors import Place
from chainops.core.tooluse import ToolUse
from chainops.pipeline.events import (
    AttemptFinished,
    AttemptLost,
    AttemptStarted,
    Event,
    RunFinished,
    RunResumed,
    RunStarted,
    StageSkipped,
)
from chainops.pipeline.journal import Journal
from chainops.pipeline.model import FailureKind, Outcome, RunStatus, StageNode, StageStatus
from chainops.quality.model import Measurement
from unit.pipeline.fakes import verdict

AT = datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=UTC)
STARTED = RunStarted(
    at=AT,
    pipeline_id="p",
    project_name="Tresor für ETH",
    workspace="/w",
    nodes=(StageNode(name="a", retries=2), StageNode(name="b", needs=("a",), touches_chain=True)),
    config={"gates": {"min_test_coverage": 0.8}, "names": ["x", None, True]},
)
EVENTS: tuple[Event, ...] = (
    STARTED,
    AttemptStarted(at=AT, stage="a", attempt=1),
    AttemptLost(at=AT, stage="a", attempt=1),
    RunResumed(at=AT),
    AttemptFinished(
        at=AT,
        stage="a",
        attempt=2,
        duration_s=1.25,
        outcome=Outcome(
            status=StageStatus.FAILED,
            reason="héé \U0001f4a5 \x00 \udcff",
            failure=FailureKind.PROJECT,
            places=(Place("src/A.sol", 3, 7),),
            metrics=(Measurement(name="coverage.lines", value=0.4, unit="ratio", place=Place("x")),),
            artifacts=(Artifact(name="a.json", kind="contract", digest="sha256:1", size_bytes=2),),
            tools=(ToolUse(name="forge", version="1.7.1"),),
            outputs={"value_wei": str(10**30), "deep": [{"a": [1, 2.5, None]}]},
        ),
        verdicts=(verdict("coverage", "a"),),
    ),
    StageSkipped(at=AT, stage="b", reason="a failed", blocked=True),
    RunFinished(at=AT, status=RunStatus.FAILED, exit_code=1, verdicts=(verdict("scan", "b"),)),
)


class JournalSuite:
    """What was appended comes back, in order and whole; a subclass has the fixture `journal`."""

    def test_an_unknown_run_has_no_events(self, journal: Journal) -> None:
        assert journal.read("nothing") == ()
        assert journal.runs() == ()

    def test_every_kind_of_event_comes_back_equal_and_in_order(self, journal: Journal) -> None:
        for event in EVENTS:
            journal.append("run", event)
        assert journal.read("run") == EVENTS

    def test_runs_do_not_mix(self, journal: Journal) -> None:
        journal.append("one", STARTED)
        journal.append("two", STARTED)
        journal.append("one", RunResumed(at=AT))
        assert journal.read("one") == (STARTED, RunResumed(at=AT))
        assert journal.read("two") == (STARTED,)

    def test_runs_are_listed_newest_first(self, journal: Journal) -> None:
        for number, run_id in enumerate(["old", "new", "newest"]):
            journal.append(
                run_id,
                RunStarted(
                    at=AT + timedelta(seconds=number), pipeline_id="", project_name="", workspace="", nodes=()
                ),
            )
        assert [(h.run_id, h.started_at - AT) for h in journal.runs()] == [
            ("newest", timedelta(seconds=2)),
            ("new", timedelta(seconds=1)),
            ("old", timedelta(0)),
        ]

    def test_what_was_read_does_not_change_when_more_is_appended(self, journal: Journal) -> None:
        journal.append("run", STARTED)
        read = journal.read("run")
        journal.append("run", RunResumed(at=AT))
        assert len(read) == 1

    def test_an_event_that_has_no_json_form_is_refused_and_leaves_nothing(self, journal: Journal) -> None:
        journal.append("run", STARTED)
        outcome = Outcome(status=StageStatus.SUCCESS, outputs={"x": object()})
        with pytest.raises(TypeError):
            journal.append("run", AttemptFinished(at=AT, stage="a", attempt=1, duration_s=0, outcome=outcome))
        assert journal.read("run") == (STARTED,)
