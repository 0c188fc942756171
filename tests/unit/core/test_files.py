"""A file is whole or absent, and what the disk refuses is said in words."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from chainops.core.files import DiskError, disk_errors, from_os_error, write_atomic


def test_missing_folders_are_made_and_the_mode_is_set(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "key"
    write_atomic(path, b"secret", mode=0o600)
    assert path.read_bytes() == b"secret"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_an_existing_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "f"
    write_atomic(path, b"a long first content")
    write_atomic(path, b"short")
    assert path.read_bytes() == b"short"
    assert list(tmp_path.iterdir()) == [path]


def test_a_write_that_fails_leaves_the_old_content_and_no_remains(tmp_path: Path) -> None:
    (tmp_path / "f").mkdir()
    with pytest.raises(DiskError, match="f"):
        write_atomic(tmp_path / "f", b"x")
    assert [p.name for p in tmp_path.iterdir()] == ["f"]


def test_a_file_in_the_place_of_a_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    with pytest.raises(DiskError, match=r"taken.f") as caught:
        write_atomic(tmp_path / "taken" / "f", b"x")
    assert "file stands where a folder is needed" in caught.value.hint


WRITES = """
import sys
from pathlib import Path
from chainops.core.files import write_atomic
for letter in "abcdefghijklmnopqrstuvwxyz" * 10_000:
    write_atomic(Path(sys.argv[1]), letter.encode() * 300_000)
    print(letter, flush=True)
"""


def test_a_writer_that_is_killed_leaves_one_whole_content(tmp_path: Path) -> None:
    path = tmp_path / "f"
    for lines in (1, 4, 9):
        writer = subprocess.Popen([sys.executable, "-c", WRITES, str(path)], stdout=subprocess.PIPE)
        assert writer.stdout is not None
        for _ in range(lines):
            assert writer.stdout.readline()
            content = path.read_bytes()
            assert (len(content), len(set(content))) == (300_000, 1)
        writer.kill()
        writer.communicate()
        content = path.read_bytes()
        assert (len(content), len(set(content))) == (300_000, 1)


@pytest.mark.parametrize(
    ("number", "hint"),
    [
        (errno.ENOSPC, "free some space"),
        (errno.EROFS, "read-only"),
        (errno.EACCES, "owner"),
        (errno.EIO, "failing"),
    ],
)
def test_what_the_disk_refuses_comes_with_a_hint(number: int, hint: str) -> None:
    with pytest.raises(DiskError, match="cannot write /x/y") as caught, disk_errors(Path("/x/y")):
        raise OSError(number, os.strerror(number))
    assert hint in caught.value.hint


def test_an_error_that_is_not_the_disks_passes() -> None:
    with pytest.raises(FileNotFoundError), disk_errors(Path("/x")):
        raise FileNotFoundError(errno.ENOENT, "no such file")


def test_any_other_refusal_of_the_system_is_named_with_its_file() -> None:
    error = from_os_error(OSError(errno.EMFILE, "Too many open files", "/x/y"))
    assert "Too many open files (/x/y)" in error.message
