"""What cells share and what they do not: accounts, journals, artifacts, verdicts, chains."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from chainops.app.config import load_config
from chainops.app.gates import ProjectGates, run_vector
from chainops.app.stages import LazyStages
from chainops.artifacts.manifest import MemoryManifest
from chainops.artifacts.run import RunArtifacts
from chainops.artifacts.store import MemoryArtifactStore
from chainops.chains.events import JournalKey
from chainops.chains.journals import FileJournals
from chainops.chains.model import Network, NetworkKind
from chainops.pipeline.matrix import Matrix, expand
from chainops.pipeline.model import Outcome, StageNode, StageStatus
from chainops.stages.contract_deploy import ContractDeployStage
from chainops.stages.deploying import account_held
from chainops.stages.integration_tests import IntegrationTestsStage
from chainops.stages.join import JoinStage
from chainops.stages.smoke_tests import SmokeTestsStage
from unit.app.test_gates import GATES, OUTPUTS, outcome, record
from unit.stages.test_deploy_stages import context

SOLC = Matrix(axes={"solc": ("1", "2")})


class Account:
    """As much of a sender as a turn needs."""

    def __init__(self, network: Network, account: str = "0xabc") -> None:
        self.network = network
        self.account = account
        self.holders = 0

    def locked(self, folder: Path) -> Any:
        from chainops.core.locks import file_lock

        return file_lock(folder / f"{self.network.chain_id}-{self.account}.lock")


def ports_in(folder: Path) -> Any:
    return SimpleNamespace(locks=folder / "locks", turns={})


def network(name: str, url: str) -> Network:
    return Network(name=name, kind=NetworkKind.PRIVATE, chain_id=5, url=url)


async def test_cells_with_one_account_on_one_chain_take_turns(tmp_path: Path) -> None:
    ports = ports_in(tmp_path)
    inside = 0
    most = 0

    async def deploy(name: str) -> None:
        nonlocal inside, most
        to = network(name, "http://127.0.0.1:1")
        sender: Any = Account(to)
        async with account_held(context(tmp_path), ports, to, sender):
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0)
            inside -= 1

    await asyncio.gather(deploy("a"), deploy("b"))
    assert most == 1


async def test_chains_of_their_own_do_not_wait_for_each_other(tmp_path: Path) -> None:
    ports = ports_in(tmp_path)
    both = asyncio.Barrier(2)

    async def deploy(name: str) -> None:
        to = network(name, "")
        sender: Any = Account(to)
        async with account_held(context(tmp_path), ports, to, sender):
            await asyncio.wait_for(both.wait(), 5)

    await asyncio.gather(deploy("a"), deploy("b"))


def test_a_cells_journal_lies_in_its_own_folder(tmp_path: Path) -> None:
    key = JournalKey(run="r", stage="contract-deploy[network=a]", network="a", chain_id=5)
    journal = FileJournals(tmp_path).open(key)
    journal.events()
    assert Path(journal.where) == tmp_path / "r" / "contract-deploy+network-a" / "journal-a.jsonl"


def test_artifacts_of_two_cells_do_not_replace_each_other() -> None:
    manifest, store = MemoryManifest(), MemoryArtifactStore()
    for cell in ("t+solc-1", "t+solc-2"):
        sink = RunArtifacts(store=store, manifest=manifest, stage=cell, folder=cell)
        sink.put_bytes("tests.json", cell.encode(), kind="test-report")
    assert [a.name for a in manifest.entries()] == ["t+solc-1/tests.json", "t+solc-2/tests.json"]


def gates(project: Path, *nodes: StageNode) -> ProjectGates:
    loaded = load_config(project, data={"quality_gates": GATES}, env={})
    run = record(project, "compilation", "unit-tests")
    cells = expand(nodes, {node.name: SOLC for node in nodes})
    stages = tuple(replace(run.stages[0], node=node) for node in cells)
    return ProjectGates(loaded, lambda: replace(run, stages=(run.stages[0], *stages)))


def test_each_cell_is_judged_by_its_name_and_their_join_is_not(tmp_path: Path) -> None:
    first, _, join = expand([StageNode(name="compilation")], {"compilation": SOLC})
    keeper = gates(tmp_path, StageNode(name="compilation"))
    assert {v.stage for v in keeper.judge(first, outcome("compilation"))} == {"compilation[solc=1]"}
    assert keeper.judge(join, outcome("compilation")) == ()


def test_only_the_first_cell_is_compared_with_the_baseline(tmp_path: Path) -> None:
    first, second, join = expand([StageNode(name="unit-tests")], {"unit-tests": SOLC})
    keeper = gates(tmp_path, StageNode(name="unit-tests"))
    judged = [{v.gate for v in keeper.judge(n, outcome("unit-tests"))} for n in (first, second, join)]
    assert judged[0] - judged[1] == {"gas_optimization_threshold"}
    assert judged[1] == {"min_test_coverage"}
    assert judged[2] == set()


def test_the_vector_counts_what_several_cells_found_once(tmp_path: Path) -> None:
    run = record(tmp_path, "static-analysis", "security-scan")
    scan = run.stages[-1]
    nodes = expand([StageNode(name="security-scan")], {"security-scan": SOLC})
    joined = Outcome(status=StageStatus.SUCCESS, outputs=OUTPUTS["security-scan"])
    attempts = [scan.attempts[0], scan.attempts[0], replace(scan.attempts[0], outcome=joined)]
    cells = tuple(replace(scan, node=n, attempts=(a,)) for n, a in zip(nodes, attempts, strict=True))
    fanned = replace(run, stages=(*run.stages[:-1], *cells))
    assert run_vector(fanned, None) == run_vector(run, None)


@pytest.fixture
def stages(tmp_path: Path) -> LazyStages:
    text = {
        "networks": {
            "one": {"kind": "embedded", "chain_id": 1001},
            "two": {"url": "http://127.0.0.1:1", "chain_id": 1002, "code_size_limit_bytes": 9},
        },
        "stages": {"contract-deploy": {"matrix": {"network": ["two", "one"]}}},
    }
    return LazyStages(load_config(tmp_path, data=text, env={}), lambda: None)


def test_stages_are_bound_to_their_cells_network(stages: LazyStages) -> None:
    deploy = StageNode(name="contract-deploy")
    _, cell, join = expand([deploy], {"contract-deploy": Matrix(axes={"network": ("two", "one")})})
    bound = stages.of(cell)
    assert isinstance(bound, ContractDeployStage)
    assert bound._network.name == "one"
    assert isinstance(stages.of(join), JoinStage)
    # smoke tests of the whole look where the whole's first cell deployed to
    smoke = stages["smoke-tests"]
    assert isinstance(smoke, SmokeTestsStage)
    assert smoke._network.name == "two"


@pytest.mark.parametrize(
    ("name", "expected"),
    [("one", ("", 1001, 24_576)), ("two", ("http://127.0.0.1:1", 0, 9))],
)
def test_integration_tests_never_meet_the_network_itself(
    stages: LazyStages, name: str, expected: tuple[str, int, int]
) -> None:
    node = StageNode(name=f"integration-tests[network={name}]", cell={"network": name})
    stage = stages.of(node)
    assert isinstance(stage, IntegrationTestsStage)
    chain = stage._network
    assert chain.kind is NetworkKind.EMBEDDED
    assert (chain.fork_url, chain.chain_id, chain.code_size_limit_bytes) == expected
