"""Networks that are not ours: URL, chain id and account come from settings, and what goes wrong there."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from eth_account import Account

from chainops.chains.errors import RpcError
from chainops.chains.model import AccountReference, Network, NetworkKind
from chainops.core.locks import LockedError, file_lock
from chainops.deploy.manifest import load_manifest
from chainops.deploy.settings import DeploySettings
from chainops.pipeline.model import FailureKind, StageStatus
from chainops.stages.contract_deploy import ContractDeployStage

pytestmark = pytest.mark.integration

KEY = "0x" + "4c" * 32
ADDRESS = Account.from_key(KEY).address
UPSTREAM = Network(name="upstream", kind=NetworkKind.EMBEDDED, chain_id=777)


@pytest.fixture
async def upstream(counter):
    async with counter.chains().fresh(
        UPSTREAM, scratch=counter.root / "upstream", marker="", log=lambda _: None
    ) as chain:
        await chain.rpc.call("anvil_setBalance", ADDRESS, hex(10**18))
        counter.env = {"DEPLOYER": KEY, "NODE": chain.url}
        yield chain


def network(**changes) -> Network:
    return replace(
        Network(
            name="private",
            kind=NetworkKind.PRIVATE,
            chain_id=777,
            url="secret://env/NODE",
            account=AccountReference(key="secret://env/DEPLOYER"),
        ),
        **changes,
    )


async def deploy(bench, target: Network):
    document = bench.document("deploy: {contracts: [{contract: Counter, args: [1000]}, {contract: Bank}]}")
    source = load_manifest(
        DeploySettings.model_validate(document.data["deploy"]), document, networks=frozenset()
    )
    stage = ContractDeployStage(source=source, network=target, ports=bench.ports())
    return await stage.run(bench.context("contract-deploy"))


async def test_contracts_go_there_and_the_key_goes_nowhere(counter, upstream):
    outcome = await deploy(counter, network())
    assert outcome.status is StageStatus.SUCCESS, outcome
    assert outcome.outputs["account"] == ADDRESS
    assert await upstream.rpc.number("eth_getTransactionCount", ADDRESS, "latest") == 3
    assert not (counter.root / ".chainops" / "runs" / "run-1" / "chain-private.json").exists()

    journal = (counter.root / ".chainops/runs/run-1/contract-deploy/journal-private.jsonl").read_text()
    everything = [bytes(counter.log).decode(), json.dumps(dict(outcome.outputs)), repr(outcome), journal]
    everything += [data.decode() for data in counter.artifacts.files.values()]
    assert not any(KEY[2:] in text.lower() for text in everything)

    again = await deploy(counter, network())
    assert again.outputs["transactions"] == outcome.outputs["transactions"]
    assert await upstream.rpc.number("eth_getTransactionCount", ADDRESS, "latest") == 3


async def test_the_wrong_chain_gets_nothing(counter, upstream):
    outcome = await deploy(counter, network(chain_id=1))
    assert (outcome.status, outcome.failure) == (StageStatus.FAILED, FailureKind.CONFIG)
    assert "serves chain 777, not chain 1" in outcome.reason
    assert await upstream.rpc.number("eth_blockNumber") == 0


async def test_short_funds_stop_it_with_the_line(counter, upstream):
    await upstream.rpc.call("anvil_setBalance", ADDRESS, hex(10**12))
    outcome = await deploy(counter, network())
    assert (outcome.status, outcome.failure, outcome.code) == (
        StageStatus.FAILED,
        FailureKind.PROJECT,
        "CHN201",
    )
    assert [str(p) for p in outcome.places] == ["chainops.yaml:1:22"]
    assert await upstream.rpc.number("eth_blockNumber") == 0


async def test_a_missing_secret_is_a_mistake_of_the_configuration(counter, upstream):
    counter.env = {"NODE": upstream.url}
    outcome = await deploy(counter, network())
    assert outcome.failure is FailureKind.CONFIG
    assert "DEPLOYER" in outcome.reason


async def test_a_node_that_is_gone_is_the_machines_failure(counter, upstream):
    counter.env = {"DEPLOYER": KEY, "NODE": "http://127.0.0.1:1"}
    with pytest.raises(RpcError, match="cannot reach the node"):
        await deploy(counter, network())


async def test_an_account_in_use_is_told(counter, upstream):
    with (
        file_lock(counter.root / "locks" / f"777-{ADDRESS}.lock"),
        pytest.raises(LockedError, match=f"account {ADDRESS} on private is in use by process"),
    ):
        await deploy(counter, network())
