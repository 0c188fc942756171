"""Documentation from NatSpec."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from chainops.toolchains.adapters.foundry_docs import document_contracts, escape, page
from chainops.toolchains.errors import ToolchainOutputError
from chainops.toolchains.model import ContractBuild

OUTPUT = {
    "abi": [
        {
            "type": "constructor",
            "inputs": [{"type": "uint256", "name": "cap"}],
            "stateMutability": "nonpayable",
        },
        {
            "type": "function",
            "name": "put",
            "inputs": [
                {"type": "tuple[]", "name": "o", "components": [{"type": "uint8"}, {"type": "address"}]}
            ],
            "outputs": [{"type": "bool", "name": ""}],
            "stateMutability": "payable",
        },
        {"type": "event", "name": "Put", "inputs": [{"type": "address", "name": "who"}]},
        {"type": "error", "name": "Full", "inputs": []},
        {"type": "receive"},
    ],
    "devdoc": {
        "title": "A vault",
        "author": "Ann",
        "methods": {
            "put((uint8,address)[])": {"params": {"o": "The orders."}, "returns": {"_0": "Whether."}}
        },
        "errors": {"Full()": [{"details": "No room."}]},
    },
    "userdoc": {
        "notice": "Keeps things.",
        "events": {"Put(address)": {"notice": "Something came."}},
    },
}


def contract(path: str = "src/A.sol", name: str = "A") -> ContractBuild:
    return ContractBuild(
        path=path,
        name=name,
        runtime_size_bytes=1,
        init_size_bytes=1,
        runtime_digest="",
        artifact=f"{name}.json",
    )


def test_a_page_tells_what_the_comments_say() -> None:
    text = page("Vault", OUTPUT)
    for expected in (
        "## Vault",
        "A vault",
        "Keeps things.",
        "Author: Ann",
        "### Constructor",
        "#### put\\(\\(uint8,address\\)\\[\\]\\) — payable",
        "- \\(uint8,address\\)\\[\\] o: The orders.",
        "- returns bool: Whether.",
        "Something came.",
        "No room.",
    ):
        assert expected in text


def test_comments_cannot_bring_markup() -> None:
    assert escape("<img src=x onerror=alert(1)>\n# [a](javascript:x)") == (
        "&lt;img src=x onerror=alert\\(1\\)&gt; \\# \\[a\\]\\(javascript:x\\)"
    )


def test_pages_are_one_for_each_source(tmp_path: Path) -> None:
    raw = json.dumps({"output": OUTPUT})
    for name in ("A", "B"):
        (tmp_path / f"{name}.json").write_text(json.dumps({"rawMetadata": raw, "metadata": {"output": {}}}))
    (document,) = document_contracts(tmp_path, (contract(), contract(name="B")))
    assert document.name == "src/A.sol.md"
    assert "## A" in document.text
    assert "## B" in document.text


def test_nothing_to_tell_makes_no_page(tmp_path: Path) -> None:
    (tmp_path / "A.json").write_text(
        json.dumps({"metadata": {"output": {"abi": [], "devdoc": {"methods": {}}}}})
    )
    assert document_contracts(tmp_path, (contract(),)) == ()


@pytest.mark.parametrize("data", ["", "[]", '{"rawMetadata": "{"}', '{"metadata": {"output": {"abi": 7}}}'])
def test_a_damaged_artifact_is_named(tmp_path: Path, data: str) -> None:
    (tmp_path / "A.json").write_text(data)
    with pytest.raises(ToolchainOutputError, match=r"src/A\.sol:A"):
        document_contracts(tmp_path, (contract(),))
