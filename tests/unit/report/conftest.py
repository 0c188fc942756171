"""Documents of sample runs and a store that holds their artifacts."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from chainops.artifacts.store import MemoryArtifactStore
from chainops.report.document import result_document

sys.path.insert(0, str(Path(__file__).parent))
import samples

Make = Callable[[str], dict[str, Any]]


@pytest.fixture
def make() -> Make:
    """Return the result document of a sample run by its name."""

    def document(name: str) -> dict[str, Any]:
        return result_document(samples.RUNS[name](), vector=samples.VECTOR, artifacts=[samples.LOG_ARTIFACT])

    return document


@pytest.fixture(params=sorted(samples.RUNS))
def any_document(request: pytest.FixtureRequest, make: Make) -> dict[str, Any]:
    """Every sample document in turn."""
    return make(request.param)


@pytest.fixture
def store() -> MemoryArtifactStore:
    """A store with the artifacts of the sample runs."""
    store = MemoryArtifactStore()
    for blob in samples.BLOBS:
        store.put_bytes(blob)
    return store
