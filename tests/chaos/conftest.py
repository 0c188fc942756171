"""Undisturbed runs, once for each process that tests."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from chaos.checks import Undisturbed, undisturbed


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Undisturbed]:
    """Return how a graph's run goes when nobody disturbs it."""
    known: dict[str, Undisturbed] = {}

    def run(graph: str) -> Undisturbed:
        if graph not in known:
            known[graph] = undisturbed(tmp_path_factory.mktemp(f"undisturbed-{graph}"), graph)
        return known[graph]

    return run
