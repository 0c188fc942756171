"""What was taken from the cache is said in every form of the report."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from chainops.pipeline.model import RunRecord, StageRecord
from chainops.report.caching import explanations, taken_line
from chainops.report.document import result_document
from chainops.report.page import render_html
from chainops.report.summary import summary
from chainops.report.timeline import timeline
from unit.report.samples import passed_run

EARLIER = "20260101T000000-aaaaaa"


def noted(stage: StageRecord, **fields: Any) -> StageRecord:
    attempts = tuple(replace(a, outcome=replace(a.outcome, **fields)) for a in stage.attempts if a.outcome)
    return replace(stage, attempts=attempts)


def cached_run() -> RunRecord:
    run = passed_run()
    changes = {
        "unit-tests": {"cached_from": EARLIER, "cache_note": f"taken from run {EARLIER}"},
        "security-scan": {"cached_from": EARLIER, "cache_note": f"taken from run {EARLIER}"},
        "compilation": {"cache_note": "ran: src/Vault.sol changed", "inputs_digest": "sha256:1"},
    }
    stages = tuple(noted(s, **changes.get(s.node.name, {})) for s in run.stages)
    return replace(run, stages=stages)


def test_each_form_says_what_was_taken() -> None:
    document = result_document(cached_run())
    stages = {stage["name"]: stage for stage in document["stages"]}
    assert stages["unit-tests"]["cached_from"] == EARLIER
    assert stages["compilation"]["inputs_digest"] == "sha256:1"
    assert taken_line(document) == f"2 stages taken from the cache, of run {EARLIER}"
    text = summary(document)
    assert f"2 stages taken from the cache, of run {EARLIER}" in text
    assert text.count("cached") >= 2
    rows = {row.name: row.cached_from for row in timeline(document).rows}
    assert (rows["unit-tests"], rows["compilation"]) == (EARLIER, "")
    assert f"the result of run {EARLIER}" in render_html(document).decode()


def test_a_run_that_took_nothing_says_nothing() -> None:
    document = result_document(passed_run())
    assert taken_line(document) == ""
    assert "from the cache" not in summary(document)


def test_each_stage_is_explained() -> None:
    lines = list(explanations(result_document(cached_run())))
    assert "compilation ran: src/Vault.sol changed" in lines
    assert f"unit-tests taken from run {EARLIER}" in lines
    assert "source-checkout ran" in lines


def test_many_runs_are_counted() -> None:
    stages = [{"name": str(n), "cached_from": f"run-{n}"} for n in range(5)]
    found = taken_line({"stages": stages})
    assert found == "5 stages taken from the cache, of runs run-0, run-1, run-2 and 2 more"
