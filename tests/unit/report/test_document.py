"""result.json: its documented keys, its schema, and values that JSON cannot hold."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import samples

from chainops.pipeline.model import StageStatus
from chainops.quality.model import Measurement
from chainops.report.document import encode, result_document
from chainops.report.schema import ResultError, read_document, result_schema

Make = Callable[[str], dict[str, Any]]


def check(document: dict[str, Any]) -> None:
    validator = jsonschema.Draft202012Validator(result_schema())
    assert [f"{e.json_path}: {e.message}" for e in validator.iter_errors(document)] == []


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(result_schema())


def test_every_sample_fits_the_schema(any_document: dict[str, Any]) -> None:
    check(any_document)


def test_the_schema_refuses_what_is_not_documented(make: Make) -> None:
    document = make("passed")
    document["stages"][0]["surprise"] = 1
    with pytest.raises(AssertionError, match="surprise"):
        check(document)


def test_the_keys_that_the_issue_names_are_at_the_top(make: Make) -> None:
    document = make("failed")
    assert (document["run_id"], document["status"], document["exit_code"]) == (
        "20260304T050607-1f3a9c",
        "failed",
        1,
    )
    stage = next(s for s in document["stages"] if s["name"] == "unit-tests")
    assert stage["status"] == "failed"
    assert stage["duration_ms"] == 14_200
    assert stage["attempts"] == [
        {
            "attempt": 1,
            "status": "failed",
            "started_at": "2026-03-04T05:06:32.000Z",
            "ended_at": "2026-03-04T05:06:46.200Z",
            "duration_ms": 14_200,
            "reason": stage["reason"],
        }
    ]
    assert (stage["failure"], stage["code"]) == ("project", "TST201")
    assert [g["status"] for g in document["gates"]] == ["passed", "failed", "not_run"]
    assert {t["name"] for t in document["tools"]} == {"forge", "solc", "slither"}
    assert document["commit"]["changed_files"] == ["src/Vault.sol"]


def test_a_skipped_stage_says_why_and_has_no_time(make: Make) -> None:
    stage = next(s for s in make("failed")["stages"] if s["name"] == "contract-deploy")
    assert (stage["status"], stage["reason"]) == ("skipped", "unit-tests failed")
    assert (stage["started_at"], stage["ended_at"], stage["attempts"]) == (None, None, [])


def test_logs_are_listed_with_the_stage_that_wrote_them(make: Make) -> None:
    document = make("passed")
    compilation = next(s for s in document["stages"] if s["name"] == "compilation")
    assert [a["name"] for a in compilation["artifacts"]] == ["contracts/Vault.json", "logs/compilation.log"]
    assert len(document["artifacts"]) == 3


def test_infinities_and_broken_names_do_not_break_the_json() -> None:
    odd = Measurement(name="gas.total", value=float("inf"), unit="gas", subject="src/\udcff.sol")
    stage = samples.stage("compilation", samples.outcome("compilation", metrics=(odd,)))
    document = result_document(replace(samples.passed_run(), stages=(stage,)))
    check(document)
    again = json.loads(encode(document))
    assert again["stages"][0]["metrics"][0]["value"] is None
    assert again["stages"][0]["metrics"][0]["subject"] == "src/?.sol"


def test_a_running_stage_has_no_end() -> None:
    running = samples.stage("compilation", samples.outcome("compilation", StageStatus.RUNNING))
    document = result_document(replace(samples.passed_run(), stages=(running,)))
    assert document["stages"][0]["ended_at"] is None


def test_it_is_read_back_as_it_was_written(any_document: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "result.json"
    path.write_bytes(encode(any_document))
    assert read_document(path) == any_document


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"{", "not JSON"),
        (b"[]", "should be an object"),
        (b"{}", "no schema_version"),
        (b"\xff\xfe", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b'{"schema_version":99,"run_id":"","status":"","stages":[],"gates":[],"artifacts":[]}', "form 99"),
    ],
)
def test_what_is_no_result_is_refused_in_words(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "result.json"
    path.write_bytes(content)
    with pytest.raises(ResultError, match=re.escape(words)):
        read_document(path)


def test_a_missing_result_says_why_it_may_be(tmp_path: Path) -> None:
    with pytest.raises(ResultError, match="does not exist"):
        read_document(tmp_path / "result.json")
