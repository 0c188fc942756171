"""The list of what a run keeps: a durable line an artifact, which survives a kill at any moment."""

from __future__ import annotations

import json
import os
from pathlib import Path, PurePosixPath
from typing import Any, Protocol

from chainops.artifacts.errors import ArtifactNameError, ManifestError
from chainops.artifacts.model import Artifact
from chainops.core.errors import Place
from chainops.core.files import disk_errors
from chainops.core.hashing import digest_json
from chainops.core.locks import file_lock
from chainops.core.serial import from_json, to_json
from chainops.core.text import clean

MANIFEST_NAME = "artifacts.jsonl"
_LOCK_WAIT_S = 30.0
_MAX_NAME_LENGTH = 400


def check_name(name: str) -> str:
    """Return `name` if it is a plain relative path; raises `ArtifactNameError` otherwise.

    Names come from repositories (contract and file names), so one that would leave the folder it is
    unpacked into, or that a terminal would not show as it is, is refused.
    """
    path = PurePosixPath(name)
    plain = (
        name == str(path)
        and not path.is_absolute()
        and ".." not in path.parts
        and "\\" not in name
        and name == clean(name)
        and not any(c in name for c in "\n\t")
        and name not in ("", ".")
    )
    if not plain or len(name) > _MAX_NAME_LENGTH:
        raise ArtifactNameError(
            f"{clean(name)[:80]!r} is no artifact name: it must be a plain relative path without `..`"
        )
    return name


class Manifest(Protocol):
    """A run's list of artifacts; a later entry of the same name replaces the earlier one."""

    def add(self, artifact: Artifact) -> None:
        """Record `artifact` durably. Raises `ArtifactNameError`, `DiskError`."""

    def entries(self) -> tuple[Artifact, ...]:
        """Return what the run keeps, by name. Raises `ManifestError` when the list was damaged."""


class FileManifest:
    """`artifacts.jsonl` in the run's folder: each line carries a checksum of itself."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def add(self, artifact: Artifact) -> None:
        """Append a line; see `Manifest.add`."""
        check_name(artifact.name)
        line = _encode(artifact)
        with (
            disk_errors(self.path),
            file_lock(_lock_path(self.path), wait_s=_LOCK_WAIT_S, what="the manifest"),
        ):
            handle = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
            try:
                _drop_torn_line(handle)
                os.write(handle, line)
                os.fsync(handle)
            finally:
                os.close(handle)

    def entries(self) -> tuple[Artifact, ...]:
        """Read the list; see `Manifest.entries`."""
        try:
            data = self.path.read_bytes()
        except FileNotFoundError:
            return ()
        whole, _, _torn = data.rpartition(b"\n")
        lines = whole.split(b"\n") if whole else []
        found = [_decode(line, Place(str(self.path), number)) for number, line in enumerate(lines, 1)]
        return _latest(found)


class MemoryManifest:
    """The twin for tests."""

    def __init__(self) -> None:
        self._entries: list[Artifact] = []

    def add(self, artifact: Artifact) -> None:
        """Record `artifact`; see `Manifest.add`."""
        check_name(artifact.name)
        self._entries.append(artifact)

    def entries(self) -> tuple[Artifact, ...]:
        """Return what was recorded; see `Manifest.entries`."""
        return _latest(self._entries)


def _latest(artifacts: list[Artifact]) -> tuple[Artifact, ...]:
    return tuple(sorted({a.name: a for a in artifacts}.values(), key=lambda a: a.name))


def _lock_path(path: Path) -> Path:
    return path.with_suffix(".lock")


def _drop_torn_line(handle: int) -> None:
    """Cut a line that a crash left without its end: its artifact was never reported as kept."""
    size = os.fstat(handle).st_size
    data = os.pread(handle, size, 0) if size else b""
    if data and not data.endswith(b"\n"):
        os.ftruncate(handle, data.rfind(b"\n") + 1)


def _encode(artifact: Artifact) -> bytes:
    record: dict[str, Any] = to_json(artifact)
    record["check"] = digest_json(to_json(artifact))
    return json.dumps(record, ensure_ascii=True).encode() + b"\n"


def _decode(line: bytes, place: Place) -> Artifact:
    try:
        record = json.loads(line)
        check = record.pop("check")
        artifact = from_json(Artifact, record)
        sound = check == digest_json(record)
    except (ValueError, TypeError, KeyError, AttributeError):
        sound = False
    if not sound:
        raise ManifestError(
            "this line of the list of artifacts was changed after it was written",
            place=place,
            hint="the files may be sound; run the pipeline again to have a list that can be trusted",
        )
    check_name(artifact.name)
    return artifact
