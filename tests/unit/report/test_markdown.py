"""Markdown that fits a comment and gives strangers no voice in it."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

from chainops.report.markdown import code, escape, render_markdown

Make = Callable[[str], dict[str, Any]]
OUR_HTML = {"<!-- chainops report -->", "<details><summary>Stages</summary>", "</details>"}


def tokens(markdown: str) -> Iterator[Token]:
    for token in MarkdownIt("commonmark").enable("table").parse(markdown):
        yield token
        yield from token.children or ()


def test_the_verdict_the_cause_and_the_tables_are_there(make: Make) -> None:
    shown = render_markdown(make("failed"), report_url="https://ci.example.org/report.html")
    assert "### ✗ FAILED vault" in shown
    assert "`test/Vault.fuzz.t.sol:42`" in shown
    assert "`reentrancy-eth`" in shown
    assert "[Full report](https://ci.example.org/report.html)" in shown
    assert shown.count("| --- |") >= 4


@pytest.mark.parametrize("url", ["javascript:alert(1)", "https://a.b/)[x](http://evil", "https://a b"])
def test_a_report_url_that_is_none_makes_no_link(make: Make, url: str) -> None:
    assert "Full report" not in render_markdown(make("passed"), report_url=url)


def test_every_sample_is_made_of_our_markup_alone(any_document: dict[str, Any]) -> None:
    for token in tokens(render_markdown(any_document)):
        assert token.type not in ("link_open", "image", "html_inline")
        if token.type == "html_block":
            assert set(token.content.strip().splitlines()) <= OUR_HTML


def test_nobody_is_called_and_nothing_is_referred_to(make: Make) -> None:
    shown = "".join(t.content for t in tokens(render_markdown(make("hostile"))) if t.type == "text")
    assert not re.search(r"@\w", shown)
    assert not re.search(r"#\d", shown)


@pytest.mark.parametrize(
    "evil",
    [
        "<script>alert(1)</script>",
        "[a](http://b)",
        "![a](http://b)",
        "https://phish.example",
        "HTTP://phish.example",
        "www.phish.example",
        "<http://b>",
        "a | b",
        "**a** _b_ ~~c~~",
        "@ada",
        "fixes #12",
        "`x",
        "&lt;b&gt; &amp;",
        "# title",
        "- item",
        "/close",
        "a\n\n# b",
        "\\",
        "$x^2$",
        ":tada:",
        "!12 ~bug",
    ],
)
def test_text_is_shown_as_it_stands(evil: str) -> None:
    inline = [t for t in tokens(f"cell {escape(evil)} end") if t.type != "inline" and t.nesting == 0]
    assert {t.type for t in inline} <= {"text", "text_special"}
    shown = "".join(t.content for t in inline).replace("\u2060", "")
    assert shown == f"cell {' '.join(evil.split())} end"
    assert not re.search(r"(?i)(https?://|www\.|@\w|#\d)", "".join(t.content for t in inline))


@pytest.mark.parametrize("evil", ["a`b", "```", "a``b`", "`a", "a`", "<b>", "x|y", "a\nb", "@ada"])
def test_a_code_span_cannot_be_ended_from_within(evil: str) -> None:
    found = [t for t in tokens(f"| {code(evil)} |\n| --- |\n") if t.type == "code_inline"]
    assert [t.content for t in found] == [" ".join(evil.split())]


@pytest.mark.parametrize("limit", [500, 1000, 3000, 65_536])
def test_it_keeps_the_limit_and_says_what_it_left_out(make: Make, limit: int) -> None:
    document = make("failed")
    scan = next(s for s in document["stages"] if s["name"] == "security-scan")
    scan["findings"] = [
        {**scan["findings"][0], "message": "x" * 290, "fingerprint": str(n)} for n in range(400)
    ]
    shown = render_markdown(document, limit_characters=limit)
    assert len(shown) <= limit
    assert shown.endswith("all of it._\n") or limit == 65_536
    assert "FAILED" in shown


def test_without_reports_of_stages_there_is_still_a_verdict(make: Make) -> None:
    assert "RUNNING" in render_markdown(make("empty"))
