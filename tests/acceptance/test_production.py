"""Production waits for an approval of exactly what will be done."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from acceptance.harness import CHAINOPS, COUNTER_CONFIG, chainops, environment

pytestmark = pytest.mark.acceptance

#: production alone: the stages before it are covered elsewhere
CONFIG = (
    COUNTER_CONFIG.replace("  min_test_coverage: {measure: lines, value: 0.9}\n", "")
    .replace("  max_complexity_score: 10\n", "")
    .replace("  security_scan_required: true\n  fail_on: high\n", "")
    + "networks: {live: {kind: embedded, chain_id: 31338, production: true}}\n"
    + "foundry: {coverage: false, gas: false, integration_path: 'test/integration/**'}\n"
    + "stages: {security-scan: {enabled: false}, static-analysis: {enabled: false}}\n"
)


def test_a_run_pauses_before_production_and_goes_on_with_the_right_digest(
    counter: Callable[..., Path],
) -> None:
    project = counter(config=CONFIG)
    first = chainops("run", project, "--json")
    assert first.code == 4, first.err
    waiting = first.stage("production-deploy")
    assert (first.result["status"], waiting["status"]) == ("paused", "waiting")
    digest = waiting["outputs"]["plan_digest"]
    assert f"--approve {digest}" in waiting["hint"]

    wrong = chainops("run", project, "--resume", "--approve", "sha256:" + "0" * 64, "--json")
    assert wrong.code == 4
    assert wrong.stage("production-deploy")["outputs"]["plan_digest"] == digest

    right = chainops("run", project, "--resume", "--approve", digest, "--json")
    assert right.code == 0, right.err
    assert right.result["run_id"] == first.result["run_id"]
    deployed = right.stage("production-deploy")["outputs"]
    assert deployed["network"] == "live"
    assert all(contract["code_matches"] for contract in deployed["contracts"])
    for name in ("compilation", "unit-tests", "contract-deploy"):  # nothing that had finished ran again
        assert len(right.stage(name)["attempts"]) == 1
    assert chainops("run", project, "--resume").code == 2


def test_code_that_failed_its_tests_cannot_reach_production_through_an_earlier_run(
    counter: Callable[..., Path],
) -> None:
    project = counter(config=CONFIG)
    tested = chainops("run", project, "--json")
    assert tested.code == 4, tested.err
    run_id = tested.result["run_id"]

    source = project / "src" / "Counter.sol"
    good = source.read_text()
    source.write_text(good.replace("_set(number + 1)", "_set(number + 2)"))
    assert source.read_text() != good
    failing = chainops("run", project, "--json")
    assert failing.stage("unit-tests")["status"] == "failed"

    # whatever is approved, with the changed tree nothing is gone on with
    digest = tested.stage("production-deploy")["outputs"]["plan_digest"]
    for approval in ((), ("--approve", digest)):
        refused = chainops("run", project, "--run", run_id, *approval)
        assert refused.code == 2
        assert "src/Counter.sol" in refused.err
        assert "start a new run" in refused.err

    # with the tree back, what the failed run left in the shared build is still not what was tested
    source.write_text(good)
    stale = chainops("run", project, "--run", run_id, "--approve", digest, "--json")
    assert stale.code == 3
    production = stale.stage("production-deploy")
    assert (production["status"], production["code"]) == ("failed", "DPL302")
    assert "src/Counter.sol:Counter" in production["reason"]
    assert not production["outputs"].get("transactions")


@pytest.mark.parametrize("digest", ["0" * 64, "sha256:12", "sha256:" + "x" * 64])
def test_an_approval_that_is_no_digest_is_a_mistake_of_usage(
    digest: str, counter: Callable[..., Path]
) -> None:
    ran = chainops("run", counter(config=CONFIG), "--approve", digest)
    assert ran.code == 2
    assert "[RUN104]" in ran.err


def test_production_can_be_left_out(counter: Callable[..., Path]) -> None:
    ran = chainops("run", counter(config=CONFIG), "--no-production", "--json")
    assert ran.code == 0, ran.err
    assert ran.stage("production-deploy")["status"] == "skipped"
    assert "--no-production" in ran.stage("production-deploy")["reason"]


def test_a_run_that_waits_can_be_ended_without_production(counter: Callable[..., Path]) -> None:
    project = counter(config=CONFIG)
    assert chainops("run", project, "--json").code == 4
    ended = chainops("run", project, "--resume", "--no-production", "--json")
    assert ended.code == 0, ended.err
    production = ended.stage("production-deploy")
    assert (production["status"], production["reason"]) == ("skipped", "--no-production")
    assert "--approve" not in ended.out
    assert (ended.result["status"], ended.result["waiting_for"]) == ("success", "")
    assert chainops("run", project, "--resume").code == 2  # it has ended for good


@pytest.mark.parametrize(("answer", "code"), [("yes", 0), ("no", 4), ("\x04", 4), ("SIGINT", 4)])
def test_a_terminal_shows_the_plan_and_asks(
    answer: str, code: int, counter: Callable[..., Path], tmp_path: Path
) -> None:
    project = counter(config=CONFIG)
    ours, theirs = pty.openpty()
    run = subprocess.Popen(
        [CHAINOPS, "run", str(project)],
        stdin=theirs,
        stderr=theirs,
        stdout=subprocess.PIPE,
        env=environment({"TERM": "xterm", "COLUMNS": "100"}),
    )
    os.close(theirs)
    seen = b""
    while b"type `yes`" not in seen:
        seen += os.read(ours, 4096)
    if answer == "SIGINT":
        run.send_signal(signal.SIGINT)
    else:
        os.write(ours, answer.encode() + b"\n")
    assert run.stdout is not None
    while run.poll() is None:  # a terminal that nobody reads would block the run
        try:
            seen += os.read(ours, 4096)
        except OSError:  # the other side was closed
            break
    assert run.wait(timeout=120) == code
    os.close(ours)
    assert b"production deployment to live" in seen
    for shown in (b"chain 31338", b"by 0x", b"src/Counter.sol:Counter(1000)", b"code sha256:"):
        assert shown in seen
    assert b"Traceback" not in seen
    run.stdout.close()
    result = next(project.glob(".chainops/runs/*/report/result.json"))
    assert json.loads(result.read_text())["exit_code"] == code
