"""What a build leaves."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from chainops.core.errors import Place
from chainops.core.hashing import digest_bytes
from chainops.toolchains.adapters.foundry_build import (
    IndexedArtifact,
    parse_artifact,
    parse_index,
    parse_messages,
    read_imports,
    read_index,
    read_warnings,
)
from chainops.toolchains.errors import ToolchainOutputError
from chainops.toolchains.foundry_config import FoundryConfig

LIBRARY = "73" + "00" * 20 + "3014600a"


def entry(source: str = "src/A.sol", name: str = "A", build_id: str = "b") -> IndexedArtifact:
    return IndexedArtifact(
        source=source, name=name, solc_version="0.8.30", artifact=f"A.sol/{name}.json", build_id=build_id
    )


def artifact(runtime: str, init: str, functions: dict[str, str] | None = None) -> bytes:
    return json.dumps(
        {
            "bytecode": {"object": init},
            "deployedBytecode": {"object": runtime},
            "methodIdentifiers": functions or {},
        }
    ).encode()


def test_the_index_lists_every_contract(forge_output: Callable[[str], bytes]) -> None:
    index = parse_index(forge_output("cache-index.json"))
    names = {(item.source, item.name) for item in index}
    assert ("src/Warn.sol", "Warn") in names
    assert ("test/Vm.sol", "WithVm") in names
    assert {item.solc_version for item in index} == {"0.8.30"}


def test_imports_are_known_from_the_index(forge_output: Callable[[str], bytes], tmp_path: Path) -> None:
    assert read_imports(tmp_path) == {}
    (tmp_path / "solidity-files-cache.json").write_bytes(forge_output("cache-index.json"))
    assert read_imports(tmp_path)["src/Bank.sol"] == ("src/Ratio.sol",)


@pytest.mark.parametrize(
    "data", [b"", b"{}", b"[]", b'{"files": 7}', b'{"files": {"a": {"artifacts": 1}}}', b"\xff"]
)
def test_a_damaged_index_is_an_error_of_the_tool(data: bytes) -> None:
    with pytest.raises(ToolchainOutputError, match="damaged"):
        parse_index(data)


def test_a_missing_index_is_an_error_of_the_tool(tmp_path: Path) -> None:
    with pytest.raises(ToolchainOutputError, match="no index"):
        read_index(tmp_path)


def test_sizes_come_from_the_bytecode(config: FoundryConfig) -> None:
    placeholder = "__$" + "a" * 34 + "$__"
    found = parse_artifact(artifact(f"0x6001{placeholder}", "0x600160026003"), entry(), config)
    assert found.runtime_size_bytes == 22
    assert found.init_size_bytes == 6
    assert found.runtime_digest == digest_bytes(f"6001{placeholder}".encode())
    assert found.deployable
    assert found.own


def test_interfaces_and_abstract_contracts_are_own_but_not_deployable(config: FoundryConfig) -> None:
    found = parse_artifact(artifact("0x", "0x"), entry(), config)
    assert not found.deployable
    assert found.own


def test_a_library_without_public_functions_is_not_deployable(config: FoundryConfig) -> None:
    assert not parse_artifact(artifact(LIBRARY, "0x6001"), entry(), config).deployable
    assert parse_artifact(artifact(LIBRARY, "0x6001", {"f()": "26121ff0"}), entry(), config).deployable


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("test/A.t.sol", "ATest"),
        ("script/A.s.sol", "Deploy"),
        ("node_modules/x/A.sol", "A"),
        ("src/A.sol", "MockA"),
    ],
)
def test_what_does_not_ship_is_not_deployable(config: FoundryConfig, source: str, name: str) -> None:
    assert not parse_artifact(artifact("0x60", "0x6001"), entry(source, name), config).deployable


@pytest.mark.parametrize(
    "data", [b"", b"{}", b"[]", b'{"bytecode": {"object": 1}}', artifact("0x", "0x")[:-9]]
)
def test_a_damaged_artifact_is_named(config: FoundryConfig, data: bytes) -> None:
    with pytest.raises(ToolchainOutputError, match=r"src/A\.sol:A"):
        parse_artifact(data, entry(), config)


def build_info(folder: Path, build_id: str, data: bytes) -> None:
    path = folder / "build-info" / f"{build_id}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def test_warnings_come_from_build_info(
    forge_output: Callable[[str], bytes], tmp_path: Path, config: FoundryConfig
) -> None:
    build_info(tmp_path, "b", forge_output("build-info-part.json"))
    found = read_warnings(tmp_path, (entry("src/Warn.sol", "Warn"),), config)
    assert [(d.severity, d.code, d.place) for d in found] == [
        ("warning", "2018", Place("src/Warn.sol", 4, 5)),
        ("warning", "5667", Place("src/Warn.sol", 4, 16)),
        ("warning", "2072", Place("src/Warn.sol", 5, 9)),
    ]
    assert found[2].message == "Unused local variable."


def test_warnings_of_an_older_build_of_a_file_are_left_out(
    forge_output: Callable[[str], bytes], tmp_path: Path, config: FoundryConfig
) -> None:
    build_info(tmp_path, "old", forge_output("build-info-part.json"))
    build_info(tmp_path, "new", b'{"output":{"contracts":{}}}')
    index = (entry("src/Warn.sol", "Warn", "new"), entry("src/Other.sol", "Other", "old"))
    assert read_warnings(tmp_path, index, config) == ()


def test_ignored_codes_and_libraries_are_left_out(
    forge_output: Callable[[str], bytes], tmp_path: Path, config: FoundryConfig
) -> None:
    data = forge_output("build-info-part.json")
    index = (entry("src/Warn.sol", "Warn"),)
    build_info(tmp_path, "b", data)
    quiet = config.model_copy(update={"ignored_error_codes": ["unused-var", 5667]})
    assert [d.code for d in read_warnings(tmp_path, index, quiet)] == ["2018"]
    build_info(tmp_path, "b", data.replace(b"src/Warn.sol", b"lib/x/Warn.sol"))
    assert read_warnings(tmp_path, (entry("lib/x/Warn.sol", "Warn"),), config) == ()


@pytest.mark.parametrize("data", [b"", b"7", b"[7]", b'[{"message": "x"', b'{"a": 1}', b"\xff"])
def test_damaged_messages_are_an_error_of_the_tool(data: bytes) -> None:
    with pytest.raises(ToolchainOutputError):
        parse_messages(data)
