"""What forge really printed, and a project folder to read beside it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from chainops.toolchains.foundry_config import FoundryConfig, parse_config

FIXTURES = Path(__file__).parents[2] / "fixtures" / "forge"


@pytest.fixture
def forge_output() -> Callable[[str], bytes]:
    """Return the bytes of a fixture by name."""
    return lambda name: (FIXTURES / name).read_bytes()


@pytest.fixture
def config() -> FoundryConfig:
    """The configuration of the fixture project, as forge resolved it."""
    return parse_config((FIXTURES / "config.json").read_bytes())
