"""Two builds of one source."""

from __future__ import annotations

from dataclasses import replace

from chainops.toolchains.model import BuildResult, ContractBuild
from chainops.toolchains.reproduction import differing_contracts

VAULT = ContractBuild(
    path="src/Vault.sol",
    name="Vault",
    runtime_size_bytes=10,
    init_size_bytes=12,
    runtime_digest="sha256:a",
    init_digest="sha256:b",
    artifact="Vault.sol/Vault.json",
    solc_version="0.8.30",
)


def built(*contracts: ContractBuild) -> BuildResult:
    return BuildResult(ok=True, contracts=contracts)


def test_equal_bytecode_differs_nowhere() -> None:
    assert differing_contracts(built(VAULT), built(VAULT)) == ()


def test_other_runtime_code_is_named() -> None:
    assert differing_contracts(built(VAULT), built(replace(VAULT, runtime_digest="sha256:c"))) == (
        "src/Vault.sol:Vault",
    )


def test_other_init_code_is_named() -> None:
    assert differing_contracts(built(VAULT), built(replace(VAULT, init_digest="sha256:c")))


def test_a_contract_that_one_build_lacks_is_named() -> None:
    assert differing_contracts(built(VAULT), built()) == ("src/Vault.sol:Vault",)
    assert differing_contracts(built(), built(VAULT)) == ("src/Vault.sol:Vault",)


def test_a_contract_of_two_compilers_is_compared_with_both() -> None:
    older = replace(VAULT, solc_version="0.8.15", runtime_digest="sha256:d")
    assert differing_contracts(built(VAULT, older), built(older, VAULT)) == ()
    assert differing_contracts(built(VAULT, older), built(VAULT)) == ("src/Vault.sol:Vault",)
