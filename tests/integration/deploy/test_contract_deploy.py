"""The counter project goes onto a real dev chain, once, whatever happens."""

from __future__ import annotations

import pytest

from chainops.chains.settings import networks_from
from chainops.deploy.builds import BuildChangedError
from chainops.deploy.manifest import ManifestSource, load_manifest
from chainops.deploy.settings import DeploySettings
from chainops.pipeline.model import FailureKind, StageStatus
from chainops.stages.contract_deploy import ContractDeployStage

pytestmark = pytest.mark.integration

MANIFEST = """\
deploy:
  contracts:
    - contract: Counter
      args: [1000]
    - contract: Bank
  calls:
    - contract: Counter
      function: setNumber
      args: [7]
    - contract: Bank
      function: deposit
      value: 1 ether
"""


def source_of(bench, text: str) -> ManifestSource:
    document = bench.document(text)
    section = document.data["deploy"]
    if isinstance(section, dict):
        section = DeploySettings.model_validate(section)
    found = load_manifest(section, document, networks=frozenset(networks_from({})))
    assert found
    return found


def stage_of(bench, text: str = MANIFEST) -> ContractDeployStage:
    return ContractDeployStage(
        source=source_of(bench, text), network=networks_from({})["embedded"], ports=bench.ports()
    )


async def test_contracts_libraries_and_calls_are_deployed_and_compared(counter):
    outcome = await stage_of(counter).run(counter.context("contract-deploy"))

    assert outcome.status is StageStatus.SUCCESS, outcome
    contracts = {c["name"]: c for c in outcome.outputs["contracts"]}
    assert set(contracts) == {"Counter", "Ratio", "Bank"}
    assert all(c["code_matches"] for c in contracts.values())
    assert [t["label"] for t in outcome.outputs["transactions"]] == [
        "deploy Counter",
        "deploy Ratio",
        "deploy Bank",
        "call 1: Counter.setNumber",
        "call 2: Bank.deposit",
    ]
    assert [t["nonce"] for t in outcome.outputs["transactions"]] == [0, 1, 2, 3, 4]
    assert {m.name: m.value for m in outcome.metrics}["deploy.transactions"] == 5
    assert "deployment/contract-deploy/embedded.json" in counter.artifacts.files
    assert [t.name for t in outcome.tools] == ["anvil"]


async def test_a_second_attempt_sends_nothing_again(counter):
    first = await stage_of(counter).run(counter.context("contract-deploy"))
    second = await stage_of(counter).run(counter.context("contract-deploy"))

    assert second.outputs["transactions"] == first.outputs["transactions"]
    async with counter.chains().open(
        networks_from({})["embedded"],
        run_dir=counter.root / ".chainops" / "runs" / "run-1",
        marker="run-1/look/1/",
        log=lambda _: None,
    ) as chain:
        assert await chain.rpc.number("eth_blockNumber") == 5


async def test_a_chain_that_lost_its_state_gets_the_identical_transactions(counter):
    first = await stage_of(counter).run(counter.context("contract-deploy"))
    (counter.root / ".chainops" / "runs" / "run-1" / "chain-embedded.json").unlink()
    second = await stage_of(counter).run(counter.context("contract-deploy"))

    def hashes(outcome):
        return [t["hash"] for t in outcome.outputs["transactions"]]

    assert second.status is StageStatus.SUCCESS, second
    assert hashes(second) == hashes(first)
    assert second.outputs["contracts"][0]["address"] == first.outputs["contracts"][0]["address"]


async def test_a_reverting_deployment_names_the_reason_and_the_line(variant):
    bench = await variant("deploy-reverts")
    outcome = await stage_of(bench).run(bench.context("contract-deploy"))

    assert outcome.status is StageStatus.FAILED
    assert outcome.failure is FailureKind.PROJECT
    assert "LimitTooHigh(limit=1000, most=500)" in outcome.reason or "LimitTooHigh(" in outcome.reason
    assert [str(p) for p in outcome.places] == ["chainops.yaml:3:7"]
    assert outcome.outputs["transactions"] == []


async def test_nothing_of_the_key_or_of_anvils_banner_is_logged(counter):
    await stage_of(counter).run(counter.context("contract-deploy"))
    assert b"ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80" not in counter.log
    assert b"eth_sendRawTransaction" in counter.log


SCRIPT = """\
// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Bank} from "../src/Bank.sol";
import {Counter} from "../src/Counter.sol";

interface Cheats {
    function startBroadcast() external;
    function stopBroadcast() external;
}

contract Deploy {
    Cheats private constant VM = Cheats(address(uint160(uint256(keccak256("hevm cheat code")))));

    function run() external {
        VM.startBroadcast();
        Counter counter = new Counter(1000);
        Bank bank = new Bank();
        counter.setNumber(5);
        bank.deposit{value: 3 ether}();
        new Counter(2000);
        VM.stopBroadcast();
    }
}
"""


async def test_a_forge_scripts_transactions_are_signed_and_sent_by_us(tmp_path, project):
    bench = await project("scripted", {"script/Deploy.s.sol": SCRIPT})
    stage = stage_of(bench, "deploy:\n  script: script/Deploy.s.sol:Deploy\n")
    outcome = await stage.run(bench.context("contract-deploy"))

    assert outcome.status is StageStatus.SUCCESS, (outcome, bytes(bench.log).decode()[-3000:])
    contracts = {c["name"]: c for c in outcome.outputs["contracts"]}
    assert {"Counter", "Bank", "Counter-2"} <= set(contracts)
    assert all(c["code_matches"] for c in contracts.values()), contracts
    assert contracts["Bank"]["fqn"] == "src/Bank.sol:Bank"
    assert not (bench.root / "broadcast").exists()

    again = await stage.run(bench.context("contract-deploy"))
    assert again.outputs["transactions"] == outcome.outputs["transactions"]
    assert again.outputs["plan_digest"] == outcome.outputs["plan_digest"]


async def test_a_script_does_not_send_what_was_changed_after_the_build(project):
    bench = await project("changed", {"script/Deploy.s.sol": SCRIPT})
    source = bench.root / "src" / "Counter.sol"
    source.write_text(source.read_text().replace("_set(number + 1)", "_set(number + 2)"))
    stage = stage_of(bench, "deploy:\n  script: script/Deploy.s.sol:Deploy\n")
    with pytest.raises(BuildChangedError, match="Counter"):
        await stage.run(bench.context("contract-deploy"))
    assert b"eth_getBlockByNumber" in bench.log
    assert b"eth_sendRawTransaction" not in bench.log


async def test_a_failing_script_is_told_with_its_line(project):
    broken = SCRIPT.replace("new Counter(2000)", "new Counter(0)")
    bench = await project("broken", {"script/Deploy.s.sol": broken})
    stage = stage_of(bench, "deploy:\n  script: script/Deploy.s.sol:Deploy\n")
    outcome = await stage.run(bench.context("contract-deploy"))

    assert outcome.status is StageStatus.FAILED
    assert outcome.failure is FailureKind.PROJECT
    assert "LimitIsZero" in outcome.reason
    assert [str(p) for p in outcome.places] == ["chainops.yaml:2:11"]
