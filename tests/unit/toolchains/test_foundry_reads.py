"""Which sources a build was made of, as forge's index says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from chainops.toolchains.adapters.foundry_reads import compiled_sources
from chainops.toolchains.errors import ToolchainOutputError

INDEX = {
    "files": {
        "test/A.t.sol": {
            "imports": ["src/A.sol"],
            "artifacts": {"T": {"0.8.30": {"default": {"path": "A.t.sol/T.json", "build_id": "b"}}}},
        },
        "src/A.sol": {
            "imports": [],
            "artifacts": {
                "A": {"0.8.30": {"default": {}}, "0.8.26": {"default": {}, "ir": {}}},
                "B": {"0.8.30": {"default": {}}},
            },
        },
    }
}


def index(folder: Path, data: bytes) -> Path:
    (folder / "cache").mkdir()
    (folder / "cache" / "solidity-files-cache.json").write_bytes(data)
    return folder


def test_each_source_with_its_imports_and_compilers(tmp_path: Path) -> None:
    first, second = compiled_sources(index(tmp_path, json.dumps(INDEX).encode()))
    assert (first.path, first.imports) == ("src/A.sol", ())
    assert first.compiled_with == ("0.8.26 default", "0.8.26 ir", "0.8.30 default")
    assert (second.path, second.imports) == ("test/A.t.sol", ("src/A.sol",))


@pytest.mark.parametrize("data", [b"", b"[]", b'{"files": 3}', b'{"files": {"a": {}}}', b"[" * 100_000])
def test_an_index_that_is_none_is_told(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(ToolchainOutputError, match="index of its build"):
        compiled_sources(index(tmp_path, data))


def test_a_build_without_an_index_is_told(tmp_path: Path) -> None:
    with pytest.raises(ToolchainOutputError):
        compiled_sources(tmp_path)
