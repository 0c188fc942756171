"""The documentation names every setting, as the code has it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from chainops.app.config import json_schema
from chainops.app.reference import reference
from chainops.app.stage_graph import DEFAULTS

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "config.md"


def names(node: Any) -> Iterator[str]:
    """Yield every property's name in a schema."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key in ("properties", "$defs") and isinstance(value, dict):
                yield from value if key == "properties" else ()
                for inner in value.values():
                    yield from names(inner)
            else:
                yield from names(value)
    elif isinstance(node, list):
        for item in node:
            yield from names(item)


def test_the_page_is_what_the_code_says() -> None:
    assert PAGE.read_text(encoding="utf-8") == reference(), (
        "run: python -m chainops.app.reference > docs/reference/config.md"
    )


def test_every_setting_and_stage_is_named() -> None:
    page = PAGE.read_text(encoding="utf-8")
    found = set(names(json_schema()))
    assert {"needs", "allow_scripts", "quality_gates", "chain_id", "fail_fast"} <= found
    assert [name for name in sorted(found | set(DEFAULTS)) if f"`{name}`" not in page] == []
