"""What is the project's own."""

from __future__ import annotations

import pytest

from chainops.toolchains.ownership import SourceLayout, matches

FLAT = SourceLayout(source="src", test="test", script="script", libraries=("lib", "node_modules"))


@pytest.mark.parametrize("path", ["src/Vault.sol", "src/interfaces/IVault.sol", "src/a/b/C.sol"])
def test_sources_are_own(path: str) -> None:
    assert FLAT.is_own(path)


@pytest.mark.parametrize(
    "path",
    [
        "test/Vault.t.sol",
        "script/Deploy.s.sol",
        "src/Vault.t.sol",
        "src/test/Helper.sol",
        "src/Mocks/Token.sol",
        "src/MockToken.sol",
        "src/TokenMock.sol",
        "lib/solmate/src/Auth.sol",
        "node_modules/@openzeppelin/contracts/token/ERC20/ERC20.sol",
        "/elsewhere/A.sol",
        "../other/A.sol",
        "contracts/A.sol",
    ],
)
def test_tests_scripts_mocks_and_libraries_are_not(path: str) -> None:
    assert not FLAT.is_own(path)


def test_tests_beside_the_sources_do_not_disown_them() -> None:
    layout = SourceLayout(
        source="contracts", test="contracts", script="contracts", libraries=("node_modules",)
    )
    assert layout.is_own("contracts/Vault.sol")
    assert not layout.is_own("contracts/Vault.t.sol")
    assert not layout.is_own("contracts/test/Helper.sol")


def test_the_root_may_be_the_source_folder() -> None:
    layout = SourceLayout(source=".", test="test", script="script", libraries=("lib",))
    assert layout.is_own("Vault.sol")
    assert not layout.is_own("test/Vault.sol")
    assert not layout.is_own("lib/a/A.sol")


@pytest.mark.parametrize(
    ("pattern", "path", "expected"),
    [
        ("src/legacy/**", "src/legacy/a/B.sol", True),
        ("src/legacy", "src/legacy/B.sol", True),
        ("src/legacy/", "src/legacy/B.sol", True),
        ("src/*.sol", "src/A.sol", True),
        ("src/legacy", "src/legacyB.sol", False),
        ("src/B.sol", "src/A.sol", False),
    ],
)
def test_globs_cross_folders(pattern: str, path: str, expected: bool) -> None:
    assert matches(path, (pattern,)) is expected
