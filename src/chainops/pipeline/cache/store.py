"""Keeps entries and their bytes on disk: whole or not at all, checked when read, one folder a trust scope."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import secrets
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from chainops.artifacts.errors import ArtifactChangedError, ArtifactMissingError
from chainops.artifacts.manifest import check_name
from chainops.artifacts.ports import read
from chainops.artifacts.store import LocalArtifactStore
from chainops.core.errors import ChainopsError
from chainops.core.files import disk_errors, write_atomic
from chainops.core.locks import file_lock
from chainops.core.serial import from_json, to_json
from chainops.pipeline.cache.model import CacheEntry, encode_list

#: entries of another form are not looked at
FORMAT = "v1"
LIST = "list:"
_SECRET_BYTES = 32
_LOCK_WAIT_S = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredEntry:
    """An entry and the file that holds it."""

    entry: CacheEntry
    path: Path


class CacheStore:
    """`<root>/v1`: `entries/<scope>/<stage>/<first key>/<key>.json`, `blobs/`, and a random `key`.

    Blobs are there before the entry that names them, and an entry appears with one rename: a reader, a second
    writer or a killed one sees all of it or nothing. Nothing is flushed to the disk: what a loss of power
    takes or damages is a miss.
    """

    def __init__(self, root: Path) -> None:
        self.folder = root
        self.root = root / FORMAT
        self.blobs = LocalArtifactStore(self.root / "blobs", durable=False)

    def secret(self) -> bytes:
        """Return the random key of this cache, made when missing.

        Digests of what may be secret are made with it: those of short values could be guessed. Raises
        `DiskError`, `LockedError`.
        """
        path = self.root / "key"
        held = _read_key(path)
        if held:
            return held
        # stages begin side by side, in several runs too: all of them have to get the same key
        with disk_errors(path), file_lock(self.root / "key.lock", wait_s=_LOCK_WAIT_S, what="the cache"):
            held = _read_key(path)
            if not held:  # none yet, or a damaged one: nothing that was made with it can be found again
                held = secrets.token_bytes(_SECRET_BYTES)
                write_atomic(path, held, mode=0o600)
            return held

    def candidates(self, scopes: Iterable[str], stage: str, first_key: str) -> Iterator[StoredEntry]:
        """Yield the sound entries that stand on these inputs, as far as known beforehand; newest first."""
        for scope in scopes:
            folder = self._stage_folder(scope, stage) / first_key.partition(":")[2]
            for path in _newest_first(folder.glob("[!.]*.json")):
                entry = load_entry(path)
                if entry and entry.stage == stage and entry.first_key == first_key:
                    yield StoredEntry(entry=entry, path=path)

    def newest(self, scopes: Iterable[str], stage: str) -> StoredEntry | None:
        """Return the entry of a stage that was stored or taken last."""
        found = (p for s in scopes for p in self._stage_folder(s, stage).glob("*/[!.]*.json"))
        for path in _newest_first(found):
            if entry := load_entry(path):
                return StoredEntry(entry=entry, path=path)
        return None

    def put(self, scope: str, entry: CacheEntry, lists: Mapping[str, Mapping[str, str]]) -> Path:
        """Store an entry whose other blobs are stored already. Raises `DiskError`."""
        for held in lists.values():
            self.blobs.put_bytes(encode_list(held))
        folder = self._stage_folder(scope, entry.stage) / entry.first_key.partition(":")[2]
        path = folder / f"{entry.key.partition(':')[2]}.json"
        with disk_errors(path):
            folder.mkdir(parents=True, exist_ok=True)
            new = folder / f".{path.name}.{secrets.token_hex(8)}"
            try:
                new.write_bytes(encode_entry(entry))
                new.replace(path)
            finally:
                new.unlink(missing_ok=True)
        return path

    def list_of(self, digest: str) -> dict[str, str]:
        """Return a stored list; empty when it is gone or damaged."""
        try:
            held = json.loads(read(self.blobs, digest))
        except (ChainopsError, OSError, ValueError, RecursionError):
            return {}
        return {str(k): str(v) for k, v in held.items()} if isinstance(held, dict) else {}

    def used(self, stored: StoredEntry) -> None:
        """Note that an entry was taken just now: what is used is pruned last."""
        with contextlib.suppress(OSError):  # a cache that is mounted read-only
            os.utime(stored.path)

    def discard(self, stored: StoredEntry) -> None:
        """Remove an entry that cannot be given back, and its damaged blobs, so that all are written anew."""
        with contextlib.suppress(OSError):
            stored.path.unlink(missing_ok=True)
        entry = stored.entry
        named = {file.digest for kept in entry.folders.values() for file in kept}
        named |= {artifact.digest for artifact in entry.outcome.artifacts} | ({entry.log} - {""})
        for digest in named:
            try:
                for _ in self.blobs.chunks(digest):
                    pass
            except (ArtifactMissingError, ArtifactChangedError, OSError):
                with contextlib.suppress(OSError, ArtifactMissingError):
                    self.blobs.path(digest).unlink(missing_ok=True)

    def entry_files(self) -> Iterator[Path]:
        """Yield the files of all entries, sound or not."""
        return (self.root / "entries").glob("*/*/*/[!.]*.json")

    def _stage_folder(self, scope: str, stage: str) -> Path:
        return self.root / "entries" / quote(scope, safe="") / quote(stage, safe="")


def encode_entry(entry: CacheEntry) -> bytes:
    """Return an entry as it is stored: a checksum, then JSON."""
    body = json.dumps(to_json(entry), ensure_ascii=True, separators=(",", ":")).encode()
    return hashlib.sha256(body).hexdigest().encode() + b"\n" + body


def load_entry(path: Path) -> CacheEntry | None:
    """Return the entry in a file; None for one that is cut off, was changed or has another form."""
    try:
        check, _, body = path.read_bytes().partition(b"\n")
        if hashlib.sha256(body).hexdigest().encode() != check:
            return None
        data: Any = json.loads(body)
        entry = from_json(CacheEntry, data)
        for kept in entry.folders.values():
            for file in kept:
                check_name(file.path)
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError, ChainopsError):
        return None
    return entry


def _read_key(path: Path) -> bytes:
    try:
        held = path.read_bytes()
    except OSError:
        return b""
    return held if len(held) == _SECRET_BYTES else b""


def _newest_first(paths: Iterable[Path]) -> list[Path]:
    found: list[tuple[int, str, Path]] = []
    for path in paths:
        with contextlib.suppress(OSError):  # pruned meanwhile
            found.append((path.stat().st_mtime_ns, path.name, path))
    return [path for *_, path in sorted(found, reverse=True)]
