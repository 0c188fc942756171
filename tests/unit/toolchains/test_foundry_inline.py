"""A comment of a test gets no files that foundry.toml would not get."""

from __future__ import annotations

from pathlib import Path

import pytest

from chainops.core.errors import Place
from chainops.toolchains.errors import ToolchainConfigError
from chainops.toolchains.foundry_inline import refuse_inline_permissions


def write(root: Path, comment: str, name: str = "test/A.t.sol") -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"// SPDX\n{comment}\ncontract A {{}}\n")


@pytest.mark.parametrize(
    "comment",
    [
        '/// forge-config: default.fs_permissions = [{access = "read", path = "/"}]',
        '/// forge-config: default.fs-permissions = [{access = "read", path = "../x"}]',
        '/** forge-config: ci . fs_permissions = [{access = "read", path = "/"}] */',
        '/// forge-config: default.fs_permissions = [{access = "read", path = "./"}]',
        "/// forge-config: default.fs_permissions = [",
        '/// forge-config: default."fs\\u005fpermissions" = []',
        '/// forge-config: default = {fs_permissions = [{access = "read", path = "/"}]}',
        "/// forge-config: [default]",
        "/// forge-config: default.fuzz.runs = 3\r/// forge-config: default.fs_permissions = 1",
    ],
)
def test_files_elsewhere_are_refused_with_their_place(tmp_path: Path, comment: str) -> None:
    write(tmp_path, comment)
    with pytest.raises(ToolchainConfigError, match="lets tests reach files") as refused:
        refuse_inline_permissions(tmp_path)
    assert refused.value.place in (Place("test/A.t.sol", 2), Place("test/A.t.sol", 3))
    assert "allow_fs" in refused.value.hint


@pytest.mark.parametrize(
    "comment",
    [
        "/// forge-config: default.fuzz.runs = 3",
        '/// forge-config: default.fs_permissions = [{access = "read", path = "./data"}]',
        "// see forge-config: it is a comment of forge",
        "/** forge-config: default.invariant.runs = 3 */",
    ],
)
def test_what_stays_in_the_project_is_not_refused(tmp_path: Path, comment: str) -> None:
    write(tmp_path, comment)
    refuse_inline_permissions(tmp_path)


def test_libraries_are_looked_at_through_links_and_outside(tmp_path: Path) -> None:
    root, outside = tmp_path / "project", tmp_path / "outside"
    comment = '/// forge-config: default.fs_permissions = [{access = "read", path = "/"}]'
    write(outside, comment, "B.sol")
    (root / "lib").mkdir(parents=True)
    refuse_inline_permissions(root)
    with pytest.raises(ToolchainConfigError):
        refuse_inline_permissions(root, [outside])
    (root / "lib" / "link").symlink_to(outside)
    (outside / "back").symlink_to(root)
    with pytest.raises(ToolchainConfigError):
        refuse_inline_permissions(root)
