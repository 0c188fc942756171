"""Interrupted and killed at random moments: nothing is left, and a resumed run ends as it would have."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from acceptance.harness import CHAINOPS, Ran, chainops, environment

pytestmark = [pytest.mark.acceptance, pytest.mark.chaos]

ROUNDS = 12


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
    seed = os.environ.get("CHAOS_SEED") or f"{random.SystemRandom().randrange(10**8)}"
    sys.stdout.write(f"CHAOS_SEED={seed}\n")
    moments = random.Random(f"{seed}/{sign.name}")
    project = counter()
    undisturbed, lengths_s = chainops("run", project, "--json"), {}
    assert undisturbed.code == 0, undisturbed.err
    for cache in ((), ("--no-cache",)):
        started_s = time.monotonic()
        assert chainops("run", project, "--json", *cache).code == 0
        lengths_s[cache] = time.monotonic() - started_s
    ended = 0
    for number in range(3 * ROUNDS):
        cache = ((), ("--no-cache",))[number % 2]
        moment_s = moments.uniform(0.2, lengths_s[cache])
        sys.stdout.write(f"round {number} {cache}: after {moment_s:.3f} s\n")
        ended += end_and_resume(project, sign, moment_s, cache, undisturbed)
        if ended == ROUNDS:
            return
    raise AssertionError(f"only {ended} of {ROUNDS} runs could be ended before they were done")


def end_and_resume(
    project: Path, sign: signal.Signals, moment_s: float, cache: tuple[str, ...], undisturbed: Ran
) -> bool:
    """End a run at that moment and take it up again; return whether it was ended before it was done."""
    arguments = ["run", str(project), "--json", *cache]
    run = subprocess.Popen([CHAINOPS, *arguments], env=environment(), stdout=subprocess.PIPE)
    try:
        out, _ = run.communicate(timeout=moment_s)
    except subprocess.TimeoutExpired:
        run.send_signal(sign)
        out, _ = run.communicate(timeout=30)
    if sign is signal.SIGINT:
        assert run.returncode in (0, 130)
        assert left(project) == []
    if run.returncode == 0:
        return False
    logs = {p: p.read_bytes() for p in project.glob(".chainops/runs/*/*/*.log")}
    resumed = chainops("run", project, "--resume", "--json", *cache)
    if resumed.code == 2:  # it was ended before its start was journaled
        assert sign is signal.SIGKILL or not out or json.loads(out)["status"] == "cancelled"
        return False
    assert resumed.code == 0, resumed.err
    assert resumed.statuses() == undisturbed.statuses()
    assert contracts(resumed.result) == contracts(undisturbed.result)
    for stage in resumed.result["stages"]:
        assert [a["status"] for a in stage["attempts"]].count("success") <= 1
    assert sent(project, resumed) == sent(project, undisturbed)
    assert all(path.read_bytes().startswith(log) for path, log in logs.items()), "a log was cut"
    assert left(project) == []
    return True


def sent(project: Path, ran: Ran) -> tuple[list[tuple[str, int]], int]:
    """What the deployment's journal says was signed, and how many transactions its chain holds."""
    folder = project / ".chainops" / "runs" / ran.result["run_id"]
    (journal,) = folder.glob("contract-deploy/journal-*.jsonl")
    entries = [json.loads(line) for line in journal.read_text().splitlines()]
    (chain,) = folder.glob("chain-*.json")
    signed = [(e["label"], e["nonce"]) for e in entries if e["event"] == "signed"]
    return signed, len(json.loads(chain.read_bytes())["transactions"])


def contracts(result: dict[str, object]) -> object:
    """What is on the chain at the end."""
    stages = result["stages"]
    assert isinstance(stages, list)
    deploy = next(s for s in stages if s["name"] == "contract-deploy")
    return [(c["name"], c["address"], c["code_digest"]) for c in deploy["outputs"]["contracts"]]
