"""`chainops runs` as a user meets it, over a workspace whose journal was written before."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from chainops.app.state import open_state
from chainops.cli.main import run
from chainops.pipeline.model import RunStatus, StageStatus
from unit.app.journals import begun, ended, finished, started, waits, went


def call(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["chainops", *arguments])
    with pytest.raises(SystemExit) as caught:
        run()
    return int(caught.value.code or 0)


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    with open_state(tmp_path) as state:
        state.journal.append("old", started(), begun("source-checkout"))
        state.journal.append(
            "new",
            started(second=60),
            begun("source-checkout"),
            ended("source-checkout", StageStatus.FAILED, reason="no"),
            begun("source-checkout", attempt=2),
            ended("source-checkout", attempt=2),
            *waits("compilation"),
            finished(RunStatus.PAUSED, 4, "compilation: a plan waits"),
        )
    folder = tmp_path / ".chainops" / "runs" / "new" / "source-checkout"
    folder.mkdir(parents=True)
    (folder / "1.log").write_bytes(b"first try\n")
    (folder / "2.log").write_bytes(b"\x1b[31msecond\x1b[0m\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_list_says_where_each_run_stands(
    workspace: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(monkeypatch, "runs", "list") == 0
    head, new, old = capsys.readouterr().out.splitlines()
    assert head.startswith("RUN  STATUS")
    assert new.startswith("new  paused")
    assert new.endswith("compilation: a plan waits")
    assert old.startswith("old  interrupted")
    assert old.endswith("nobody  source-checkout interrupted")
    assert call(monkeypatch, "runs", "list", "--json", "-n", "1") == 0
    [row] = json.loads(capsys.readouterr().out)["runs"]
    assert (row["run_id"], row["status"], row["waiting"]) == ("new", "paused", ["compilation"])


def test_show_prints_the_summary_or_the_document(
    workspace: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(monkeypatch, "runs", "show", "old") == 0
    captured = capsys.readouterr()
    assert "chainops run --run old" in captured.err
    assert "source-checkout" in captured.out
    assert call(monkeypatch, "runs", "show", "--json", "-w", str(workspace)) == 0
    assert json.loads(capsys.readouterr().out)["run_id"] == "new"


def test_logs_are_told_apart_and_freed_of_escapes(
    workspace: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(monkeypatch, "runs", "logs") == 0
    captured = capsys.readouterr()
    assert captured.out == "source-checkout | first try\nsource-checkout | second\n"
    assert captured.err == "source-checkout: attempt 2\n"
    assert call(monkeypatch, "runs", "logs", "new", "source-checkout", "-f") == 0
    captured = capsys.readouterr()
    assert captured.out == "first try\nsecond\n"
    assert captured.err.endswith("run new: paused\n")
    assert call(monkeypatch, "runs", "logs", "new", "--json") == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert rows[1] == {"stage": "source-checkout", "attempt": 2, "line": "second"}


def test_mistakes_are_told_as_everywhere(
    workspace: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(monkeypatch, "runs", "show", "zzz", "--json") == 2
    assert json.loads(capsys.readouterr().out)["errors"][0]["code"] == "ART102"
    assert call(monkeypatch, "runs", "logs", "new", "compile") == 2
    assert "did you mean `compilation`?" in capsys.readouterr().err


def test_a_run_says_what_it_does_and_what_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from chainops.core.clock import SystemClock
    from chainops.pipeline.claims import this_runner

    with open_state(tmp_path) as state:
        state.claims.claim("r", this_runner(SystemClock().now()))
        state.journal.append(
            "r",
            started(),
            *went("source-checkout"),
            *went("static-analysis", StageStatus.FAILED),
            begun("compilation"),
            *waits("unit-tests"),
        )
    assert call(monkeypatch, "runs", "list", "-w", str(tmp_path)) == 0
    row = capsys.readouterr().out.splitlines()[1]
    assert " running " in row
    assert row.endswith("static-analysis failed; compilation runs; unit-tests waits for an approval")
    assert call(monkeypatch, "runs", "show", "-w", str(tmp_path)) == 0
    assert "is being run by process" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("runs", "show", ""), "RUN"),
        (("runs", "logs", ""), "RUN"),
        (("runs", "logs", "new", ""), "STAGE"),
        (("runs", "pause", ""), "RUN"),
        (("runs", "cancel", " "), "RUN"),
        (("runs", "resume", ""), "RUN"),
        (("runs", "rerun", ""), "RUN"),
        (("runs", "rerun", "latest", "--from", ""), "--from"),
        (("approve", "", "compilation"), "RUN"),
        (("approve", "latest", ""), "STAGE"),
        (("approve", "latest", "compilation", "--digest", ""), "--digest"),
        (("run", "--run", ""), "--run"),
    ],
)
def test_what_an_unset_variable_leaves_empty_is_not_taken_for_left_out(
    workspace: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    named: str,
) -> None:
    assert call(monkeypatch, *arguments) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith(f"{named} is empty [GEN102]")
    assert "variable" in captured.err
    assert captured.out == ""


@pytest.mark.parametrize("earlier", [("--resume",), ("--run", "new")])
def test_a_run_is_either_taken_up_or_new(
    workspace: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    earlier: tuple[str, ...],
) -> None:
    assert call(monkeypatch, "run", *earlier, "--new") == 2
    assert "exclude each other [GEN102]" in capsys.readouterr().err


@pytest.mark.parametrize("limit", ["0", "-1", "100001", "999999999999999999999"])
def test_the_list_has_a_length(
    workspace: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], limit: str
) -> None:
    assert call(monkeypatch, "runs", "list", "-n", limit) == 2
    error = capsys.readouterr().err
    assert "[GEN102]" in error
    assert "'--limit' / '-n': Input should be" in error
