"""Interrupted and killed at random moments: nothing is left, and a resumed run ends as it would have."""

from __future__ import annotations

import contextlib
import json
import random
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from acceptance.harness import CHAINOPS, chainops, environment

pytestmark = [pytest.mark.acceptance, pytest.mark.chaos]

ROUNDS = 12
#: an undisturbed run of the counter project takes about this long
LENGTH_S = 12.0


def left(project: Path) -> list[int]:
    """Processes that a run of this project has started."""
    marks = [f"CHAINOPS_ATTEMPT={run.name}/".encode() for run in project.glob(".chainops/runs/*")]
    found = []
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            environ = (entry / "environ").read_bytes() if entry.name.isdigit() else b""
            if any(mark in environ for mark in marks):
                found.append(int(entry.name))
    return found


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGKILL])
def test_a_run_ended_at_any_moment_goes_on_to_the_same_result(
    sign: signal.Signals, counter: Callable[..., Path]
) -> None:
    moments = random.Random(20260101)
    project = counter()
    undisturbed = chainops("run", project, "--json")
    assert undisturbed.code == 0, undisturbed.err
    for _ in range(ROUNDS):
        arguments = ["run", str(project), "--json"]
        run = subprocess.Popen([CHAINOPS, *arguments], env=environment(), stdout=subprocess.PIPE)
        try:
            out, _ = run.communicate(timeout=moments.uniform(0.3, LENGTH_S))
        except subprocess.TimeoutExpired:
            run.send_signal(sign)
            out, _ = run.communicate(timeout=30)
        if sign is signal.SIGINT:
            assert run.returncode in (0, 130)
            assert left(project) == []
        if run.returncode == 0:
            continue
        resumed = chainops("run", project, "--resume", "--json")
        if resumed.code == 2:  # it was ended before its start was journaled
            assert sign is signal.SIGKILL or not out or json.loads(out)["status"] == "cancelled"
            continue
        assert resumed.code == 0, resumed.err
        assert resumed.statuses() == undisturbed.statuses()
        assert contracts(resumed.result) == contracts(undisturbed.result)
        assert all(
            [a["status"] for a in stage["attempts"]].count("success") <= 1
            for stage in resumed.result["stages"]
        )
        assert left(project) == []


def contracts(result: dict[str, object]) -> object:
    """What is on the chain at the end."""
    stages = result["stages"]
    assert isinstance(stages, list)
    deploy = next(s for s in stages if s["name"] == "contract-deploy")
    return [(c["name"], c["address"], c["code_digest"]) for c in deploy["outputs"]["contracts"]]
