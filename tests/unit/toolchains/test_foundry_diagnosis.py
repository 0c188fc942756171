"""Why a build failed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from chainops.core.errors import Place
from chainops.toolchains.adapters.foundry_diagnosis import diagnose, parse_printed
from chainops.toolchains.foundry_config import FoundryConfig

ROOT = Path("/project")


def test_compile_errors_have_places(forge_output: Callable[[str], bytes]) -> None:
    found = diagnose(forge_output("build-error.txt").decode(), ROOT)
    assert [(d.severity, d.code, d.message, d.place) for d in found.diagnostics] == [
        ("error", "7576", "Undeclared identifier.", Place("src/Bad.sol", 5, 16)),
        ("error", "7576", "Undeclared identifier.", Place("src/Bad.sol", 5, 20)),
    ]
    assert found.failure == "src/Bad.sol:5:16: Undeclared identifier. (and 1 more error)"
    assert found.limit == ""


def test_a_syntax_error_has_a_place(forge_output: Callable[[str], bytes]) -> None:
    found = diagnose(forge_output("build-parser-error.txt").decode(), ROOT)
    assert found.failure == "src/Bad.sol:4:12: Expected primary expression."


def test_printed_warnings_are_read_too(forge_output: Callable[[str], bytes]) -> None:
    found = parse_printed(forge_output("build-warnings.txt").decode())
    assert [(d.severity, d.code, str(d.place)) for d in found] == [
        ("warning", "5667", "src/Warn.sol:4:16"),
        ("warning", "2072", "src/Warn.sol:5:9"),
        ("warning", "2018", "src/Warn.sol:4:5"),
    ]


def test_a_missing_library_is_named_with_its_import_and_remapping(
    forge_output: Callable[[str], bytes], tmp_path: Path
) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "A.sol").write_text(
        '// SPDX\npragma solidity ^0.8.0;\nimport {\n    Foo\n} from "oz/Foo.sol";\nimport "./Missing.sol";\n'
    )
    config = FoundryConfig(remappings=["oz/=node_modules/oz/contracts/"])
    found = diagnose(forge_output("missing-library.txt").decode(), tmp_path, config)
    assert found.limit == "missing-library"
    assert found.failure == (
        "src/A.sol:3:1: the library of oz/Foo.sol is missing: the remapping oz/=node_modules/oz/contracts/ "
        "leads to node_modules/oz/contracts/Foo.sol, which does not exist "
        "(and 1 more import that cannot be found)"
    )
    assert "install it" in found.hint


def test_a_missing_file_of_the_project_is_no_library(tmp_path: Path) -> None:
    (tmp_path / "A.sol").write_text('import "./Missing.sol";\n')
    text = 'Error: Compiler run failed:\nError (6275): Source "Missing.sol" not found: x.\n --> A.sol:1:1:\n'
    found = diagnose(text, tmp_path)
    assert found.limit == ""
    assert found.failure == "A.sol:1:1: there is no file Missing.sol, imported as ./Missing.sol"


@pytest.mark.parametrize(
    "text",
    [
        "Error: solc exited with exit status: 7\nRuntimeError: memory access out of bounds\n    at wasm",
        "Error: solc exited with exit status: 1\nuncaught exception: std::bad_alloc",
        "Error: solc exited with signal: 9 (SIGKILL)",
    ],
)
def test_the_compilers_memory_is_a_limit_with_ways_out(text: str) -> None:
    found = diagnose(text, ROOT)
    assert found.limit == "solc-memory"
    assert "native solc of exactly this release on PATH, in ~/.svm or in ~/.solc-select" in found.hint
    assert "fewer files" in found.hint
    assert "a profile without via_ir" in found.hint


def test_a_compiler_that_aborts_is_at_its_limit(forge_output: Callable[[str], bytes]) -> None:
    found = diagnose(forge_output("solc-aborted.txt").decode(), ROOT)
    assert found.limit == "solc-memory"
    assert found.failure.startswith("the compiler ended without a message")


def test_words_of_the_source_are_no_limit() -> None:
    text = (
        "Error: Compiler run failed:\nError (7576): Undeclared identifier.\n --> src/A.sol:5:16:\n  |\n"
        '5 |         revert("std::bad_alloc out of memory, dns error");\n  |         ^\n'
    )
    assert diagnose(text, ROOT).limit == ""


def test_stack_too_deep_points_to_via_ir(forge_output: Callable[[str], bytes]) -> None:
    found = diagnose(forge_output("stack-too-deep.txt").decode(), ROOT)
    assert found.limit == "stack-too-deep"
    assert found.failure.startswith("src/A.sol:3:199: ")
    assert "via_ir" in found.hint


@pytest.mark.parametrize("name", ["solc-missing.txt", "solc-pragma.txt"])
def test_a_compiler_that_is_not_there_is_a_limit(forge_output: Callable[[str], bytes], name: str) -> None:
    found = diagnose(forge_output(name).decode(), ROOT)
    assert found.limit == "solc-version"
    assert "0.8.29" in found.failure


def test_an_unreachable_chain_is_the_network() -> None:
    text = (
        "Error: could not instantiate forked environment with provider 127.0.0.1\n\nContext:\n- Error #0: x\n"
    )
    found = diagnose(text, ROOT)
    assert found.limit == "network"
    assert "could not instantiate forked environment" in found.failure


def test_a_broken_configuration_is_told_apart(forge_output: Callable[[str], bytes]) -> None:
    assert diagnose(forge_output("config-broken.txt").decode(), ROOT).config


def test_silence_is_told_as_such() -> None:
    assert diagnose("", ROOT).failure == "forge failed without a word"
