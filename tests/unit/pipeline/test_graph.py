"""A graph that can be run is put in order; one that cannot is refused with the stage at fault."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainops.core.errors import ExitCode
from chainops.pipeline.graph import Graph, GraphError, build_graph
from chainops.pipeline.model import StageNode


def graph(**needs: str) -> Graph:
    return build_graph(StageNode(name=name, needs=tuple(given.split())) for name, given in needs.items())


def test_every_stage_comes_after_its_needs() -> None:
    assert [n.name for n in graph(d="b c", b="a", c="a", a="").nodes] == ["a", "b", "c", "d"]


def test_the_given_order_is_kept_where_it_can_be() -> None:
    assert [n.name for n in graph(a="", b="a", c="", d="c").nodes] == ["a", "b", "c", "d"]


def test_what_stands_on_a_stage_is_known_directly_or_not() -> None:
    built = graph(a="", b="a", c="b", d="")
    assert built.downstream("a") == {"b", "c"}
    assert built.downstream("c") == built.downstream("d") == frozenset()
    with pytest.raises(KeyError):
        built.downstream("x")


@pytest.mark.parametrize(
    ("needs", "circle"),
    [
        ({"a": "a"}, "a → a"),
        ({"a": "b", "b": "a"}, "a → b → a"),
        ({"start": "", "a": "start c", "b": "a", "c": "b", "d": "a"}, "a → c → b → a"),
        ({"x": "a", "a": "b", "b": "a"}, "a → b → a"),
    ],
)
def test_a_circle_is_spelled_out(needs: dict[str, str], circle: str) -> None:
    with pytest.raises(GraphError) as caught:
        graph(**needs)
    assert caught.value.message == f"stages need each other in a circle: {circle}"
    assert caught.value.exit_code is ExitCode.USAGE


def test_a_need_that_does_not_exist_comes_with_the_nearest_name() -> None:
    with pytest.raises(GraphError, match="stage `test` needs `compilaton`, which does not exist") as caught:
        graph(compilation="", test="compilaton")
    assert caught.value.hint == "did you mean `compilation`?"


def test_a_need_like_no_other_comes_with_all_names() -> None:
    with pytest.raises(GraphError) as caught:
        graph(a="", b="zzzzzz")
    assert caught.value.hint == "known: a, b"


def test_a_stage_declared_twice_is_named() -> None:
    with pytest.raises(GraphError, match="`a` is declared twice"):
        build_graph([StageNode(name="a"), StageNode(name="b"), StageNode(name="a")])


@given(
    st.dictionaries(st.sampled_from("abcdefg"), st.lists(st.sampled_from("abcdefgh"), max_size=3), max_size=7)
)
def test_any_graph_is_ordered_or_refused(needs: dict[str, list[str]]) -> None:
    try:
        built = build_graph(StageNode(name=n, needs=tuple(given)) for n, given in needs.items())
    except GraphError:
        return
    seen: set[str] = set()
    for node in built.nodes:
        assert seen >= set(node.needs)
        seen.add(node.name)
    assert seen == set(needs)
