"""Remembers the digests of files by what the file system says of them, so that a run need not read them all.

Size and times alone can lie: a file may be rewritten with the same length within one tick of the file
system's clock, or have its modification time set back. So the inode and the time of its last change of any
kind (ctime, which no program can set) count too, and a file that changed less than two seconds before it was
read is read again next time, as Git does with its index ("racy git").
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import stat
import tempfile
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from chainops.pipeline.cache.model import ABSENT

_CHUNK_BYTES = 1 << 20
_SETTLED_NS = 2_000_000_000
_MOST_REMEMBERED = 200_000


class Stamp(NamedTuple):
    """What the file system says of a file; equal stamps of a settled file mean equal content."""

    device: int
    inode: int
    size_bytes: int
    mtime_ns: int
    ctime_ns: int

    @classmethod
    def of(cls, status: os.stat_result) -> Stamp:
        """Take it from what stat(2) returned."""
        return cls(status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)

    def is_settled(self, at_ns: int) -> bool:
        """Whether a change after `at_ns` would give another stamp."""
        return max(self.mtime_ns, self.ctime_ns) < at_ns - _SETTLED_NS


class FileFacts(NamedTuple):
    """A file's digest (`sha256:…`, or `absent`) and which of the patterns its content holds."""

    digest: str
    marks: frozenset[str] = frozenset()


_NOTHING = FileFacts(ABSENT)


class FileDigests:
    """Digests of files, kept between runs in one file that is of no use to another machine.

    `patterns` are looked for in each file that is read: what they find is remembered beside the digest.
    """

    def __init__(self, path: Path, patterns: Mapping[str, re.Pattern[bytes]] | None = None) -> None:
        self._path = path
        self._patterns = dict(patterns or {})
        self._lock = threading.Lock()
        self._known: dict[Stamp, FileFacts] | None = None
        self._changed = False

    def of(self, path: Path) -> FileFacts:
        """Return a file's facts, links followed; `absent` for what is no regular file or cannot be read."""
        try:
            status = path.stat()
            if not stat.S_ISREG(status.st_mode):
                return _NOTHING
            stamp = Stamp.of(status)
            known = self._remembered().get(stamp)
            return known or self._read(path, stamp)
        except (OSError, ValueError):
            return _NOTHING

    def _read(self, path: Path, stamp: Stamp) -> FileFacts:
        began_ns = time.time_ns()
        state, found = hashlib.sha256(), set[str]()
        with path.open("rb") as file:
            opened = Stamp.of(os.fstat(file.fileno()))
            rest = b""
            while chunk := file.read(_CHUNK_BYTES):
                state.update(chunk)
                found |= {name for name, pattern in self._patterns.items() if pattern.search(rest + chunk)}
                rest = chunk[-256:]
            ended = Stamp.of(os.fstat(file.fileno()))
        facts = FileFacts("sha256:" + state.hexdigest(), frozenset(found))
        if stamp == opened == ended and stamp.is_settled(began_ns):
            with self._lock:
                self._remembered()[stamp] = facts
                self._changed = True
        return facts

    def _remembered(self) -> dict[Stamp, FileFacts]:
        if self._known is None:
            self._known = self._load()
        return self._known

    def _load(self) -> dict[Stamp, FileFacts]:
        """Read what is known; anything but what was written whole counts as nothing."""
        try:
            check, _, body = self._path.read_bytes().partition(b"\n")
            if check.decode("ascii", "replace") != self._check(body):
                return {}
            return {Stamp(*row[:5]): FileFacts(row[5], frozenset(row[6])) for row in json.loads(body)}
        except (OSError, ValueError, TypeError, IndexError, RecursionError):
            return {}

    def _check(self, body: bytes) -> str:
        looked_for = "\n".join(f"{n} {p.pattern!r}" for n, p in sorted(self._patterns.items()))
        return hashlib.sha256(looked_for.encode() + b"\0" + body).hexdigest()

    def save(self) -> None:
        """Keep what was learnt. A disk that refuses costs the next run its time, nothing else."""
        with self._lock:
            if not self._changed or self._known is None:
                return
            self._changed = False
            newest = list(self._known.items())[-_MOST_REMEMBERED:]
        rows = [[*stamp, facts.digest, sorted(facts.marks)] for stamp, facts in newest]
        body = json.dumps(rows, separators=(",", ":")).encode()
        with contextlib.suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(dir=self._path.parent, prefix=f".{self._path.name}.")
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(self._check(body).encode() + b"\n" + body)
                Path(name).replace(self._path)
            except OSError:
                Path(name).unlink(missing_ok=True)
                raise
