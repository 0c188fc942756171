"""Sources, imports and remappings."""

from __future__ import annotations

from pathlib import Path

import pytest

from chainops.toolchains.adapters.foundry_session import (
    UnbuildableError,
    needed_versions,
    refuse_own_compilers,
)
from chainops.toolchains.adapters.foundry_sources import (
    applied_remapping,
    compiled_sources,
    gather_pragmas,
    resolve_import,
)
from chainops.toolchains.foundry_config import FoundryConfig

KNOWN = ("0.5.16", "0.8.15", "0.8.30")


def project(root: Path, **files: str) -> Path:
    for name, text in files.items():
        path = root / name.replace("__", "/")
        path = path.with_name(path.name + ".sol")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def test_pragmas_of_imports_count(tmp_path: Path) -> None:
    project(
        tmp_path,
        src__A='pragma solidity ^0.8.0; import "./B.sol"; import "oz/C.sol";',
        src__B="pragma solidity >=0.8.10;",
        node_modules__oz__contracts__C='pragma solidity 0.8.15; import "./C.sol";',
    )
    config = FoundryConfig(libs=["node_modules"], remappings=["oz/=node_modules/oz/contracts/"])
    assert compiled_sources(tmp_path, config) == ("src/A.sol", "src/B.sol")
    assert set(gather_pragmas(tmp_path, config)["src/A.sol"]) == {"^0.8.0", ">=0.8.10", "0.8.15"}
    assert needed_versions(tmp_path, config, KNOWN) == ("0.8.15",)


def test_a_pinned_release_needs_no_look_at_the_sources(tmp_path: Path) -> None:
    assert needed_versions(tmp_path, FoundryConfig(solc="0.8.30"), KNOWN) == ("0.8.30",)
    assert needed_versions(tmp_path, FoundryConfig(solc="solc:0.8.30"), KNOWN) == ("0.8.30",)


def test_a_pinned_release_that_does_not_exist_is_named_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "foundry.toml").write_text('[profile.default]\nsolc = "0.8.99"\n')
    with pytest.raises(UnbuildableError) as caught:
        needed_versions(tmp_path, FoundryConfig(solc="0.8.99"), KNOWN)
    assert caught.value.diagnosis.limit == "solc-version"
    assert "foundry.toml:2:1: solc 0.8.99" in caught.value.diagnosis.failure


def test_a_source_without_a_compiler_is_named(tmp_path: Path) -> None:
    project(tmp_path, src__A='pragma solidity 0.5.16; import "./B.sol";', src__B="pragma solidity ^0.8.0;")
    with pytest.raises(UnbuildableError) as caught:
        needed_versions(tmp_path, FoundryConfig(), KNOWN)
    assert caught.value.diagnosis.failure == (
        "src/A.sol: no solc release satisfies its pragmas and those of its imports: 0.5.16 and ^0.8.0"
    )


def test_the_longest_prefix_wins_and_contexts_limit() -> None:
    rules = ["oz/=a/", "oz/token/=b/", "lib/x:oz/=c/"]
    assert applied_remapping(rules, "src/A.sol", "oz/token/E.sol") == ("oz/token/=b/", "b/E.sol")
    assert applied_remapping(rules, "src/A.sol", "oz/E.sol") == ("oz/=a/", "a/E.sol")
    assert applied_remapping(rules, "lib/x/A.sol", "oz/E.sol") == ("lib/x:oz/=c/", "c/E.sol")
    assert applied_remapping(rules, "src/A.sol", "other/E.sol") is None


def test_an_import_that_leads_nowhere_resolves_to_nothing(tmp_path: Path) -> None:
    assert resolve_import(tmp_path, FoundryConfig(), "src/A.sol", "./B.sol") == ""


@pytest.mark.parametrize(
    "config",
    [
        FoundryConfig(solc="./tools/solc"),
        FoundryConfig.model_validate({"solc": "0.8.30", "vyper": {"path": "./vyper"}}),
    ],
)
def test_a_compiler_of_the_projects_own_is_refused(tmp_path: Path, config: FoundryConfig) -> None:
    with pytest.raises(UnbuildableError) as caught:
        refuse_own_compilers(tmp_path, config)
    assert caught.value.diagnosis.limit == "own-compiler"


def test_a_release_is_no_program(tmp_path: Path) -> None:
    refuse_own_compilers(tmp_path, FoundryConfig(solc="0.8.30"))
    refuse_own_compilers(tmp_path, FoundryConfig())
