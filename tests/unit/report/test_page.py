"""The page stands alone, shows every kind of run, and lets nobody's words become markup."""

import re
from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any

import pytest
import samples

from chainops.artifacts.store import MemoryArtifactStore
from chainops.report.document import result_document
from chainops.report.page import render_html

Make = Callable[[str], dict[str, Any]]
VOID = {"meta", "br", "input"}


class Page(HTMLParser):
    """Collects elements and text, and notices tags that do not match."""

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(page.decode())
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data

    def ids(self) -> set[str]:
        return {attributes["id"] or "" for _, attributes in self.elements if "id" in attributes}


def page(document: dict[str, Any], store: MemoryArtifactStore | None = None) -> Page:
    return Page(render_html(document, store))


def test_every_run_makes_a_page_that_loads_and_runs_nothing(
    any_document: dict[str, Any], store: MemoryArtifactStore
) -> None:
    shown = page(any_document, store)
    for tag, attributes in shown.elements:
        assert tag not in (
            "script",
            "img",
            "iframe",
            "object",
            "embed",
            "link",
            "form",
            "base",
            "foreignobject",
        )
        assert not [
            name for name in attributes if name.startswith("on") or name in ("style", "src", "srcdoc")
        ]
        href = attributes.get("href")
        assert href is None or href.startswith(("#", "https://"))
        if href and href.startswith("#"):
            assert href[1:] in shown.ids()


def test_the_policy_allows_our_style_and_nothing_else(make: Make) -> None:
    shown = page(make("passed"))
    policy = next(a["content"] for t, a in shown.elements if a.get("http-equiv") == "Content-Security-Policy")
    assert policy is not None
    assert re.fullmatch(
        r"default-src 'none'; style-src 'sha256-[A-Za-z0-9+/]{43}='; base-uri 'none'; form-action 'none'",
        policy,
    )


def test_strangers_words_are_text(make: Make, store: MemoryArtifactStore) -> None:
    shown = page(make("hostile"), store)
    assert "<script>document.title='owned'</script>" in shown.text
    assert "{{7*7}}" in shown.text
    assert "\u202e" not in shown.text
    assert "\x1b" not in shown.text
    raw = render_html(make("hostile")).decode()
    assert not re.search(r"""href\s*=\s*["']?\s*javascript""", raw)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (
            "passed",
            ["10 of 10 stages succeeded, 3 of 3 gates passed", "0x5FbDB2315678afecb367f032d93F642f64180aa3"],
        ),
        (
            "failed",
            [
                "What failed",
                "99 != 100",
                "calldata=0x5c3f1b2e",
                "reentrancy-eth",
                "skipped: unit-tests failed",
            ],
        ),
        (
            "paused",
            ["WAITING", "--approve sha256:1212", "waiting for an approval", "deploy Vault", '["0x01", 7]'],
        ),
        ("cancelled", ["CANCELLED", "pending"]),
        ("empty", ["RUNNING", "unnamed project"]),
    ],
)
def test_each_kind_of_run_shows_what_counts(make: Make, name: str, words: list[str]) -> None:
    shown = page(make(name)).text
    for each in words:
        assert each in shown


def test_sections_appear_with_what_they_show(make: Make, store: MemoryArtifactStore) -> None:
    everything = {
        "timeline",
        "gates",
        "tests",
        "findings",
        "coverage",
        "quality",
        "sizes",
        "gas",
        "complexity",
        "contract-deploy",
        "production-deploy",
        "smoke",
        "tools",
        "artifacts",
        "logs",
    }
    assert everything <= page(make("passed"), store).ids()
    assert page(make("empty"), store).ids() & everything <= {"quality", "artifacts", "logs"}


def test_the_critical_path_is_marked(make: Make) -> None:
    shown = page(make("failed"))
    marked = [a for _, a in shown.elements if "critical" in (a.get("class") or "").split() and "x" in a]
    assert len(marked) == 5, "four stages and the legend"
    assert "source-checkout → dependency-install → compilation → security-scan" in shown.text
    assert "waiting for an approval included" not in shown.text
    assert "waiting for an approval included" in page(make("paused")).text


def test_gas_is_compared_with_the_baseline(make: Make) -> None:
    contract = "src/Vault.sol:Vault"
    gas = [
        {"contract": contract, "function": "deposit(uint256,address)", "gas": 100_000},
        {"contract": contract, "function": "setExitFee(uint16)", "gas": 31_994},
    ]
    document = result_document(samples.passed_run(), baseline={"gas": gas})
    shown = page(document).text
    assert "+4,211 (+4.2 %)" in shown
    assert "−1,000 (−3.1 %)" in shown
    assert "new" in shown
    assert "Median against baseline" not in page(make("passed")).text


def test_a_log_is_shown_by_its_end_and_a_lost_one_is_named(make: Make, store: MemoryArtifactStore) -> None:
    assert "Compiler run successful!" in page(make("passed"), store).text
    del store.blobs[samples.LOG_ARTIFACT.digest]
    assert "this log cannot be shown" in page(make("passed"), store).text


def test_a_page_with_very_much_stays_small(make: Make) -> None:
    document = make("failed")
    scan = next(s for s in document["stages"] if s["name"] == "security-scan")
    scan["findings"] = [{**scan["findings"][0], "fingerprint": str(n)} for n in range(5000)]
    tests = next(s for s in document["stages"] if s["name"] == "unit-tests")
    tests["outputs"]["cases"] = [{**tests["outputs"]["cases"][-1], "name": f"t{n}"} for n in range(600)]
    tests["outputs"]["failure_groups"] = []
    data = render_html(document)
    assert b"4601 more findings" in data
    assert len(data) < 2_000_000
