"""When the stages that touch a chain have nothing to do, or may not."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest

from chainops.chains.model import Network, NetworkKind
from chainops.core.config_text import document_from, parse_document
from chainops.deploy.manifest import ManifestSource, load_manifest
from chainops.deploy.model import Where
from chainops.deploy.ports import MemoryApprovals
from chainops.deploy.settings import DeploySettings, SmokeSettings
from chainops.pipeline.model import FailureKind, Outcome, StageContext, StageStatus
from chainops.stages.contract_deploy import ContractDeployStage
from chainops.stages.deploying import DeployPorts
from chainops.stages.integration_tests import IntegrationTestsStage, has_sources
from chainops.stages.production_deploy import ProductionDeployStage
from chainops.stages.smoke_tests import SmokeTestsStage

LOCAL = Network(name="local", kind=NetworkKind.EMBEDDED, chain_id=31337)
MAIN = Network(name="main", kind=NetworkKind.EMBEDDED, chain_id=31338, production=True)
#: a stage that has nothing to do must not even look at them
UNUSED = cast("DeployPorts", None)


def context(tmp_path: Path, **upstream: Outcome) -> StageContext:
    source = Outcome(status=StageStatus.SUCCESS, outputs={"project_root": str(tmp_path)})
    return StageContext(
        run_id="r",
        stage="s",
        attempt=1,
        workspace=tmp_path,
        scratch=tmp_path,
        marker="r/s/1/",
        timeout_s=1,
        log=lambda _: None,
        upstream={"source-checkout": source, **{k.replace("_", "-"): v for k, v in upstream.items()}},
        artifacts=cast("Any", None),
    )


def manifest(text: str) -> ManifestSource:
    document = parse_document(text, "chainops.yaml")
    source = load_manifest(
        DeploySettings.model_validate(document.data["deploy"]), document, networks=frozenset({"local"})
    )
    assert source
    return source


@pytest.mark.parametrize("source", [None, manifest("deploy: {}")])
async def test_without_a_manifest_nothing_is_deployed(tmp_path, source):
    stage = ContractDeployStage(source=source, network=LOCAL, ports=UNUSED)
    outcome = await stage.run(context(tmp_path))
    assert (outcome.status, outcome.reason) == (StageStatus.SKIPPED, "no deploy manifest")


async def test_contract_deploy_never_goes_to_production(tmp_path):
    source = manifest("deploy: {contracts: [{contract: X}]}")
    outcome = await ContractDeployStage(source=source, network=MAIN, ports=UNUSED).run(context(tmp_path))
    assert (outcome.status, outcome.failure) == (StageStatus.FAILED, FailureKind.CONFIG)
    assert "is marked production" in outcome.reason


def production(source: ManifestSource | None, network: Network | None) -> ProductionDeployStage:
    return ProductionDeployStage(source=source, network=network, ports=UNUSED, approvals=MemoryApprovals())


async def test_production_is_skipped_with_a_reason(tmp_path):
    source = manifest("deploy: {contracts: [{contract: X}]}")
    for stage, reason in (
        (production(None, MAIN), "no deploy manifest"),
        (production(source, None), "no network is marked production"),
        (production(manifest("deploy: {}"), MAIN), "the deploy manifest is empty"),
    ):
        outcome = await stage.run(context(tmp_path))
        assert (outcome.status, outcome.reason) == (StageStatus.SKIPPED, reason)


def test_only_a_network_marked_production_is_taken_for_it():
    with pytest.raises(ValueError, match="not marked production"):
        production(None, LOCAL)


def smoke(*checks: dict[str, Any]) -> SmokeTestsStage:
    return SmokeTestsStage(
        checks=[SmokeSettings.model_validate(one) for one in checks],
        where=Where(document_from({}), ("smoke_tests",)),
        network=LOCAL,
        ports=UNUSED,
    )


async def test_smoke_tests_are_skipped_with_a_reason(tmp_path):
    outcome = await smoke().run(context(tmp_path))
    assert (outcome.status, outcome.reason) == (StageStatus.SKIPPED, "no smoke tests are declared")

    check = {"contract": "X", "function": "f"}
    skipped = Outcome(status=StageStatus.SKIPPED)
    for given in (context(tmp_path), context(tmp_path, contract_deploy=skipped)):
        outcome = await smoke(check).run(given)
        assert outcome.status is StageStatus.SKIPPED
        assert "nothing was deployed" in outcome.reason


async def test_integration_tests_are_skipped_when_there_are_none(tmp_path):
    stage = IntegrationTestsStage(toolchain=cast("Any", None), chains=cast("Any", None))
    outcome = await stage.run(context(tmp_path))
    assert outcome.status is StageStatus.SKIPPED
    assert "test/integration/**" in outcome.reason


def test_sources_are_found_at_every_depth(tmp_path):
    deep = tmp_path / "test" / "integration" / "a" / "b"
    deep.mkdir(parents=True)
    (tmp_path / "test" / "integration" / "notes.md").touch()
    assert not has_sources(tmp_path, "test/integration/**")
    (deep / "X.t.sol").touch()
    assert has_sources(tmp_path, "test/integration/**")
    assert has_sources(tmp_path, "test/integration/**/*.t.sol")
