"""A log is written as it comes, masked and bounded."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from chainops.core.files import DiskError
from chainops.core.secrets import Masker
from chainops.pipeline.logs import AttemptLog


def test_output_is_in_the_file_and_shown_at_once_masked(tmp_path: Path) -> None:
    shown: list[bytes] = []
    path = tmp_path / "runs" / "1.log"
    with AttemptLog(path, Masker(["hunter22"]), watch=shown.append) as log:
        log.write(b"key hunter22\n")
        assert path.read_bytes() == b"key ***\n"
        assert shown == [b"key ***\n"]


def test_past_its_limit_a_log_only_counts_and_the_watcher_still_sees_all(tmp_path: Path) -> None:
    shown: list[bytes] = []
    with AttemptLog(tmp_path / "l", Masker(), watch=shown.append, limit_bytes=10) as log:
        for _ in range(400):
            log.write(b"1234567")
    assert (tmp_path / "l").read_bytes() == b"1234567123\n[2.8 kB more were dropped]\n"
    assert len(shown) == 400


def test_a_new_attempt_does_not_write_into_an_old_log(tmp_path: Path) -> None:
    for text in (b"a long first text", b"short"):
        with AttemptLog(tmp_path / "l", Masker(), watch=lambda data: None) as log:
            log.write(text)
    assert (tmp_path / "l").read_bytes() == b"short"


def test_a_full_disk_is_named() -> None:
    # /dev/full answers every write as a full disk does: full(4)
    with (
        AttemptLog(Path("/dev/full"), Masker(), watch=lambda data: None) as log,
        pytest.raises(DiskError, match="/dev/full") as caught,
    ):
        log.write(b"x")
    assert isinstance(caught.value.__cause__, OSError)
    assert caught.value.__cause__.errno == errno.ENOSPC


def test_a_log_that_cannot_be_completed_is_still_closed(tmp_path: Path) -> None:
    log = AttemptLog(Path("/dev/full"), Masker(), watch=lambda data: None, limit_bytes=0)
    with pytest.raises(DiskError), log:
        log.write(b"dropped")
    with pytest.raises(ValueError, match="closed"):
        log._file.write(b"x")
