"""`forge test --gas-report --json`."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from chainops.toolchains.adapters.foundry_gas import parse_gas
from chainops.toolchains.errors import ToolchainOutputError
from chainops.toolchains.foundry_config import FoundryConfig


def test_own_contracts_by_function_and_deployment(
    forge_output: Callable[[str], bytes], config: FoundryConfig
) -> None:
    entries = {(e.contract, e.function): e for e in parse_gas(forge_output("gas-report.json"), config.layout)}
    deployed = entries["src/Counter.sol:Counter", "deployment"]
    assert (deployed.calls, deployed.min_gas, deployed.max_gas) == (1, 163629, 163629)
    increment = entries["src/Counter.sol:Counter", "increment()"]
    assert (increment.calls, increment.min_gas, increment.max_gas) == (3, 23574, 44950)


def test_tests_are_left_out(forge_output: Callable[[str], bytes], config: FoundryConfig) -> None:
    assert b"test/" in forge_output("gas-report.json")
    assert all(
        e.contract.startswith("src/") for e in parse_gas(forge_output("gas-report.json"), config.layout)
    )


def test_a_contract_that_no_test_deploys_has_no_deployment(config: FoundryConfig) -> None:
    output = b'[{"contract":"src/A.sol:A","deployment":{"gas":0,"size":0},"functions":{}}]'
    assert parse_gas(output, config.layout) == ()


def test_no_tests_give_no_entries(config: FoundryConfig) -> None:
    assert parse_gas(b"No tests found in project! Forge looks for ...\n", config.layout) == ()


@pytest.mark.parametrize(
    "output",
    [b"", b"\xff", b"[7]", b'[{"contract":"src/A.sol:A","functions":{"f()":{}}}]', b'[{"contract":"x']
    + [
        b'[{"contract":"src/A.sol:A","deployment":{"gas":%s}}]' % gas
        for gas in (b"1e999", b"-1", b'"1"', b"true")
    ],
)
def test_what_is_no_report_is_an_error_of_the_tool(config: FoundryConfig, output: bytes) -> None:
    with pytest.raises(ToolchainOutputError):
        parse_gas(output, config.layout)
