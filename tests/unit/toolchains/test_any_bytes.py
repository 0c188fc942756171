"""Whatever a tool prints gives a result or an error of ours, and never another exception."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainops.core.errors import ChainopsError
from chainops.toolchains.adapters.foundry_build import (
    IndexedArtifact,
    parse_artifact,
    parse_index,
    parse_messages,
)
from chainops.toolchains.adapters.foundry_coverage import parse_statements, read_coverage
from chainops.toolchains.adapters.foundry_diagnosis import diagnose
from chainops.toolchains.adapters.foundry_docs import parse_page
from chainops.toolchains.adapters.foundry_gas import parse_gas
from chainops.toolchains.adapters.foundry_tests import (
    add_silent,
    has_report,
    parse_cases,
    parse_list,
    parse_report,
    silent_suites,
    without_traces,
)
from chainops.toolchains.adapters.solc_versions import choose_versions, read_head
from chainops.toolchains.failures import group_failures
from chainops.toolchains.foundry_config import FoundryConfig, config_refusal, parse_config
from chainops.toolchains.model import ContractBuild
from chainops.toolchains.source_places import callable_line, function_line

FIXTURES = Path(__file__).parents[2] / "fixtures" / "forge"
ROOT = Path("/nowhere")
CONFIG = FoundryConfig(remappings=["oz/=node_modules/oz/"])
ENTRY = IndexedArtifact(
    source="src/A.sol", name="A", solc_version="0.8.30", artifact="A.sol/A.json", build_id="b"
)


def _tests(data: bytes) -> None:
    has_report(data)
    report = parse_report(data)
    cases = parse_cases(report)
    silent_suites(report)
    without_traces(report)
    group_failures(add_silent(cases, {}))


def _documents(data: bytes) -> None:
    contract = ContractBuild(
        path="src/A.sol", name="A", runtime_size_bytes=0, init_size_bytes=0, runtime_digest="", artifact="A"
    )
    parse_page(b'{"metadata":{"output":' + data + b"}}", contract)


def _sources(data: bytes) -> None:
    text = data.decode("utf-8", "replace")
    head = read_head(text)
    choose_versions({"a": head.pragmas}, ("0.5.16", "0.8.30"))
    function_line(text, "test_A", "A")
    callable_line(text, "f(uint256)", "A")


PARSERS: dict[str, Callable[[bytes], Any]] = {
    "test-report.json": _tests,
    "test-list.json": parse_list,
    "gas-report.json": lambda data: parse_gas(data, CONFIG.layout),
    "lcov.info": lambda data: read_coverage(data, data.decode("utf-8", "replace"), CONFIG, (), ""),
    "coverage-summary.txt": lambda data: parse_statements(data.decode("utf-8", "replace")),
    "config.json": parse_config,
    "config-broken.txt": lambda data: config_refusal(data.decode("utf-8", "replace"), ROOT),
    "cache-index.json": parse_index,
    "build-info-part.json": parse_messages,
    "build-error.txt": lambda data: diagnose(data.decode("utf-8", "replace"), ROOT, CONFIG),
    "missing-library.txt": lambda data: diagnose(data.decode("utf-8", "replace"), ROOT, CONFIG),
    "artifact": lambda data: parse_artifact(data, ENTRY, CONFIG),
    "documents": _documents,
    "sources": _sources,
}

_WORDS = [
    *("test_results", "t()", "setUp()", "status", "kind", "counterexample", "Single", "Sequence", "files"),
    *("artifacts", "contract", "functions", "deployment", "gas", "abi", "devdoc", "type", "inputs"),
    *("bytecode", "deployedBytecode", "object", "errorCode", "message", "reason", "sourceLocation"),
]
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(_WORDS) | st.text(max_size=8),
            inner,
            max_size=5,
        )
    ),
    max_leaves=25,
)


@st.composite
def broken_output(draw: st.DrawFn, original: bytes) -> bytes:
    """Bytes near to what the tool prints: cut, spliced, with bytes changed; or nothing like it."""
    kind = draw(st.sampled_from(["any", "json", "cut", "splice", "change"]))
    if kind == "any" or not original:
        return draw(st.binary(max_size=400))
    if kind == "json":
        return json.dumps(draw(_JSON)).encode()
    at = draw(st.integers(0, len(original)))
    if kind == "cut":
        return original[:at]
    middle = draw(st.binary(max_size=20) | _JSON.map(lambda value: json.dumps(value).encode()))
    rest = draw(st.integers(0, 40)) if kind == "change" else draw(st.integers(0, len(original)))
    return original[:at] + middle + original[at + rest :]


def _original(name: str) -> bytes:
    path = FIXTURES / name
    return (
        path.read_bytes()
        if path.exists()
        else b'{"bytecode":{"object":"0x60"},"deployedBytecode":{"object":"0x"}}'
    )


def _feed(name: str, examples: int) -> None:
    @settings(max_examples=examples, deadline=None)
    @given(broken_output(_original(name)))
    def feed(data: bytes) -> None:
        with contextlib.suppress(ChainopsError):
            PARSERS[name](data)

    feed()


@pytest.mark.parametrize("name", PARSERS)
def test_any_bytes_give_a_result_or_an_error_of_ours(name: str) -> None:
    _feed(name, 60)


@pytest.mark.chaos
@pytest.mark.parametrize("name", PARSERS)
def test_many_thousand_outputs_give_a_result_or_an_error_of_ours(name: str) -> None:
    _feed(name, 10_000)
