"""What a run keeps: named, typed, addressed by content."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """A stored file. `name` is a relative path with forward slashes, unique within a run."""

    name: str
    #: `contract`, `build-info`, `test-report`, `coverage`, `security-report`, `documentation`,
    #: `deployment`, `log`, `gas-report`, `size-report`, `source-tree`, `smoke-report`
    kind: str
    digest: str
    size_bytes: int
    media_type: str = "application/octet-stream"
    stage: str = ""


class ArtifactSink(Protocol):
    """Where a stage puts what it produced."""

    def put_bytes(self, name: str, data: bytes, *, kind: str, media_type: str = ...) -> Artifact:
        """Store `data` and return its record."""

    def put_file(self, name: str, path: Path, *, kind: str, media_type: str = ...) -> Artifact:
        """Store a copy of the file at `path` and return its record."""
