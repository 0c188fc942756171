"""What runs, reports and commands ask of the place where bytes are kept."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Protocol


class ArtifactStore(Protocol):
    """Keeps bytes under their sha256 (`sha256:<hex>`); equal bytes are kept once."""

    def put_bytes(self, data: bytes) -> tuple[str, int]:
        """Keep `data`; return its digest and size in bytes. Raises `DiskError`."""

    def put_chunks(self, chunks: Iterable[bytes]) -> tuple[str, int]:
        """Keep what `chunks` give together; return digest and size in bytes. Raises `DiskError`."""

    def put_file(self, path: Path) -> tuple[str, int]:
        """Keep a copy of a regular file; return digest and size in bytes.

        Raises `ArtifactSourceError` for a missing file, a link or a device, `DiskError` when it is full.
        """

    def chunks(self, digest: str) -> Iterator[bytes]:
        """Yield the bytes kept under `digest`; after the last one their digest has been checked.

        Raises `ArtifactMissingError`, and `ArtifactChangedError` before returning from the last chunk.
        """

    def digests(self) -> Iterator[str]:
        """Yield the digest of everything kept."""


def read(store: ArtifactStore, digest: str) -> bytes:
    """Return all bytes of an artifact, checked. Raises as `ArtifactStore.chunks` does."""
    return b"".join(store.chunks(digest))


def read_tail(store: ArtifactStore, digest: str, limit_bytes: int) -> bytes:
    """Return the last `limit_bytes` of an artifact without holding more; checked like `read`."""
    tail = b""
    for chunk in store.chunks(digest):
        tail = (tail + chunk)[-limit_bytes:]
    return tail
