"""Keeps the cache within its limits: what was used longest ago goes first, then bytes that nothing names."""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from chainops.core.files import disk_errors
from chainops.pipeline.cache.store import LIST, CacheStore, load_entry

#: bytes younger than this may belong to an entry that another process is about to write
GRACE_S = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much is kept, and for how long it is kept unused; None for no limit."""

    max_size_bytes: int | None = None
    max_age_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheSize:
    """What a cache holds."""

    entries: int = 0
    #: entries that cannot be read
    damaged: int = 0
    size_bytes: int = 0
    by_stage: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pruned:
    """What was removed."""

    entries: int = 0
    size_bytes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Held:
    path: Path
    used_at_s: float
    stage: str
    #: digests of the blobs that it needs
    needs: frozenset[str]


def measure(store: CacheStore) -> CacheSize:
    """Return what a cache holds."""
    held = _entries(store)
    stages = Counter(one.stage for one in held if one.stage)
    return CacheSize(
        entries=len(held),
        damaged=sum(not one.stage for one in held),
        size_bytes=sum(_blobs(store).values()) + sum(_size(one.path) for one in held),
        by_stage=dict(sorted(stages.items())),
    )


def exceeds(store: CacheStore, limits: Limits) -> bool:
    """Whether there is anything to prune; quick, as it reads no entry."""
    files = list(store.entry_files())
    if limits.max_age_s is not None:
        oldest_s = min((_used_at_s(path) for path in files), default=time.time())
        if time.time() - oldest_s > limits.max_age_s:
            return True
    if limits.max_size_bytes is None:
        return False
    return sum(_blobs(store).values()) + sum(map(_size, files)) > limits.max_size_bytes


def prune(
    store: CacheStore, limits: Limits, *, everything: bool = False, now_s: float | None = None
) -> Pruned:
    """Remove what exceeds the limits, and with `everything` all of it. Raises `DiskError`.

    A run that goes on at the same time finds a miss where it would have found what is removed.
    """
    now = time.time() if now_s is None else now_s
    with disk_errors(store.root):
        blobs = _blobs(store)
        before = sum(blobs.values()) + sum(_size(p) for p in store.entry_files())
        held = sorted(_entries(store), key=lambda one: (-one.used_at_s, one.path.name))
        kept = [] if everything else _within(held, blobs, limits, now)
        leaving = [one for one in held if one not in kept]
        for one in leaving:
            one.path.unlink(missing_ok=True)
        needed = frozenset[str]().union(*(one.needs for one in kept))
        _drop(store, frozenset(blobs) - needed, now_s=now, grace_s=0.0 if everything else GRACE_S)
        for folder in sorted((store.root / "entries").glob("*/*/*"), reverse=True):
            with contextlib.suppress(OSError):  # not empty
                folder.rmdir()
        after = sum(_blobs(store).values()) + sum(_size(p) for p in store.entry_files())
    return Pruned(entries=len(leaving), size_bytes=max(0, before - after))


def _within(held: list[_Held], blobs: dict[str, int], limits: Limits, now_s: float) -> list[_Held]:
    """Return the entries that may stay, of all in the order of their last use."""
    kept: list[_Held] = []
    counted: set[str] = set()
    total = 0
    for one in held:
        if not one.stage or (limits.max_age_s is not None and now_s - one.used_at_s > limits.max_age_s):
            continue
        more = one.needs - counted
        size = _size(one.path) + sum(blobs.get(digest, 0) for digest in more)
        if limits.max_size_bytes is not None and total + size > limits.max_size_bytes:
            continue
        total += size
        counted |= more
        kept.append(one)
    return kept


def _entries(store: CacheStore) -> list[_Held]:
    found = []
    for path in store.entry_files():
        with contextlib.suppress(OSError):
            used_at_s = path.stat().st_mtime
            entry = load_entry(path)
            lists = {d for name, d in entry.parts.items() if name.startswith(LIST)} if entry else set()
            needs = entry.blobs | lists if entry else frozenset[str]()
            found.append(
                _Held(path=path, used_at_s=used_at_s, stage=entry.stage if entry else "", needs=needs)
            )
    return found


def _blobs(store: CacheStore) -> dict[str, int]:
    return {digest: _size(store.blobs.path(digest)) for digest in store.blobs.digests()}


def _drop(store: CacheStore, digests: frozenset[str], *, now_s: float, grace_s: float) -> None:
    for digest in digests:
        path = store.blobs.path(digest)
        with contextlib.suppress(FileNotFoundError):
            if now_s - path.stat().st_mtime >= grace_s:
                path.unlink()
    store.blobs.sweep()


def _used_at_s(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return time.time()


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
