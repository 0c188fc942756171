"""Digests in one notation: `sha256:<hex>`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_CHUNK_BYTES = 1 << 20


def read_chunks(path: Path) -> Iterator[bytes]:
    """Yield a file's bytes without holding all of it."""
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            yield chunk


def digest_bytes(data: bytes) -> str:
    """Return the sha256 of `data`."""
    return "sha256:" + hashlib.sha256(data).hexdigest()


def digest_file(path: Path) -> str:
    """Return the sha256 of a file's content."""
    state = hashlib.sha256()
    for chunk in read_chunks(path):
        state.update(chunk)
    return "sha256:" + state.hexdigest()


def canonical_json(value: Any) -> bytes:
    """Serialise so that equal values give equal bytes (sorted keys, no spaces, UTF-8)."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    # surrogates stand for the bytes of file names that are not UTF-8 (PEP 383)
    return text.encode("utf-8", "surrogatepass")


def digest_json(value: Any) -> str:
    """Return the sha256 of a value's canonical JSON."""
    return digest_bytes(canonical_json(value))
