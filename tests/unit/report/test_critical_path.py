"""The chain of stages that decides how long a run takes."""

import random

import pytest

from chainops.report.critical_path import CriticalPath, Span, critical_path


def span(name: str, duration_s: float, *needs: str) -> Span:
    return Span(name=name, duration_s=duration_s, needs=needs)


def test_the_longest_chain_by_duration_is_found() -> None:
    spans = [span("a", 1), span("b", 10, "a"), span("c", 4, "a"), span("d", 2, "b", "c"), span("e", 5, "c")]
    assert critical_path(spans) == CriticalPath(stages=("a", "b", "d"), total_s=13)


def test_a_stage_that_did_no_work_is_not_on_the_path() -> None:
    spans = [span("a", 1), span("skipped", 0, "a"), span("b", 2, "skipped")]
    assert critical_path(spans).stages == ("a", "b")


def test_nothing_ran_gives_an_empty_path() -> None:
    assert critical_path([]) == CriticalPath(stages=(), total_s=0.0)
    assert critical_path([span("a", 0)]).stages == ()


def test_needs_that_name_no_stage_are_ignored() -> None:
    assert critical_path([span("a", 1, "gone")]).stages == ("a",)


def test_a_long_chain_needs_no_deep_stack() -> None:
    spans = [span(str(n), 1, str(n - 1)) for n in range(2000)]
    assert critical_path(reversed(spans)).total_s == 2000


def test_a_circle_is_refused() -> None:
    with pytest.raises(ValueError, match="circle"):
        critical_path([span("a", 1, "b"), span("b", 1, "a")])


def test_it_agrees_with_trying_every_chain() -> None:
    def brute(spans: dict[str, Span], name: str) -> float:
        before = (brute(spans, need) for need in spans[name].needs)
        return spans[name].duration_s + max(before, default=0)

    chance = random.Random(7)
    for _ in range(200):
        names = [str(n) for n in range(chance.randint(1, 8))]
        spans = {}
        for number, name in enumerate(names):
            needs = [n for n in names[:number] if chance.random() < 0.4]
            spans[name] = span(name, chance.choice([0, 1, 2.5, 7]), *needs)
        assert critical_path(spans.values()).total_s == pytest.approx(max(brute(spans, n) for n in names))
