"""Globs over names with slashes."""

from __future__ import annotations

import pytest

from chainops.core.globs import matches_glob


@pytest.mark.parametrize(
    ("name", "glob", "fits"),
    [
        ("src/A.sol", "src/*", True),
        ("src/a/A.sol", "src/*", False),
        ("src/a/A.sol", "src/**", True),
        ("src/A.sol", "**/A.sol", True),
        ("A.sol", "**/A.sol", True),
        ("a/b/A.sol", "**/*.sol", True),
        ("src/A.sol", "src/**/A.sol", True),
        ("srcA", "src*", True),
        ("release/1", "release/?", True),
        ("release/", "release/?", False),
        ("a.sol", "a[.]sol", False),
        ("a\nb", "a*", True),
        ("", "", True),
        ("a", "", False),
    ],
)
def test_globs(name: str, glob: str, fits: bool) -> None:
    assert matches_glob(name, glob) is fits
