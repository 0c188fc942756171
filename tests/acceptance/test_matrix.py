"""A stage fans out, each cell does what it says, and one that fails takes only what stands on it along."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from acceptance.harness import COUNTER_CONFIG, chainops

pytestmark = pytest.mark.acceptance

COMPILERS = """\
stages:
  compilation: &compilers
    matrix:
      solc: [0.8.15, 0.8.26, 0.8.30]
      evm_version: [london, paris]
      exclude:
        - {solc: 0.8.15, evm_version: paris}
        - {solc: 0.8.26, evm_version: london}
  unit-tests: *compilers
  static-analysis: {enabled: false}
  security-scan: {enabled: false}
foundry: {coverage: false, gas: false}
"""
NETWORKS = """\
networks:
  one: {kind: embedded, chain_id: 1001}
  two: {kind: embedded, chain_id: 1002}
stages:
  contract-deploy: {matrix: {network: [one, two]}}
  smoke-tests: {matrix: {network: [one, two]}}
  unit-tests: {enabled: false}
  static-analysis: {enabled: false}
  security-scan: {enabled: false}
""" + COUNTER_CONFIG[COUNTER_CONFIG.index("deploy:") :]


def open_pragmas(project: Path) -> None:
    """Let every release from 0.8.20 on compile the project."""
    for source in project.rglob("*.sol"):
        text = source.read_text()
        source.write_text(text.replace("pragma solidity 0.8.30;", "pragma solidity ^0.8.20;"))
    toml = project / "foundry.toml"
    toml.write_text(toml.read_text().replace('solc = "0.8.30"\n', ""))


def metadata(project: Path, cell: str) -> tuple[str, str]:
    """What the compiler says of the counter that a cell left."""
    path = project / ".chainops" / "builds" / cell / "out" / "Counter.sol" / "Counter.json"
    said: dict[str, Any] = json.loads(path.read_bytes())["metadata"]
    return said["compiler"]["version"].partition("+")[0], said["settings"]["evmVersion"]


def test_compilers_and_evm_versions(counter: Callable[..., Path]) -> None:
    project = counter(config=COMPILERS)
    open_pragmas(project)
    ran = chainops("run", project, "--json")
    assert ran.code == 1, ran.err
    statuses = ran.statuses()
    failed = "[evm_version=london,solc=0.8.15]"
    passed = ["[evm_version=london,solc=0.8.30]", "[evm_version=paris,solc=0.8.26]"]
    passed += ["[evm_version=paris,solc=0.8.30]"]
    assert {cell: statuses[f"compilation{cell}"] for cell in (failed, *passed)} == {
        failed: "failed",
        **dict.fromkeys(passed, "success"),
    }
    # what stands on the failed cell does not run, its siblings do, and the joins tell of all
    assert statuses[f"unit-tests{failed}"] == "skipped"
    assert {statuses[f"unit-tests{cell}"] for cell in passed} == {"success"}
    assert (statuses["compilation"], statuses["unit-tests"]) == ("failed", "skipped")
    assert statuses["contract-deploy"] == "skipped"
    joined = ran.stage("compilation")
    assert joined["reason"] == "1 of 4 cells failed: evm_version=london solc=0.8.15"
    assert [cell["status"] for cell in joined["outputs"]["cells"]].count("success") == 3
    assert ran.stage(f"compilation{passed[1]}")["cell"] == {"evm_version": "paris", "solc": "0.8.26"}

    # the compiler's own words, not ours
    for evm, solc in (("london", "0.8.30"), ("paris", "0.8.26"), ("paris", "0.8.30")):
        folder = f"compilation+evm_version-{evm}+solc-{solc}"
        assert metadata(project, folder) == (solc, evm)
        tools = ran.stage(f"unit-tests[evm_version={evm},solc={solc}]")["tools"]
        assert [t["version"] for t in tools if t["name"] == "solc"] == [solc]
    names = [artifact["name"] for artifact in ran.result["artifacts"]]
    assert len(names) == len(set(names))
    kept = [name for name in names if name.endswith("contracts/Counter.sol/Counter.json")]
    assert len(kept) == 3
    gates = {gate["stage"] for gate in ran.result["gates"]}
    assert gates == {f"compilation{cell}" for cell in passed}


def test_two_networks(counter: Callable[..., Path]) -> None:
    project = counter(config=NETWORKS)
    ran = chainops("run", project, "--json")
    assert ran.code == 0, ran.err
    statuses = ran.statuses()
    names = [
        f"{stage}{cell}" for stage in ("contract-deploy", "smoke-tests") for cell in ("[network=one]", "")
    ]
    assert {statuses[name] for name in names} == {"success"}
    deployed = {n: ran.stage(f"contract-deploy[network={n}]")["outputs"] for n in ("one", "two")}
    assert {n: one["chain_id"] for n, one in deployed.items()} == {"one": 1001, "two": 1002}
    journals = {Path(one["journal"]) for one in deployed.values()}
    assert len(journals) == 2
    assert all(journal.is_file() for journal in journals)
    for name in ("one", "two"):
        tried = ran.stage(f"smoke-tests[network={name}]")["outputs"]
        assert tried["network"] == name
        assert {check["status"] for check in tried["checks"]} == {"passed"}
    # who asks for the whole stage gets the first network's
    assert ran.stage("contract-deploy")["outputs"]["network"] == "one"
