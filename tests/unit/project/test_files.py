"""Files are sorted by role, so that coverage and sizes count the project's own sources alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from chainops.project.files import find_files, role_of
from chainops.project.model import Project


def project(root: Path = Path("/p"), **values: Any) -> Project:
    return Project(toolchain="foundry", root=root, **values)


@pytest.mark.parametrize(
    ("path", "role"),
    [
        ("src/Vault.sol", "source"),
        ("src/Vault.t.sol", "test"),
        ("script/Deploy.s.sol", "script"),
        ("script/Config.sol", "script"),
        ("test/Vault.t.sol", "test"),
        ("test/Base.sol", "test"),
        ("test/mocks/MockToken.sol", "test"),
        ("src/mocks/Token.sol", "mock"),
        ("src/MockToken.sol", "mock"),
        ("src/TokenMock.sol", "mock"),
        ("src/test/PoolModifyTest.sol", "mock"),
        ("src/Mockingbird.sol", "source"),
        ("lib/x/src/X.sol", "library"),
        ("../shared/X.sol", "library"),
        ("other/X.sol", "other"),
    ],
)
def test_role_by_folder_and_name(path: str, role: str) -> None:
    assert role_of(path, project()) == role


def test_tests_inside_the_sources_are_tests() -> None:
    inside = project(src="contracts", test="contracts/test", script="contracts/script", libs=())
    assert role_of("contracts/test/A.sol", inside) == "test"
    assert role_of("contracts/A.sol", inside) == "source"


def test_a_project_whose_sources_are_the_root() -> None:
    flat = project(src=".")
    assert role_of("A.sol", flat) == "source"
    assert role_of("test/A.sol", flat) == "test"
    assert role_of("lib/a/A.sol", flat) == "library"


def test_find_files_leaves_out_build_output_and_dependencies(tmp_path: Path) -> None:
    for path in ("A.sol", "test/A.t.sol", "out/A.sol/A.json", "out/B.sol", "node_modules/x/X.sol",
                 "lib/y/Y.sol", ".chainops/Z.sol", "sub dir/Ü.sol", "script/D.s.sol", "x.md"):  # fmt: skip
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).touch()
    found = find_files(project(tmp_path, src="."))
    assert found.sources == ("A.sol", "sub dir/Ü.sol")
    assert found.tests == ("test/A.t.sol",)
    assert found.scripts == ("script/D.s.sol",)
