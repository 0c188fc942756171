"""A project is run again while it is edited: what an incremental build leaves out is still scanned."""

from __future__ import annotations

from pathlib import Path

import pytest

from acceptance.harness import chainops

pytestmark = pytest.mark.acceptance

HEAD = "// SPDX-License-Identifier: MIT\npragma solidity 0.8.30;\n"
CONTRACT = """contract {0} {{
    address owner = msg.sender;
    function x() external view returns (uint256) {{ require(tx.origin == owner); return {1}; }}
}}
"""


@pytest.fixture
def unrelated(tmp_path: Path) -> Path:
    """Two contracts that do not know each other, a test of one, and an empty file."""
    root = tmp_path / "unrelated"
    for name in ("A", "B"):
        put(root, f"src/{name}.sol", CONTRACT.format(name, 1))
    put(
        root,
        "test/A.t.sol",
        'import {A} from "../src/A.sol";\ncontract T { function test_a() external { new A(); } }\n',
    )
    (root / "src/Empty.sol").touch()
    (root / "foundry.toml").write_text("[profile.default]\n")
    return root


def put(root: Path, path: str, text: str) -> None:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(HEAD + text)


def test_every_source_is_scanned_after_an_edit_of_one(unrelated: Path) -> None:
    assert chainops("run", unrelated, "--json").code == 0
    put(unrelated, "src/A.sol", CONTRACT.format("A", 2))
    for _ in range(2):
        # a result that is taken would bring the log of its own run along
        ran = chainops("run", unrelated, "--no-cache", "--json")
        assert ran.code == 0, ran.err
        places = [f["places"][0]["path"] for f in ran.stage("security-scan")["findings"]]
        assert {"src/A.sol", "src/B.sol"} <= set(places)
    log = "".join(p.read_text() for p in (unrelated / ".chainops/runs").glob("*/security-scan/*.log"))
    assert log.count("compiling them in one go") == 1
