"""Runs are steered from other terminals, outlive their runners, and wait for people."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from acceptance.harness import CHAINOPS, COUNTER_CONFIG, Ran, chainops, environment
from acceptance.test_chaos import left
from chainops.report.schema import result_schema

pytestmark = pytest.mark.acceptance

OFF = (
    "compilation",
    "unit-tests",
    "static-analysis",
    "security-scan",
    "integration-tests",
    "contract-deploy",
    "smoke-tests",
    "production-deploy",
)
#: the first two stages alone: a run is over in less than a second
QUICK = "quality_gates: {}\nstages:\n" + "".join(f"  {name}: {{enabled: false}}\n" for name in OFF)

#: a Git that says that it began and goes on only when it may, with a child that has left the process group;
#: neither ends when it is asked to
GATE = """\
#!/bin/bash
here=$(dirname "$0")
if [ ! -e "$here/open" ]; then
  trap '' INT TERM HUP
  setsid bash -c "trap '' INT TERM HUP; touch '$here/begun'
    while [ ! -e '$here/open' ]; do sleep 0.1; done" &
  echo "waiting at the gate" >&2
  while [ ! -e "$here/open" ]; do sleep 0.05; done
fi
exec /usr/bin/env -u BASH_ENV PATH="${PATH#"$here":}" git "$@"
"""


class Gate:
    """Holds up the first stage of every run that is started with its environment, until it is opened."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        (folder / "git").write_text(GATE)
        (folder / "git").chmod(0o755)
        self.env = {"PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"}

    def open(self) -> None:
        (self.folder / "open").touch()

    def close(self) -> None:
        for name in ("open", "begun"):
            (self.folder / name).unlink(missing_ok=True)

    def reached(self) -> bool:
        return (self.folder / "begun").exists()


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Gate]:
    made = Gate(tmp_path / "gate")
    yield made
    made.open()  # whoever is left waiting ends


def until(condition: Callable[[], object], limit_s: float = 30.0) -> None:
    """Look again and again; fail when it does not come true."""
    deadline = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < deadline, "what was waited for did not happen"
        time.sleep(0.02)


@contextmanager
def started(*arguments: str | Path, env: Mapping[str, str]) -> Iterator[subprocess.Popen[str]]:
    """A command in another terminal; killed at the end if it has not ended."""
    process = subprocess.Popen(
        [CHAINOPS, *map(str, arguments)],
        env=environment(env),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def runs(command: str, project: Path, *arguments: str, run: str = "latest") -> Ran:
    named = () if command == "list" else (run,)
    return chainops("runs", command, *named, *arguments, "-w", project)


def listed(project: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = runs("list", project, "--json").result["runs"]
    return found


def test_a_run_is_followed_paused_and_resumed_from_another_terminal(
    counter: Callable[..., Path], gate: Gate
) -> None:
    project = counter(config=QUICK)
    with started("run", project, "--json", env=gate.env) as run:
        until(gate.reached)
        [row] = listed(project)
        assert (row["status"], row["running"]) == ("running", ["source-checkout"])
        assert row["runner"]["pid"] == run.pid
        shown = runs("show", project, "--json")
        jsonschema.validate(shown.result, result_schema())
        assert shown.result["status"] == "running"
        with started("runs", "logs", "-f", "-w", project, env={}) as following:
            asked = runs("pause", project, "--wait", "0", "--json")
            assert (asked.code, asked.result["obeyed"]) == (0, False)
            gate.open()
            assert run.wait(60) == 4
            out, err = following.communicate(timeout=30)
        assert following.returncode == 0
        assert "source-checkout    | waiting at the gate\n" in out
        assert "source-checkout    | foundry project in" in out
        assert err.endswith(": paused\n")
        result = json.loads(run.communicate()[0])
    assert result["status"] == "paused"
    assert result["waiting_for"].startswith(f"paused by {asked.result['requested_by']}")
    assert {s["name"]: s["status"] for s in result["stages"][:2]} == {
        "source-checkout": "success",
        "dependency-install": "pending",
    }
    again = runs("pause", project)
    assert (again.code, "[RUN106]" in again.err) == (2, True)

    resumed = runs("resume", project, "--json")
    assert resumed.code == 0, resumed.err
    assert resumed.result["run_id"] == result["run_id"]
    assert [len(s["attempts"]) for s in resumed.result["stages"][:2]] == [1, 1]
    assert runs("show", project, "--json").result == resumed.result
    for command in ("cancel", "pause", "resume"):
        refused = runs(command, project, "--json")
        assert refused.code == 2
        assert refused.result["errors"][0]["hint"]


def test_cancel_ends_within_five_seconds_what_does_not_want_to_end(
    counter: Callable[..., Path], gate: Gate
) -> None:
    project = counter(config=QUICK)
    with started("run", project, "--json", env=gate.env) as run:
        until(gate.reached)
        assert len(left(project)) >= 2
        began = time.monotonic()
        cancelled = runs("cancel", project, "--json")
        took_s = time.monotonic() - began
        assert left(project) == []
        assert cancelled.code == 0, cancelled.err
        assert (cancelled.result["status"], cancelled.result["obeyed"]) == ("cancelled", True)
        assert took_s < 5
        assert run.wait(10) == 130
        assert json.loads(run.communicate()[0])["stages"][0]["status"] == "cancelled"


def test_a_run_whose_runner_was_killed_is_found_and_taken_up_by_itself_in_ci(
    counter: Callable[..., Path], gate: Gate
) -> None:
    project = counter(config=QUICK)
    with started("run", project, env=gate.env) as run:
        until(gate.reached)
        run.send_signal(signal.SIGKILL)
        run.wait()
    [row] = listed(project)
    assert (row["status"], row["runner"]["alive"]) == ("interrupted", False)
    assert left(project)
    nothing = runs("pause", project)
    assert (nothing.code, "nobody runs" in nothing.err) == (2, True)

    fresh = chainops(
        "run", project, "--json"
    )  # elsewhere than in CI it is offered, and its orphans are ended
    assert fresh.code == 0, fresh.err
    assert fresh.result["run_id"] != row["run_id"]
    assert f"`chainops run --run {row['run_id']}` takes it up again" in fresh.err
    assert f"that run {row['run_id']} had left" in fresh.err
    assert left(project) == []

    taken_up = chainops("run", project, "--json", env={"CI": "true"})
    assert taken_up.code == 0, taken_up.err
    assert taken_up.result["run_id"] == row["run_id"]
    assert f"run {row['run_id']} was interrupted: it is taken up again" in taken_up.err
    assert [a["status"] for a in taken_up.stage("source-checkout")["attempts"]] == ["lost", "success"]
    assert taken_up.statuses() == fresh.statuses()
    assert listed(project)[-1]["status"] == "success"


def test_a_dead_run_is_not_taken_up_under_other_settings_and_can_be_closed(
    counter: Callable[..., Path], gate: Gate
) -> None:
    project = counter(config=QUICK)
    with started("run", project, env=gate.env) as run:
        until(gate.reached)
        with started("run", project, "--resume", env={}) as second:  # at once: one wins, the other says so
            _, err = second.communicate(timeout=30)
            assert second.returncode == 3
            assert f"process {run.pid}" in err
        run.send_signal(signal.SIGKILL)
        run.wait()
    [row] = listed(project)
    (project / "chainops.yaml").write_text(QUICK.replace("{}", "{max_complexity_score: 9}"))
    fresh = chainops("run", project, "--json", env={"CI": "true"})
    assert fresh.result["run_id"] != row["run_id"]
    assert "`quality_gates`; a new run is started" in fresh.err

    closed = runs("cancel", project, "--json", run=row["run_id"])
    assert (closed.code, closed.result["status"]) == (0, "cancelled")
    report = json.loads((project / ".chainops/runs" / row["run_id"] / "report/result.json").read_text())
    assert (report["status"], report["stages"][0]["status"]) == ("cancelled", "lost")
    assert runs("cancel", project, run=row["run_id"]).code == 2


def test_any_stage_can_wait_for_an_approval_that_outlives_its_runner(counter: Callable[..., Path]) -> None:
    approval = QUICK + "  dependency-install: {approval: true}\n"
    project = counter(config=approval)
    first = chainops("run", project, "--json")
    assert first.code == 4, first.err
    waiting = first.stage("dependency-install")
    digest = waiting["outputs"]["plan_digest"]
    assert waiting["outputs"]["tree_digest"] == first.result["commit"]["tree_digest"]
    assert chainops("run", project, "--resume", "--json").code == 4  # nobody has agreed

    asked = chainops("approve", "latest", "dependency-install", "-w", project)
    assert (asked.code, f"--digest {digest}" in asked.err) == (2, True)
    other = chainops(
        "approve", "latest", "dependency-install", "--digest", "sha256:" + "0" * 64, "-w", project
    )
    assert (other.code, "[RUN109]" in other.err, digest in other.err) == (2, True, True)
    early = chainops("approve", "latest", "source-checkout", "--yes", "-w", project)
    assert (early.code, "[RUN108]" in early.err) == (2, True)

    given = chainops(
        "approve", "latest", "dependency-install", "--digest", digest, "--by", "ada", "-w", project, "--json"
    )
    assert (given.code, given.result["by"]) == (0, "ada")
    shown = runs("show", project, "--json").result
    jsonschema.validate(shown, result_schema())
    assert [(a["stage"], a["digest"], a["by"]) for a in shown["approvals"]] == [
        ("dependency-install", digest, "ada")
    ]
    assert "approved; `chainops runs resume" in listed(project)[0]["waiting_for"]
    resumed = chainops(
        "approve", "latest", "dependency-install", "--yes", "--resume", "-w", project, "--json"
    )
    assert resumed.code == 0, resumed.err
    assert resumed.stage("dependency-install")["status"] == "success"
    assert len(resumed.result["approvals"]) == 1
    assert "was approved by ada" in runs("logs", project, "dependency-install").out


def test_stages_run_again_and_no_transaction_is_sent_twice(counter: Callable[..., Path]) -> None:
    config = COUNTER_CONFIG[COUNTER_CONFIG.index("deploy:") :] + (
        "foundry: {coverage: false, gas: false}\n"
        "stages: {security-scan: {enabled: false}, static-analysis: {enabled: false},"
        " integration-tests: {enabled: false}}\n"
    )
    project = counter(config=config)
    first = chainops("run", project, "--json")
    assert first.code == 0, first.err
    journal = project / ".chainops/runs" / first.result["run_id"] / "contract-deploy/journal-embedded.jsonl"
    sent = journal.read_bytes()
    nothing = runs("rerun", project, "--failed")
    assert (nothing.code, "[RUN107]" in nothing.err) == (2, True)

    again = runs("rerun", project, "--from", "contract-deploy", "--json")
    assert again.code == 0, again.err
    attempts = {s["name"]: len(s["attempts"]) for s in again.result["stages"]}
    assert (attempts["compilation"], attempts["contract-deploy"], attempts["smoke-tests"]) == (1, 2, 2)
    before, after = (ran.stage("contract-deploy")["outputs"] for ran in (first, again))
    assert (after["transactions"], after["contracts"]) == (before["transactions"], before["contracts"])
    assert journal.read_bytes() == sent

    (project / "src" / "Counter.sol").write_text(
        "// changed\n" + (project / "src" / "Counter.sol").read_text()
    )
    refused = runs("rerun", project)
    assert refused.code == 2
    assert "src/Counter.sol" in refused.err
    assert "start a new run" in refused.err
