"""What was written as JSON comes back equal; what does not fit is refused, not bent."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import IntEnum, StrEnum
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainops.core.serial import from_json, to_json


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


class Level(IntEnum):
    LOW = 1
    HIGH = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    text: str
    size: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    name: str
    children: tuple[Tree, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Odd:
    """Has a field that cannot be read from JSON."""

    raw: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    at: datetime
    path: Path
    colour: Colour
    level: Level
    ratio: float
    on: bool
    parts: tuple[Part, ...] = ()
    tags: frozenset[str] = frozenset()
    by_name: Mapping[str, Part] = field(default_factory=dict)
    free: Mapping[str, Any] = field(default_factory=dict)
    maybe: Part | None = None


parts = st.builds(Part, text=st.text(), size=st.none() | st.integers())
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
wholes = st.builds(
    Whole,
    at=st.datetimes(timezones=st.just(UTC)).map(
        lambda d: d.replace(microsecond=d.microsecond // 1000 * 1000)
    ),
    path=st.sampled_from([Path("/a/b"), Path("ü ö/c")]),
    colour=st.sampled_from(Colour),
    level=st.sampled_from(Level),
    ratio=st.floats(allow_nan=False),
    on=st.booleans(),
    parts=st.lists(parts, max_size=3).map(tuple),
    tags=st.frozensets(st.text(max_size=3), max_size=3),
    by_name=st.dictionaries(st.text(max_size=3), parts, max_size=3),
    free=st.dictionaries(st.text(max_size=3), json_values, max_size=3),
    maybe=st.none() | parts,
)


@given(wholes)
def test_a_value_comes_back_equal_through_json_text(whole: Whole) -> None:
    assert from_json(Whole, json.loads(json.dumps(to_json(whole)))) == whole


def test_a_class_may_hold_itself() -> None:
    tree = Tree(name="a", children=(Tree(name="b", children=(Tree(name="c"),)),))
    assert from_json(Tree, to_json(tree)) == tree


def test_a_field_that_cannot_be_read_is_refused_only_where_it_is_given() -> None:
    assert from_json(Odd, {}) == Odd()
    with pytest.raises(TypeError, match="cannot read bytes"):
        from_json(Odd, {"raw": "x"})


def test_names_are_written_for_levels_and_values_for_other_enums() -> None:
    assert to_json([Level.HIGH, Colour.RED, Path("/a")]) == ["high", "red", "/a"]


def test_what_has_no_json_form_is_refused() -> None:
    with pytest.raises(TypeError, match="bytes has no JSON form"):
        to_json({"a": [b"x"]})


def test_unknown_fields_are_ignored_and_missing_ones_take_their_default() -> None:
    assert from_json(Part, {"text": "a", "later": 1}) == Part(text="a")


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        (Part, None),
        (Part, "text"),
        (Part, [1]),
        (Part, {}),
        (Part, {"text": None}),
        (Part, {"text": 3}),
        (Part, {"text": "a", "size": "b"}),
        (Part, {"text": "a", "size": 1.5}),
        (Part, {"text": "a", "size": True}),
        (Colour, "green"),
        (Level, "middle"),
        (Level, None),
        (datetime, "yesterday"),
        (datetime, 3),
        (tuple[str, ...], "abc"),
        (tuple[str, ...], {"a": 1}),
        (dict[str, int], [1]),
        (bool, "false"),
        (float, "1.5 m"),
        (bytes, "x"),
    ],
)
def test_data_that_does_not_fit_raises_type_or_value_error(kind: Any, data: Any) -> None:
    with pytest.raises((TypeError, ValueError)):
        from_json(kind, data)


@given(data=json_values)
def test_no_json_at_all_raises_anything_else(data: Any) -> None:
    try:
        from_json(Whole, data)
    except (TypeError, ValueError):
        return
    pytest.fail("a value without the required fields was accepted")
