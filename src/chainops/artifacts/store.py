"""Keeps every byte a run produces under its digest, whole or not at all, and notices when one changes."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import re
import stat
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from chainops.artifacts.errors import ArtifactChangedError, ArtifactMissingError, ArtifactSourceError
from chainops.core.files import disk_errors, sync_folder
from chainops.core.hashing import digest_bytes

_DIGEST = re.compile(r"sha256:([0-9a-f]{64})")
_CHUNK_BYTES = 1 << 20
#: stored files are never edited, so nobody gets to write them
_BLOB_MODE = 0o444


def parse_digest(digest: str) -> str:
    """Return the hexadecimal part of `sha256:<hex>`; raises `ArtifactMissingError` for anything else."""
    match = _DIGEST.fullmatch(digest)
    if not match:
        raise ArtifactMissingError(digest)
    return match[1]


def checked(chunks: Iterable[bytes], digest: str) -> Iterator[bytes]:
    """Pass `chunks` on; raise `ArtifactChangedError` at the end when they do not give `digest`."""
    state = hashlib.sha256()
    for chunk in chunks:
        state.update(chunk)
        yield chunk
    found = "sha256:" + state.hexdigest()
    if found != digest:
        raise ArtifactChangedError(digest, found)


class LocalArtifactStore:
    """Blobs as files: `<root>/sha256/ab/<hex>`.

    A blob is written beside its place, flushed to the disk and renamed, so a reader or a crash never sees a
    part of one. Two writers of the same bytes both succeed: the second rename replaces equal by equal.
    """

    def __init__(self, root: Path, *, durable: bool = True) -> None:
        """Without `durable` a loss of power may take or damage blobs, which readers notice."""
        self._root = root
        self._incoming = root / "incoming"
        self._durable = durable

    def path(self, digest: str) -> Path:
        """Return where the blob lies or would lie."""
        name = parse_digest(digest)
        return self._root / "sha256" / name[:2] / name

    def put_bytes(self, data: bytes) -> tuple[str, int]:
        """Keep `data`; see `ArtifactStore.put_bytes`."""
        digest = digest_bytes(data)
        if not self._holds(digest):
            with self._incoming_file() as (file, name):
                file.write(data)
                self._settle(file, name, digest)
        return digest, len(data)

    def put_file(self, path: Path) -> tuple[str, int]:
        """Keep a copy of `path`; see `ArtifactStore.put_file`."""
        return self.put_chunks(read_chunks(path))

    def put_chunks(self, chunks: Iterable[bytes]) -> tuple[str, int]:
        """Keep what `chunks` give; see `ArtifactStore.put_chunks`."""
        state, size_bytes = hashlib.sha256(), 0
        with self._incoming_file() as (file, name):
            for chunk in chunks:
                state.update(chunk)
                size_bytes += len(chunk)
                file.write(chunk)
            digest = "sha256:" + state.hexdigest()
            if not self._holds(digest):
                self._settle(file, name, digest)
        return digest, size_bytes

    def chunks(self, digest: str) -> Iterator[bytes]:
        """Yield the bytes, checked; see `ArtifactStore.chunks`."""
        try:
            with self.path(digest).open("rb") as file:
                yield from checked(iter(lambda: file.read(_CHUNK_BYTES), b""), digest)
        except FileNotFoundError:
            raise ArtifactMissingError(digest) from None

    def digests(self) -> Iterator[str]:
        """Yield the digest of everything kept; see `ArtifactStore.digests`."""
        for path in sorted((self._root / "sha256").glob("??/*")):
            yield f"sha256:{path.name}"

    def sweep(self, *, older_than_s: float = 3600.0) -> int:
        """Remove what killed writers left half-written; return how many files that were."""
        removed = 0
        horizon = time.time() - older_than_s
        for path in self._incoming.glob("*") if self._incoming.is_dir() else ():
            with contextlib.suppress(FileNotFoundError):
                if path.stat().st_mtime < horizon:
                    path.unlink()
                    removed += 1
        return removed

    def _holds(self, digest: str) -> bool:
        """Whether the blob is there and sound; a damaged one is written anew."""
        try:
            for _ in self.chunks(digest):
                pass
        except (ArtifactMissingError, ArtifactChangedError):
            return False
        return True

    @contextlib.contextmanager
    def _incoming_file(self) -> Iterator[tuple[BinaryIO, Path]]:
        with disk_errors(self._root):
            self._incoming.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(dir=self._incoming)
            try:
                with os.fdopen(handle, "wb") as file:
                    yield file, Path(name)
            finally:
                Path(name).unlink(missing_ok=True)

    def _settle(self, file: BinaryIO, name: Path, digest: str) -> None:
        file.flush()
        os.fchmod(file.fileno(), _BLOB_MODE)
        if self._durable:
            os.fsync(file.fileno())
        target = self.path(digest)
        target.parent.mkdir(parents=True, exist_ok=True)
        name.replace(target)
        if self._durable:
            sync_folder(target.parent)


class MemoryArtifactStore:
    """The twin for tests: blobs in a dictionary, `blobs` open to be tampered with."""

    def __init__(self) -> None:
        self.blobs: dict[str, bytes] = {}

    def put_bytes(self, data: bytes) -> tuple[str, int]:
        """Keep `data`; see `ArtifactStore.put_bytes`."""
        digest = digest_bytes(data)
        self.blobs[digest] = data
        return digest, len(data)

    def put_file(self, path: Path) -> tuple[str, int]:
        """Keep a copy of `path`; see `ArtifactStore.put_file`."""
        return self.put_chunks(read_chunks(path))

    def put_chunks(self, chunks: Iterable[bytes]) -> tuple[str, int]:
        """Keep what `chunks` give; see `ArtifactStore.put_chunks`."""
        return self.put_bytes(b"".join(chunks))

    def chunks(self, digest: str) -> Iterator[bytes]:
        """Yield the bytes, checked; see `ArtifactStore.chunks`."""
        if digest not in self.blobs:
            raise ArtifactMissingError(digest)
        yield from checked([self.blobs[digest]], digest)

    def digests(self) -> Iterator[str]:
        """Yield the digest of everything kept; see `ArtifactStore.digests`."""
        yield from sorted(self.blobs)


def read_chunks(path: Path) -> Iterator[bytes]:
    """Yield the bytes of a regular file; raises `ArtifactSourceError` for anything else."""
    with _open_regular(path) as source:
        while chunk := source.read(_CHUNK_BYTES):
            yield chunk


def _open_regular(path: Path) -> BinaryIO:
    """Open a file that project code may have replaced: a link could point at a key, a pipe would hang."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        reason = "it is a symbolic link" if error.errno == errno.ELOOP else str(error.strerror)
        raise ArtifactSourceError(
            f"cannot keep {path}: {reason}", hint="artifacts are regular files that the stage wrote"
        ) from error
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise ArtifactSourceError(f"cannot keep {path}: it is not a regular file")
    return os.fdopen(handle, "rb")
