"""A log file per attempt, masked, written as the output comes, and bounded."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from chainops.core.files import disk_errors
from chainops.core.secrets import Masker
from chainops.core.units import format_bytes

#: what one attempt may write; the rest is counted and dropped
LOG_LIMIT_BYTES = 32 << 20


def _create(path: Path) -> BinaryIO:
    try:
        path.parent.mkdir()  # alone: looking whether it is there first costs more than a log
    except FileExistsError:
        pass
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
    return path.open("wb", buffering=0)


class AttemptLog:
    """Takes a stage's output: to its file and to whoever watches."""

    def __init__(
        self,
        path: Path,
        masker: Masker,
        *,
        watch: Callable[[bytes], None],
        limit_bytes: int = LOG_LIMIT_BYTES,
    ) -> None:
        self.path = path
        self._masker = masker
        self._watch = watch
        self._limit_bytes = limit_bytes
        self._written = 0
        self._dropped = 0
        with disk_errors(path):
            self._file = _create(path)

    def write(self, data: bytes) -> None:
        """Append `data`; past the limit it is only counted. Raises `DiskError` when the disk refuses."""
        data = self._masker.mask(data)
        self._watch(data)
        room = max(0, self._limit_bytes - self._written)
        kept = data[:room]
        self._dropped += len(data) - len(kept)
        if kept:
            self._written += len(kept)
            with disk_errors(self.path):
                self._file.write(kept)

    def __enter__(self) -> AttemptLog:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if self._dropped:
                with disk_errors(self.path):
                    self._file.write(f"\n[{format_bytes(self._dropped)} more were dropped]\n".encode())
        finally:
            self._file.close()
