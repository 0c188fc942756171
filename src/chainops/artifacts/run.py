"""The sink that a stage gets: what it puts is stored and listed in the run's manifest."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from chainops.artifacts.manifest import Manifest, MemoryManifest, check_name
from chainops.artifacts.model import Artifact
from chainops.artifacts.ports import ArtifactStore
from chainops.artifacts.store import MemoryArtifactStore, read_chunks
from chainops.core.secrets import Masker, MaskingStream

_DEFAULT_MEDIA_TYPE = "application/octet-stream"
#: kept bit by bit, for they are compared with what lies on chain; a compiler is given no secret
_EXACT_KINDS = frozenset({"contract", "build-info"})


class RunArtifacts:
    """An `ArtifactSink` for one stage of a run. Bytes are durable before the manifest names them.

    Secrets that `masker` knows are replaced in everything but what a compiler made: a test, a linter or a
    package can print each variable that it was given, and its tool's report holds what it printed.
    """

    def __init__(
        self,
        *,
        store: ArtifactStore,
        manifest: Manifest,
        stage: str = "",
        folder: str = "",
        masker: Masker | None = None,
    ) -> None:
        """With `folder` all names lie below it: cells of one stage keep things of the same name."""
        self._folder = f"{folder}/" if folder else ""
        self._store = store
        self._manifest = manifest
        self._stage = stage
        self._masker = masker or Masker()

    def put_bytes(
        self, name: str, data: bytes, *, kind: str, media_type: str = _DEFAULT_MEDIA_TYPE
    ) -> Artifact:
        """Store `data`; see `ArtifactSink.put_bytes`. Raises `ArtifactNameError`, `DiskError`."""
        name = check_name(self._folder + name)
        shown = data if kind in _EXACT_KINDS else self._masker.mask(data)
        return self._record(name, self._store.put_bytes(shown), kind, media_type)

    def put_file(
        self, name: str, path: Path, *, kind: str, media_type: str = _DEFAULT_MEDIA_TYPE
    ) -> Artifact:
        """Store a copy of `path`; see `ArtifactSink.put_file`. Raises `ArtifactSourceError` as well."""
        name = check_name(self._folder + name)
        if kind in _EXACT_KINDS:
            return self._record(name, self._store.put_file(path), kind, media_type)
        shown = _masked(read_chunks(path), self._masker)
        return self._record(name, self._store.put_chunks(shown), kind, media_type)

    def adopt(self, artifact: Artifact) -> Artifact:
        """List an artifact that is stored already, such as a cached stage's."""
        adopted = replace(artifact, stage=self._stage or artifact.stage)
        self._manifest.add(adopted)
        return adopted

    def _record(self, name: str, stored: tuple[str, int], kind: str, media_type: str) -> Artifact:
        digest, size_bytes = stored
        artifact = Artifact(
            name=name,
            kind=kind,
            digest=digest,
            size_bytes=size_bytes,
            media_type=media_type,
            stage=self._stage,
        )
        self._manifest.add(artifact)
        return artifact


def _masked(chunks: Iterable[bytes], masker: Masker) -> Iterator[bytes]:
    stream = MaskingStream(masker)
    for chunk in chunks:
        yield stream.feed(chunk)
    yield stream.close()


class MemoryArtifacts(RunArtifacts):
    """The twin for tests of stages: everything in memory, open to be looked at."""

    def __init__(self, *, stage: str = "") -> None:
        self.store = MemoryArtifactStore()
        self.manifest = MemoryManifest()
        super().__init__(store=self.store, manifest=self.manifest, stage=stage)

    def content(self, name: str) -> bytes:
        """Return what was put under `name`; raises KeyError."""
        digest = {a.name: a.digest for a in self.manifest.entries()}[name]
        return self.store.blobs[digest]
