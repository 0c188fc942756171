"""Hashes every stored byte again, so that a changed or missing file is named before somebody relies on it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from chainops.artifacts.errors import ArtifactChangedError, ArtifactMissingError
from chainops.artifacts.model import Artifact
from chainops.artifacts.ports import ArtifactStore


@dataclass(frozen=True, slots=True, kw_only=True)
class Damage:
    """An artifact that is not what was stored."""

    artifact: Artifact
    #: `changed`, `missing`
    kind: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """What checking a run's artifacts gave."""

    checked: int
    size_bytes: int
    damaged: tuple[Damage, ...] = ()

    @property
    def sound(self) -> bool:
        """Whether every artifact is there as it was stored."""
        return not self.damaged


def verify(store: ArtifactStore, artifacts: Iterable[Artifact]) -> Verification:
    """Read and hash every artifact; size and digest must be those recorded."""
    checked = size_bytes = 0
    damaged = []
    for artifact in artifacts:
        checked += 1
        found = _examine(store, artifact)
        if isinstance(found, Damage):
            damaged.append(found)
        else:
            size_bytes += found
    return Verification(checked=checked, size_bytes=size_bytes, damaged=tuple(damaged))


def _examine(store: ArtifactStore, artifact: Artifact) -> Damage | int:
    try:
        size_bytes = sum(len(chunk) for chunk in store.chunks(artifact.digest))
    except ArtifactChangedError as error:
        return Damage(artifact=artifact, kind="changed", message=error.message)
    except ArtifactMissingError as error:
        return Damage(artifact=artifact, kind="missing", message=error.message)
    if size_bytes != artifact.size_bytes:
        message = f"{artifact.size_bytes} bytes were recorded, {size_bytes} are stored"
        return Damage(artifact=artifact, kind="changed", message=message)
    return size_bytes
