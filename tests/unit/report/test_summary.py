"""The summary says first what counts, and shows a stranger's words without obeying them."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from chainops.report.summary import summary

Make = Callable[[str], dict[str, Any]]


@pytest.mark.parametrize(
    ("name", "first"),
    [
        ("passed", "✓ PASSED  vault"),
        ("failed", "✗ FAILED  vault"),
        ("paused", "‖ WAITING  vault"),
        ("cancelled", "■ CANCELLED  vault"),
    ],
)
def test_the_verdict_stands_first(make: Make, name: str, first: str) -> None:
    assert summary(make(name)).startswith(first)


def test_a_failure_is_named_with_its_place_and_hint(make: Make) -> None:
    lines = summary(make("failed")).splitlines()
    assert lines[1] == "  unit-tests: 2 of 7 tests fail for one reason: assertion failed: 99 != 100 [TST201]"
    assert lines[2:5] == [
        "    at test/Vault.fuzz.t.sol:42",
        "    at test/Vault.t.sol:88",
        "    hint: both withdraw with a fee: look at FeeMath.feeOn",
    ]


def test_gates_findings_sizes_and_addresses_are_there(make: Make) -> None:
    shown = summary(make("passed"), Path("/w/.chainops/runs/r/report"))
    for words in (
        "Gates   3 of 3 passed",
        "92.4 % (≥ 90.0 %)",
        "1 low, 1 info, 1 suppressed",
        "11.2 kB, 45.5 % of the limit",
        "0x5FbDB2315678afecb367f032d93F642f64180aa3",
        "Report  /w/.chainops/runs/r/report/report.html",
    ):
        assert words in shown


def test_a_waiting_run_says_what_to_do(make: Make) -> None:
    lines = summary(make("paused")).splitlines()
    assert lines[1] == (
        "  Waiting for an approval: production-deploy: "
        "1 transaction to production-local waits for an approval"
    )
    assert lines[2] == "    hint: chainops run --run 20260304T050607-1f3a9c --approve sha256:1212"


def test_who_paused_a_run_and_who_agreed_to_what_is_told(make: Make) -> None:
    given = {"stage": "", "digest": "sha256:12", "by": "ada@host", "at": "2026-01-01T00:00:00.000Z"}
    document = {
        **make("paused"),
        "waiting_for": "paused by ada@host; go on with `chainops runs resume 2026T`",
        "approvals": [given, {**given, "stage": "production-deploy"}],
    }
    document["stages"] = [{**s, "status": "pending"} for s in document["stages"]]
    lines = summary(document).splitlines()
    assert lines[1] == "  Paused by ada@host; go on with `chainops runs resume 2026T`"
    approved = [line for line in lines if line.startswith("Approved")]
    assert approved == [
        f"Approved  {stage} by ada@host at 2026-01-01T00:00:00.000Z: sha256:12"
        for stage in ("any stage", "production-deploy")
    ]


def test_a_run_that_only_began_has_a_summary(make: Make) -> None:
    assert "RUNNING" in summary(make("empty"))


def test_it_is_short_enough_to_be_read_in_ten_seconds(any_document: dict[str, Any]) -> None:
    assert len(summary(any_document).splitlines()) <= 50


def test_strangers_words_reach_the_terminal_and_ci_as_words_only(make: Make) -> None:
    for colour in (False, True):
        shown = summary(make("hostile"), colour=colour)
        without_ours = re.sub(r"\x1b\[\d+m", "", shown)
        assert "\x1b" not in without_ours
        assert "\u202e" not in shown
        assert "\r" not in shown
        assert "##[" not in shown
        assert not [line for line in without_ours.splitlines() if line.strip().startswith("::")]


def test_colour_changes_nothing_but_the_colour(any_document: dict[str, Any]) -> None:
    assert re.sub(r"\x1b\[\d+m", "", summary(any_document, colour=True)) == summary(any_document)
