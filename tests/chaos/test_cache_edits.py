"""The cache with the real tools: random edits of a project, each compared with a clean rebuild.

CHAINOPS_CACHE_EDITS sets how many there are; 60 take about a quarter of an hour on two cores.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from chaos.cache_edits import Edits, compare


@pytest.mark.chaos
def test_random_edits_give_what_a_clean_rebuild_gives(tmp_path: Path) -> None:
    edits = Edits(tmp_path, seed=20260713)
    assert edits.run().code == 0
    count = int(os.environ.get("CHAINOPS_CACHE_EDITS", "60"))
    # most states compile, and many were seen before: a cache that takes next to nothing proves nothing
    assert sum(compare(edits, number) for number in range(count)) >= count
