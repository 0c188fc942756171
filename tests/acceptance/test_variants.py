"""Each variant is wrong in one way and is stopped there, with a message that names file and line."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from acceptance.harness import COUNTER_CONFIG, Ran, chainops

pytestmark = pytest.mark.acceptance


@dataclass(frozen=True, kw_only=True)
class Expected:
    """Where a variant is stopped: by a stage that fails, or by a gate on a stage that succeeds."""

    stage: str
    gate: str = ""
    #: must be among the places that the stage or gate names
    place: str
    #: must be in the reason, message or a finding
    words: str
    #: a stage beside it that cannot work on this project either
    also: str = ""


VARIANTS = {
    "compile-error": Expected(
        stage="compilation",
        place="src/Counter.sol:",
        words="Undeclared identifier",
    ),
    "failing-test": Expected(stage="unit-tests", place="test/Ratio.t.sol:", words="fail"),
    "fuzz-counterexample": Expected(stage="unit-tests", place="test/Counter.t.sol:47", words="2500"),
    "low-coverage": Expected(
        stage="unit-tests", gate="min_test_coverage", place="src/Bank.sol:", words="40.6"
    ),
    "huge-contract": Expected(
        stage="compilation", gate="max_contract_size", place="src/Sine.sol:6", words="30,179"
    ),
    "reentrancy": Expected(
        stage="security-scan", gate="security_scan_required", place="src/Bank.sol:", words="reentrancy-eth"
    ),
    "complexity-15": Expected(
        stage="static-analysis", gate="max_complexity_score", place="src/Grade.sol:", words="15"
    ),
    "missing-library": Expected(
        stage="dependency-install", place="src/Bank.sol:4", words="fixed-math/=lib/fixed-math/src/"
    ),
    "deploy-reverts": Expected(stage="contract-deploy", place="chainops.yaml:", words="revert"),
    "smoke-fails": Expected(stage="smoke-tests", place="chainops.yaml:", words="version"),
}


@pytest.mark.parametrize("name", VARIANTS)
def test_variant_is_stopped_at_its_stage_with_file_and_line(name: str, counter: Callable[..., Path]) -> None:
    expected = VARIANTS[name]
    ran = chainops("run", counter(f"variants/{name}"), "--json")
    assert ran.code == 1, ran.err
    assert expected.place in evidence_places(ran, expected), ran.stage(expected.stage)
    assert expected.words in evidence_words(ran, expected)
    assert_only_downstream_is_skipped(ran, expected)


def test_gas_regression_is_stopped_by_the_committed_baseline(counter: Callable[..., Path]) -> None:
    config = COUNTER_CONFIG.replace(
        "  fail_on: high\n", "  fail_on: high\n  gas_optimization_threshold: 2%\n"
    )
    project = counter(config=config)
    first = chainops("run", project, "--json")
    assert first.code == 1  # the gate is asked for and has nothing to compare with
    assert chainops("baseline", "update", project).code == 0
    assert chainops("run", project, "--json").code == 0

    expected = Expected(
        stage="unit-tests", gate="gas_optimization_threshold", place="src/Counter.sol:", words="Counter"
    )
    ran = chainops("run", counter("variants/gas-regression", config=config), "--json")
    assert ran.code == 1, ran.err
    assert expected.place in evidence_places(ran, expected)
    assert expected.words in evidence_words(ran, expected)
    assert_only_downstream_is_skipped(ran, expected)


def test_base_project_passes_every_stage_and_gate(counter: Callable[..., Path]) -> None:
    ran = chainops("run", counter(), "--json")
    assert ran.code == 0, ran.err
    statuses = ran.statuses()
    assert statuses.pop("production-deploy") == "skipped"
    assert set(statuses.values()) == {"success"}
    assert all(gate["passed"] for gate in ran.result["gates"])
    assert len(ran.stage("contract-deploy")["outputs"]["contracts"]) == 3  # the library was linked


def evidence_places(ran: Ran, expected: Expected) -> str:
    """All places that the failing stage or gate names, a line each."""
    if expected.gate:
        # gates on stages that were skipped because of this one have not run; one alone has failed
        gates = [g for g in ran.result["gates"] if g["status"] == "failed"]
        assert [g["gate"] for g in gates] == [expected.gate]
        places = [g["place"] for g in gates]
    else:
        places = ran.stage(expected.stage)["places"]
    named = [p for p in places if p]
    # what stops a run is always somewhere that an editor can be opened at
    assert named
    assert all(p["line"] > 0 for p in named), named
    return "\n".join(f"{p['path']}:{p['line']}" for p in named)


def evidence_words(ran: Ran, expected: Expected) -> str:
    """What the failing stage, its findings or its gate say."""
    stage = ran.stage(expected.stage)
    texts = [stage["reason"], stage["hint"], *(f"{f['rule']} {f['message']}" for f in stage["findings"])]
    texts += [str(case) for case in stage["outputs"].get("cases", ())]
    texts += [gate["message"] for gate in ran.result["gates"] if not gate["passed"]]
    return "\n".join(texts)


def assert_only_downstream_is_skipped(ran: Ran, expected: Expected) -> None:
    """The stage stopped it: nothing on a chain happened after it, siblings finished."""
    statuses = ran.statuses()
    assert statuses[expected.stage] == ("success" if expected.gate else "failed")
    order = list(statuses)
    later = order[order.index(expected.stage) + 1 :]
    chain_stages = [s for s in ("contract-deploy", "smoke-tests", "production-deploy") if s in later]
    assert {statuses[s] for s in chain_stages} <= {"skipped"}
    others = [s for s in order if s not in (*chain_stages, expected.stage, expected.also)]
    assert "running" not in {statuses[s] for s in others}
    assert "failed" not in {statuses[s] for s in others}
