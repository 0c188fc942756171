"""Artifacts as forge leaves them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from chainops.deploy.builds import ArtifactError, BuildChangedError, builds_from
from chainops.deploy.errors import ManifestError

LIBRARY = "0x5FbDB2315678afecb367f032d93F642f64180aa3"


def test_library_holes_are_filled(builds):
    bank = builds.find("Bank")
    assert bank.library_names == ("src/Ratio.sol:Ratio",)
    linked = bank.creation.linked({"src/Ratio.sol:Ratio": LIBRARY})
    assert linked.count(bytes.fromhex(LIBRARY[2:])) == 1
    with pytest.raises(KeyError):
        bank.creation.linked({})


def test_created_contracts_are_recognised_with_the_libraries_in_them(builds):
    bank = builds.find("Bank")
    data = bank.creation.linked({"src/Ratio.sol:Ratio": LIBRARY}) + b"arguments"
    build, libraries = builds.by_creation_code(data, "Bank")
    assert build.fqn == "src/Bank.sol:Bank"
    assert libraries == {"src/Ratio.sol:Ratio": LIBRARY.lower()}
    assert builds.by_creation_code(data, "")[0].fqn == "src/Bank.sol:Bank"
    assert builds.by_creation_code(data, "Counter") is None
    assert builds.by_creation_code(b"", "") is None


def test_the_projects_own_contract_goes_before_a_librarys(builds):
    other = replace(builds.contracts[0], path="node_modules/x/Counter.sol", deployable=False)
    both = builds_from([other, *builds.contracts], builds.output_dir)
    assert both.find("Counter").fqn == "src/Counter.sol:Counter"

    twice = builds_from([replace(other, deployable=True), *builds.contracts], builds.output_dir)
    with pytest.raises(ManifestError, match="2 contracts are called `Counter`") as caught:
        twice.find("Counter")
    assert "src/Counter.sol:Counter" in caught.value.hint


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"abi": [], "bytecode": {"object": "0xzz"}}'])
def test_an_unusable_artifact_is_told(builds, tmp_path: Path, content):
    (tmp_path / "Counter.json").write_text(content)
    with pytest.raises(ArtifactError, match=r"src/Counter\.sol:Counter"):
        builds_from(builds.contracts, tmp_path).find("Counter")


@pytest.mark.parametrize("code", ["bytecode", "deployedBytecode"])
def test_an_artifact_that_was_built_again_is_refused(builds, tmp_path: Path, code):
    data = json.loads((builds.output_dir / "Counter.json").read_bytes())
    (tmp_path / "Counter.json").write_text(json.dumps(data))
    assert builds_from(builds.contracts, tmp_path).find("Counter").name == "Counter"

    data[code]["object"] = data[code]["object"][:-2] + "ff"
    (tmp_path / "Counter.json").write_text(json.dumps(data))
    with pytest.raises(BuildChangedError, match=r"src/Counter\.sol:Counter is not what") as caught:
        builds_from(builds.contracts, tmp_path).find("Counter")
    assert caught.value.code == "DPL302"
    assert "start a new run" in caught.value.hint
