"""A changed byte, a missing or an added file of an installed tool is found."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from chainops.tools.receipt import Receipt, differences, read_receipt, take_inventory, write_receipt


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "tool").write_bytes(b"binary")
    (tmp_path / "bin" / "link").symlink_to("tool")
    (tmp_path / "library").mkdir()
    (tmp_path / "current").symlink_to("library")
    receipt = Receipt(
        name="tool",
        version="1",
        lock_digest="sha256:1",
        package_digest="sha512:2",
        files=take_inventory(tmp_path),
        facts={},
    )
    write_receipt(tmp_path, receipt)
    return tmp_path


def receipt_of(folder: Path) -> Receipt:
    receipt = read_receipt(folder)
    assert receipt is not None
    return receipt


@pytest.mark.parametrize("thorough", [False, True])
def test_untouched_folder_has_no_differences(folder, thorough):
    assert {f.path for f in receipt_of(folder).files} == {"bin/tool", "bin/link", "current"}
    assert differences(folder, receipt_of(folder), thorough=thorough) == ()


@pytest.mark.parametrize("thorough", [False, True])
def test_changed_byte_is_found(folder, thorough):
    (folder / "bin" / "tool").write_bytes(b"binarz")
    assert differences(folder, receipt_of(folder), thorough=thorough) == ("bin/tool: content differs",)


def test_changed_byte_with_a_forged_time_is_found_by_the_thorough_look(folder):
    path = folder / "bin" / "tool"
    before = path.stat()
    path.write_bytes(b"binarz")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert differences(folder, receipt_of(folder), thorough=False) == ()
    assert differences(folder, receipt_of(folder), thorough=True) == ("bin/tool: content differs",)


def test_copied_cache_with_other_times_is_accepted(folder):
    os.utime(folder / "bin" / "tool", ns=(1, 1))
    assert differences(folder, receipt_of(folder), thorough=False) == ()


@pytest.mark.parametrize("thorough", [False, True])
def test_missing_file_and_dangling_link_are_found(folder, thorough):
    (folder / "bin" / "tool").unlink()
    found = differences(folder, receipt_of(folder), thorough=thorough)
    assert [line.split(":")[0] for line in found] == ["bin/link", "bin/tool"]


def test_redirected_link_is_found(folder):
    (folder / "bin" / "other").write_bytes(b"evil")
    (folder / "bin" / "link").unlink()
    (folder / "bin" / "link").symlink_to("other")
    assert differences(folder, receipt_of(folder), thorough=True) == (
        "bin/link: size differs",
        "bin/other: added",
    )


def test_added_file_is_found_by_the_thorough_look(folder):
    (folder / "bin" / "more.pyc").write_bytes(b"")
    assert differences(folder, receipt_of(folder), thorough=True) == ("bin/more.pyc: added",)


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b'{"name": 1}'])
def test_damaged_receipt_counts_as_none(folder, data):
    (folder / "receipt.json").write_bytes(data)
    assert read_receipt(folder) is None
