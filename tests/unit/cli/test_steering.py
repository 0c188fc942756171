"""`chainops runs pause|cancel` and `chainops approve` as a user meets them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from chainops.app.state import open_state
from chainops.core.clock import SystemClock
from chainops.pipeline.claims import this_runner
from chainops.pipeline.fold import reduce
from chainops.pipeline.model import RunRecord, RunStatus
from unit.app.journals import DIGEST, begun, finished, started, waits
from unit.cli.test_runs import call


@pytest.fixture
def waiting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    with open_state(tmp_path) as state:
        state.journal.append(
            "r1", started(), *waits("compilation"), finished(RunStatus.PAUSED, 4, "compilation: a plan waits")
        )
    monkeypatch.chdir(tmp_path)
    return tmp_path


def record(workspace: Path) -> RunRecord:
    with open_state(workspace) as state:
        return reduce("r1", state.journal.read("r1"))


def test_an_approval_names_its_digest_and_is_stored(
    waiting: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(monkeypatch, "approve", "r1", "compilation", "--digest", DIGEST, "--by", "ada\x1b[31m") == 0
    captured = capsys.readouterr()
    assert captured.out.startswith("compilation of run r1 is approved by ada since ")
    assert captured.err == "go on with `chainops runs resume r1`\n"
    [given] = record(waiting).approvals
    assert (given.stage, given.digest, given.by) == ("compilation", DIGEST, "ada")
    # once more changes nothing
    assert call(monkeypatch, "approve", "r1", "compilation", "--yes", "--json") == 0
    assert json.loads(capsys.readouterr().out)["by"] == "ada"
    assert len(record(waiting).approvals) == 1


def test_without_a_terminal_consent_has_to_be_said(
    waiting: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(monkeypatch, "approve", "r1", "compilation") == 2
    captured = capsys.readouterr()
    assert f"  plan {DIGEST}" in captured.err
    assert "[RUN110]" in captured.err
    assert record(waiting).approvals == ()
    assert call(monkeypatch, "approve", "r1", "compilation", "--yes") == 0
    assert record(waiting).approvals[0].by.count("@") == 1


def test_a_run_that_goes_on_elsewhere_is_not_resumed_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with open_state(tmp_path) as state:
        state.claims.claim("r1", this_runner(SystemClock().now()))
        state.journal.append("r1", started(), *waits("compilation"), begun("static-analysis"))
    arguments = ("approve", "r1", "compilation", "--yes", "--resume", "-w", str(tmp_path))
    assert call(monkeypatch, *arguments) == 0
    assert "resume" not in capsys.readouterr().err
    assert call(monkeypatch, "runs", "pause", "r1", "--wait", "0", "-w", str(tmp_path)) == 0
    assert "asked to pause, which it does when static-analysis has ended" in capsys.readouterr().out
    assert record(tmp_path).pause_requested


def test_a_run_is_given_up(
    waiting: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (waiting / ".chainops" / "runs" / "r1").mkdir(parents=True)
    assert call(monkeypatch, "runs", "cancel", "r1") == 0
    assert capsys.readouterr().out == "run r1: cancelled\n"
    assert (waiting / ".chainops" / "runs" / "r1" / "report" / "result.json").is_file()
    assert call(monkeypatch, "runs", "cancel", "r1", "--json") == 2
    assert json.loads(capsys.readouterr().out)["errors"][0]["code"] == "RUN106"
    assert call(monkeypatch, "approve", "r1", "compilation", "--yes") == 2


def test_contradictions_are_mistakes_of_usage(
    waiting: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(monkeypatch, "runs", "rerun", "r1", "--failed", "--from", "compilation") == 2
    assert "exclude each other" in capsys.readouterr().err
