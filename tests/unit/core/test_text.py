"""A stranger's text cannot steer a terminal, break a line or flood a page."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainops.core.text import clean, decode, one_line, plural, shorten


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07after", "after"),
        ("\x1b]8;;https://evil\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1b[2J\x1b[1;1Hgone", "gone"),
        ("over\rwritten", "overwritten"),
        ("a\tb\nc", "a\tb\nc"),
        ("abc\u202edcba", "abcdcba"),
        ("zero\u200bwidth\ufeff", "zerowidth"),
        ("bell\x07 null\x00 del\x7f c1\x9b", "bell null del c1"),
        ("path\udcff", "path"),
        ("Tresor für Ξ 💥", "Tresor für Ξ 💥"),
    ],
)
def test_terminal_controls_are_dropped_and_text_is_kept(text: str, cleaned: str) -> None:
    assert clean(text) == cleaned


@given(st.text(st.characters(), max_size=60))
def test_cleaned_text_has_no_control_can_be_printed_and_stays_as_it_is(text: str) -> None:
    cleaned = clean(text)
    assert not [c for c in cleaned if unicodedata.category(c) in ("Cc", "Cs") and c not in "\n\t"]
    assert cleaned.encode().decode() == cleaned
    assert clean(cleaned) == cleaned


@given(st.text(max_size=300), st.integers(1, 50))
def test_one_line_is_one_line_within_its_limit(text: str, limit: int) -> None:
    line = one_line(text, limit)
    assert len(line) <= limit
    assert len(line.splitlines()) <= 1


def test_a_cut_is_marked() -> None:
    assert (shorten("abcdef", 4), shorten("abcd", 4)) == ("abc…", "abcd")


def test_bytes_that_are_not_utf8_are_replaced() -> None:
    assert decode(b"caf\xe9") == "caf\ufffd"


def test_nouns_take_their_number() -> None:
    assert [plural(0, "test"), plural(1, "test"), plural(2, "entry", "entries")] == [
        "0 tests",
        "1 test",
        "2 entries",
    ]
