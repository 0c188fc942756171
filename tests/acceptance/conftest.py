"""Fixtures of the acceptance tests."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from acceptance.harness import COUNTER_CONFIG, lay


@pytest.fixture
def counter(tmp_path: Path) -> Callable[..., Path]:
    """Return a maker of counter projects: `counter("variants/reentrancy")`."""

    def make(*variants: str, config: str | None = COUNTER_CONFIG) -> Path:
        return lay(tmp_path / "counter", "counter", *variants, config=config)

    return make
