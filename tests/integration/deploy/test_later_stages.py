"""Integration tests, smoke tests and production on real chains, one after another as in a run."""

from __future__ import annotations

import json

import pytest

from chainops.chains.settings import NetworkSettings, networks_from
from chainops.deploy.manifest import load_manifest
from chainops.deploy.model import Where
from chainops.deploy.ports import MemoryApprovals
from chainops.deploy.settings import DeploySettings, SmokeSettings
from chainops.pipeline.model import FailureKind, StageStatus
from chainops.stages.contract_deploy import ContractDeployStage
from chainops.stages.integration_tests import IntegrationTestsStage
from chainops.stages.production_deploy import ProductionDeployStage
from chainops.stages.smoke_tests import SmokeTestsStage

pytestmark = pytest.mark.integration

CONFIG = """\
networks:
  main: {kind: embedded, chain_id: 31338, production: true}
deploy:
  contracts:
    - contract: Counter
      args: {limit: 1000}
    - contract: Bank
  networks:
    main:
      contracts:
        Counter: {args: [500]}
smoke_tests:
  - name: the limit is what was asked for
    contract: Counter
    function: LIMIT
    expect: 1000
  - name: the interface is version 1
    contract: Counter
    function: version
    expect: 1
  - contract: Counter
    function: setNumber
    args: [1001]
    reverts: {error: AboveLimit, args: {value: 1001, limit: 1000}}
  - contract: Bank
    function: deposit
    value: 0.5 ether
    emits: {event: Deposited, args: {account: "${account}", amount: 0.5 ether}}
  - contract: Bank
    function: balanceOf
    args: ["${account}"]
    expect: 500000000000000000
"""

NETWORKS = networks_from(
    {"main": NetworkSettings.model_validate({"kind": "embedded", "chain_id": 31338, "production": True})}
)


def wired(bench, text: str = CONFIG):
    document = bench.document(text)
    source = load_manifest(
        DeploySettings.model_validate(document.data["deploy"]), document, networks=frozenset(NETWORKS)
    )
    checks = [SmokeSettings.model_validate(one) for one in document.data["smoke_tests"]]
    deploy = ContractDeployStage(source=source, network=NETWORKS["embedded"], ports=bench.ports())
    smoke = SmokeTestsStage(
        checks=checks,
        where=Where(document, ("smoke_tests",)),
        network=NETWORKS["embedded"],
        ports=bench.ports(),
    )
    return deploy, smoke, source


async def deployed(bench, deploy) -> None:
    outcome = await deploy.run(bench.context("contract-deploy"))
    assert outcome.status is StageStatus.SUCCESS, outcome
    bench.upstream["contract-deploy"] = outcome


async def test_integration_tests_run_against_a_fresh_chain(counter):
    stage = IntegrationTestsStage(toolchain=counter.toolchain(), chains=counter.chains())
    outcome = await stage.run(counter.context("integration-tests"))

    assert outcome.status is StageStatus.SUCCESS, (outcome, bytes(counter.log).decode()[-3000:])
    assert outcome.outputs["tests"] == {"total": 3, "passed": 3, "failed": 0, "skipped": 0}
    assert outcome.outputs["chain"] == {"kind": "anvil", "chain_id": 31337, "block": 0}
    (report,) = outcome.artifacts
    assert (report.name, report.kind) == ("integration-tests/tests.json", "test-report")
    kept = json.loads(counter.artifacts.files[report.name])
    assert sum(len(suite["test_results"]) for suite in kept.values()) == 3


async def test_integration_tests_run_against_a_fork_that_keeps_its_chain_id(counter):
    async with counter.chains().fresh(
        NETWORKS["main"], scratch=counter.root / "upstream", marker="", log=lambda _: None
    ) as upstream:
        stage = IntegrationTestsStage(
            toolchain=counter.toolchain(), chains=counter.chains(), fork_url=upstream.url
        )
        outcome = await stage.run(counter.context("integration-tests"))

    assert outcome.status is StageStatus.SUCCESS, outcome
    assert outcome.outputs["chain"] == {"kind": "fork", "chain_id": 31338, "block": 0}


async def test_smoke_checks_pass_on_what_was_deployed(counter):
    deploy, smoke, _ = wired(counter)
    await deployed(counter, deploy)
    outcome = await smoke.run(counter.context("smoke-tests"))

    assert outcome.status is StageStatus.SUCCESS, outcome
    assert [c["status"] for c in outcome.outputs["checks"]] == ["passed"] * 5
    (report,) = outcome.artifacts
    assert (report.name, report.kind) == ("smoke-tests/results.json", "smoke-report")
    assert json.loads(counter.artifacts.files[report.name])["checks"] == outcome.outputs["checks"]

    again = await smoke.run(counter.context("smoke-tests"))
    assert again.status is StageStatus.SUCCESS, "a new attempt must not deposit twice"


async def test_a_failing_smoke_check_shows_expected_actual_and_line(variant):
    bench = await variant("smoke-fails")
    deploy, smoke, _ = wired(bench)
    await deployed(bench, deploy)
    outcome = await smoke.run(bench.context("smoke-tests"))

    assert outcome.status is StageStatus.FAILED
    assert outcome.failure is FailureKind.PROJECT
    assert outcome.reason == "the interface is version 1: expected 1, got 2"
    assert [str(p) for p in outcome.places] == ["chainops.yaml:17:5"]
    assert {m.name: m.value for m in outcome.metrics} == {"smoke.checks": 5, "smoke.failed": 1}
    assert [a.name for a in outcome.artifacts] == ["smoke-tests/results.json"]


async def test_production_waits_for_the_approval_of_exactly_this_plan(counter):
    _, _, source = wired(counter)

    def stage(*digests: str) -> ProductionDeployStage:
        return ProductionDeployStage(
            source=source,
            network=NETWORKS["main"],
            ports=counter.ports(),
            approvals=MemoryApprovals(*digests),
        )

    waiting = await stage("sha256:other").run(counter.context("production-deploy"))
    digest = waiting.outputs["plan_digest"]
    assert waiting.status is StageStatus.WAITING
    assert waiting.hint == f"chainops run --run run-1 --approve {digest}"
    assert waiting.reason.endswith("; the approval given (sha256:other) is for another plan")
    assert waiting.outputs["plan"][0]["args"] == ["500"]

    done = await stage(digest).run(counter.context("production-deploy"))
    assert done.status is StageStatus.SUCCESS, done
    assert done.outputs["plan_digest"] == digest
    assert done.outputs["chain_id"] == 31338
