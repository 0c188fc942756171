"""Which files tests may reach is decided by where a permission leads, not by how it is written."""

from __future__ import annotations

from pathlib import Path

import pytest

from chainops.toolchains.foundry_files import FilePermission, narrow, write_permissions


def read(path: str) -> FilePermission:
    return FilePermission(access="read", path=path)


@pytest.mark.parametrize("path", ["out", "./out", "test/../fixtures", "deep/er/still"])
def test_a_path_inside_the_project_stays(tmp_path: Path, path: str) -> None:
    assert narrow([read(path)], tmp_path) == ((read(path),), ())


@pytest.mark.parametrize(
    "path", ["/", "..", "../beside", "/etc", "out/../../x", ".git", "./.chainops/home", "link/x"]
)
def test_a_path_that_leads_elsewhere_is_dropped(tmp_path: Path, path: str) -> None:
    (tmp_path / "link").symlink_to("/etc")
    assert narrow([read(path)], tmp_path) == ((), (read(path),))


def test_the_whole_project_stays_without_history_and_journal(tmp_path: Path) -> None:
    kept, dropped = narrow([read("./")], tmp_path)
    assert [(p.access, Path(p.path).name) for p in kept[1:]] == [(False, ".chainops"), (False, ".git")]
    assert dropped == ()


def test_what_grants_nothing_is_left_alone(tmp_path: Path) -> None:
    nothing = FilePermission(access=False, path="/")
    assert narrow([nothing], tmp_path) == ((nothing,), ())


def test_permissions_are_written_for_the_profile_in_place_of_the_old_ones() -> None:
    printed = (
        '[profile.default]\nsrc = "src"\n\n[[profile.default.fs_permissions]]\naccess = true\npath = "/"\n\n'
        '[[profile.default.fs_permissions]]\naccess = "read"\npath = "./out"\n\n[fmt]\nline_length = 120\n'
    )
    assert write_permissions(printed, [read("./out")], "default") == (
        '[profile.default]\nsrc = "src"\n\n[fmt]\nline_length = 120\n'
        '\n[[profile."default".fs_permissions]]\naccess = "read"\npath = "./out"\n'
    )
