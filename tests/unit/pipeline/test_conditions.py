"""`when` decides by the circumstances of a run and evaluates nothing but its own small language."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainops.pipeline.conditions import (
    ConditionError,
    Facts,
    asks_for_changes,
    is_met,
    parse_condition,
)

MAIN = Facts(branch="main", event="push", network="sepolia", changed=("src/a/A.sol", "README.md"))
REQUEST = Facts(branch="feature/x", event="pull_request", pull_request=True, ci=True)


@pytest.mark.parametrize(
    ("condition", "on_main", "on_request"),
    [
        ("", True, True),
        ("true", True, True),
        ("not true", False, False),
        ('branch == "main"', True, False),
        ("branch != 'main'", False, True),
        ('branch == "main" and not pull_request', True, False),
        ('branch matches "feature/*"', False, True),
        ("pull_request or ci", False, True),
        ("tag", False, False),
        ("not tag", True, True),
        ('not (branch == "main" or pull_request)', False, False),
        ('network == "sepolia" and (event == "push" or event == "manual")', True, False),
        ('changed("src/**")', True, True),
        ('changed("test/**", "*.toml")', False, True),
        ('false or branch == "main" and true', True, False),
        ('tag == ""', True, True),
    ],
)
def test_conditions(condition: str, on_main: bool, on_request: bool) -> None:
    assert (is_met(condition, MAIN), is_met(condition, REQUEST)) == (on_main, on_request)


@pytest.mark.parametrize(
    ("condition", "column", "said"),
    [
        ('brnch == "main"', 1, "`brnch` is not a name"),
        ('branch = "main"', 8, "`=` is not understood"),
        ("branch == main", 11, "a text in quotes is missing"),
        ('branch == "main', 11, "a quote that is not closed"),
        ('branch == "a" tag', 15, "`tag` does not fit here"),
        ("(branch", 8, "`)` is missing before `the end`"),
        ("not", 4, "not complete"),
        ("changed()", 9, "a text in quotes is missing"),
        ("__import__('os')", 1, "`__import__` is not a name"),
        ("branch.upper()", 7, "`.` is not understood"),
        ("(" * 100 + "tag" + ")" * 100, 32, "nested too deep"),
        ("tag or " * 500 + "tag", 1, "longer than"),
    ],
)
def test_what_cannot_be_read_is_shown_with_its_column(condition: str, column: int, said: str) -> None:
    with pytest.raises(ConditionError) as caught:
        parse_condition(condition)
    assert said in caught.value.message
    assert caught.value.column == column


_WORDS = st.sampled_from(
    ["branch", "and", "or", "not", "(", ")", "==", "matches", '"a"', "changed", ",", "x", "'", "é"]
)


@settings(max_examples=200, deadline=None)
@given(st.one_of(st.text(max_size=30), st.lists(_WORDS, max_size=12).map(" ".join)))
def test_any_text_is_a_condition_or_an_error(text: str) -> None:
    try:
        assert is_met(text, MAIN) in (True, False)
    except ConditionError as error:
        assert 1 <= error.column <= len(text) + 1  # noqa: PT017 - the property under test


@pytest.mark.parametrize(
    ("text", "asks"),
    [
        ("", False),
        ('branch == "unchanged"', False),
        ('branch == "x" or tag matches "changed(*"', False),
        ('changed("src/**")', True),
        ('not (ci and changed("a", "b"))', True),
    ],
)
def test_only_a_call_asks_for_changes(text: str, asks: bool) -> None:
    assert asks_for_changes(text) is asks
