"""The coverage as the stage kept it, for viewers that read lcov's tracefiles."""

from __future__ import annotations

from chainops.artifacts.ports import ArtifactStore, read
from chainops.report.reading import Document, rows, text


def render_lcov(document: Document, store: ArtifactStore) -> bytes | None:
    """Return the run's `lcov.info`, None when no coverage was measured.

    Raises `ArtifactMissingError` and `ArtifactChangedError`.
    """
    for artifact in rows(document, "artifacts"):
        if text(artifact, "kind") == "coverage" and text(artifact, "name").endswith("lcov.info"):
            return read(store, text(artifact, "digest"))
    return None
