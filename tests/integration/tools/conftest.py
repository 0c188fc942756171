"""A cache of its own for the tests that install for real, filled once."""

from __future__ import annotations

from pathlib import Path

import pytest

from chainops.core.process import LocalProcessRunner
from chainops.tools.toolbox import ProvisionedToolbox


@pytest.fixture(scope="session")
def cache_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("a user's cache é")


@pytest.fixture
def toolbox(cache_dir: Path) -> ProvisionedToolbox:
    return ProvisionedToolbox(cache_dir=cache_dir, runner=LocalProcessRunner(), overrides={"node": "locked"})
