"""Consent to exactly what waits."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from chainops.app.approving import (
    NothingWaitsError,
    OtherDigestError,
    RunApprovals,
    approved,
    given_on_the_command_line,
    waiting_request,
)
from chainops.app.config import load_config
from chainops.app.run_logs import UnknownStageError
from chainops.app.runs import load_run
from chainops.pipeline.events import ApprovalGiven, Event
from chainops.pipeline.model import RunRecord, RunStatus, StageNode
from chainops.stages.approval import ApprovedStage
from unit.app.journals import DIGEST, at, begun, finished, memory_state, started, waits, went
from unit.pipeline.fakes import FakeStage

OTHER = "sha256:" + "b" * 64
PAUSED = finished(RunStatus.PAUSED, 4, "a plan")


def run_of(*events: Event, nodes: tuple[StageNode, ...] | None = None) -> RunRecord:
    first = started(nodes) if nodes else started()
    return load_run(memory_state(first, *events), "r1")


def given(stage: str = "compilation", digest: str = DIGEST, by: str = "ada") -> ApprovalGiven:
    return ApprovalGiven(at=at(4), stage=stage, digest=digest, by=by)


def test_what_waits_now_is_what_is_approved() -> None:
    run = run_of(*waits("compilation"), PAUSED)
    request = waiting_request(run, "compilation")
    assert (request.stage, request.digest, request.given) == ("compilation", DIGEST, None)
    assert request.outputs == {"plan_digest": DIGEST}
    assert waiting_request(run, "compilation", DIGEST) == request


def test_another_digest_than_the_one_that_waits_is_refused() -> None:
    with pytest.raises(OtherDigestError, match="another plan than sha256:bbb") as caught:
        waiting_request(run_of(*waits("compilation")), "compilation", OTHER)
    assert (caught.value.code, caught.value.hint) == ("RUN109", f"it waits with {DIGEST}")


def test_consent_that_was_given_is_found_until_the_stage_begins_again() -> None:
    run = run_of(*waits("compilation"), PAUSED, given())
    request = waiting_request(run, "compilation")
    assert request.given is not None
    assert request.given.by == "ada"
    with pytest.raises(NothingWaitsError, match="it is running"):
        waiting_request(
            run_of(*waits("compilation"), given(), begun("compilation", attempt=2)), "compilation"
        )


@pytest.mark.parametrize(
    ("run", "says"),
    [
        (run_of(*went("compilation")), "waits for no approval: it is success"),
        (run_of(), "waits for no approval: it is pending"),
        (run_of(*waits("compilation"), finished(RunStatus.CANCELLED, 130)), "it has ended: cancelled"),
    ],
)
def test_where_nothing_waits_nothing_can_be_approved(run: RunRecord, says: str) -> None:
    with pytest.raises(NothingWaitsError, match=says) as caught:
        waiting_request(run, "compilation")
    assert caught.value.hint


def test_the_hint_names_what_waits_instead() -> None:
    with pytest.raises(NothingWaitsError) as caught:
        waiting_request(run_of(*went("source-checkout"), *waits("compilation")), "source-checkout")
    assert caught.value.hint == "what waits: compilation"
    with pytest.raises(UnknownStageError):
        waiting_request(run_of(), "compile")


def test_of_several_cells_one_has_to_be_named_or_meant_by_its_digest() -> None:
    nodes = (StageNode(name="deploy[network=a]"), StageNode(name="deploy[network=b]"))
    run = run_of(*waits("deploy[network=a]"), *waits("deploy[network=b]", OTHER), nodes=nodes)
    with pytest.raises(NothingWaitsError, match="2 cells of deploy wait") as caught:
        waiting_request(run, "deploy")
    assert "deploy[network=b]" in caught.value.hint
    assert waiting_request(run, "deploy", OTHER).stage == "deploy[network=b]"
    assert waiting_request(run, "deploy[network=a]").digest == DIGEST


def test_digests_of_the_command_line_are_recorded_once_with_the_stage_that_waits() -> None:
    run = run_of(*waits("compilation"), PAUSED)
    found = given_on_the_command_line(run, [DIGEST, OTHER, DIGEST], by="ada", at=at(9))
    assert [(e.stage, e.digest, e.by) for e in found] == [("compilation", DIGEST, "ada"), ("", OTHER, "ada")]
    assert given_on_the_command_line(run_of(given()), [DIGEST], by="bob", at=at(9)) == ()
    assert [e.stage for e in given_on_the_command_line(None, [DIGEST], by="ada", at=at(9))] == [""]


async def test_only_a_stage_that_asks_for_it_waits_and_production_for_its_plan(tmp_path: Path) -> None:
    loaded = load_config(tmp_path, data={})
    stage = FakeStage("compilation")
    for node in (StageNode(name="compilation"), StageNode(name="production-deploy", approval=True)):
        assert approved(node, stage, loaded, lambda: None) is stage
    guarded = approved(StageNode(name="compilation", approval=True), stage, loaded, run_of)
    assert isinstance(guarded, ApprovedStage)
    assert guarded.name == "compilation"
    assert isinstance(
        approved(StageNode(name="x", approval=True), stage, loaded, lambda: None), ApprovedStage
    )


def test_a_stage_sees_consent_to_itself_and_to_whatever_comes() -> None:
    run = run_of(given("compilation"), given("", OTHER), given("unit-tests", "sha256:c"))
    approvals = RunApprovals(lambda: run, "compilation")
    assert approvals.given == {DIGEST, OTHER}
    found = approvals.approved("compilation", DIGEST)
    assert found is not None
    assert (found.by, found.at) == ("ada", at(4))
    assert approvals.approved("compilation", OTHER) is not None
    assert approvals.approved("compilation", "sha256:c") is None
    assert RunApprovals(lambda: None, "compilation").given == frozenset()


def test_consent_to_one_cell_is_none_to_another() -> None:
    run = replace(run_of(), approvals=run_of(given("compilation[solc=1]")).approvals)
    approvals = RunApprovals(lambda: run, "compilation")
    assert approvals.approved("compilation[solc=1]", DIGEST) is not None
    assert approvals.approved("compilation[solc=2]", DIGEST) is None
    assert approvals.given == {DIGEST}
