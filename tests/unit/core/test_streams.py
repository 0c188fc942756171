"""Printing to somebody who may have gone."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest

from chainops.core.streams import show


def test_what_is_shown_is_there_at_once() -> None:
    reader, writer = os.pipe()
    with os.fdopen(writer, "w") as stream:
        show(stream, "one\n")
        assert os.read(reader, 100) == b"one\n"
    os.close(reader)


def test_a_pipe_that_nobody_reads_is_no_failure_now_or_when_it_is_closed() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as stream:
        show(stream, "one\n")
        show(stream, "two\n")


def test_another_failure_is_told(tmp_path: Path) -> None:
    (tmp_path / "read-only").touch()
    with (tmp_path / "read-only").open() as stream, pytest.raises(io.UnsupportedOperation):
        show(stream, "one\n")
