"""The baseline file reads back as written, and every mistake in it has a place."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainops.core.errors import ChainopsError, InputErrors
from chainops.quality.baseline import (
    AcceptedFinding,
    Baseline,
    GasFigure,
    SizeFigure,
    parse_baseline,
    read_baseline,
    render,
)
from chainops.quality.errors import BaselineError

BASELINE = Baseline(
    findings=(
        AcceptedFinding(
            path="src/Ä.sol",
            rule="tx-origin",
            fingerprint="ab12",
            tool="slither",
            message="m",
            reason="known",
        ),
        AcceptedFinding(path="src/A.sol", rule="reentrancy-eth", fingerprint="cd34"),
    ),
    gas=(GasFigure(contract="src/V.sol:V", function="deposit(uint256)", gas=51_234),),
    sizes=(SizeFigure(contract="src/V.sol:V", runtime_size_bytes=7_321, init_size_bytes=8_000),),
)


def test_it_reads_back_as_written_and_sorted() -> None:
    again = parse_baseline(render(BASELINE))
    assert again.gas == BASELINE.gas
    assert again.sizes == BASELINE.sizes
    assert again.findings == tuple(sorted(BASELINE.findings))
    assert render(again) == render(BASELINE)
    assert again.accepted == {"ab12": "known", "cd34": ""}


def test_an_entry_is_a_line() -> None:
    lines = render(BASELINE).decode().splitlines()
    assert lines[0] == "{"
    assert lines[1] == '  "version": 1,'
    assert sum('"fingerprint"' in line for line in lines) == 2
    assert '"path": "src/Ä.sol"' in "\n".join(lines)
    assert render(Baseline()) == b'{\n  "version": 1,\n  "findings": [],\n  "gas": [],\n  "sizes": []\n}\n'


def test_no_file_is_no_baseline(tmp_path: Path) -> None:
    assert read_baseline(tmp_path / "chainops-baseline.json") is None
    (tmp_path / "b.json").write_bytes(render(BASELINE))
    assert read_baseline(tmp_path / "b.json") == parse_baseline(render(BASELINE))
    with pytest.raises(BaselineError, match="cannot read"):
        read_baseline(tmp_path)


def test_all_mistakes_are_told_with_their_places() -> None:
    text = """{
  "version": 2,
  "finding": [],
  "findings": [
    {"fingerprint": "a", "rule": "r", "path": "p", "reson": "typo"},
    {"fingerprint": "b", "rule": 7},
    "nothing",
    {"fingerprint": "c", "rule": "r", "path": "p"},
    {"fingerprint": "c", "rule": "r", "path": "p"}
  ],
  "gas": [{"contract": "C", "function": "f", "gas": -1}, {"contract": "C", "function": "f", "gas": true}],
  "sizes": {}
}
"""
    with pytest.raises(InputErrors) as caught:
        parse_baseline(text.encode())
    assert [(str(e.place), e.message) for e in caught.value.errors] == [
        ("chainops-baseline.json:1:1", "`version` should be 1"),
        ("chainops-baseline.json:1:1", "`finding` is unknown"),
        ("chainops-baseline.json:5:5", "`reson` is unknown in `findings`"),
        ("chainops-baseline.json:6:5", "`path` is missing in `findings`"),
        ("chainops-baseline.json:6:5", "`rule` should be text"),
        ("chainops-baseline.json:1:1", "an entry of `findings` should be an object"),
        ("chainops-baseline.json:9:5", "`findings` has this entry twice"),
        ("chainops-baseline.json:11:11", "`gas` should be a whole number from 0 on"),
        ("chainops-baseline.json:11:58", "`gas` should be a whole number from 0 on"),
        ("chainops-baseline.json:1:1", "`sizes` should be a list"),
    ]


@pytest.mark.parametrize(
    ("raw", "where"),
    [
        (b'{\n  "version": 1,\n}', "chainops-baseline.json:3:1"),
        (b"", "chainops-baseline.json:1:1"),
        (b"[]", "chainops-baseline.json:1:1"),
        (b"<<<<<<< HEAD\n{}", "chainops-baseline.json:1:1"),
        (b"[" * 100_000, "chainops-baseline.json"),
        (b"\xff\xfe{}", "chainops-baseline.json:1:1"),
    ],
)
def test_what_is_no_baseline_is_refused_with_its_place(raw: bytes, where: str) -> None:
    with pytest.raises(BaselineError) as caught:
        parse_baseline(raw)
    assert str(caught.value.place) == where


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(
            [
                "version", "findings", "gas", "sizes", "fingerprint", "rule", "path", "tool", "reason",
                "contract", "function", "runtime_size_bytes", "init_size_bytes",
            ]
        ),
        inner,
        max_size=6,
    ),
    max_leaves=20,
)  # fmt: skip
INPUTS = st.one_of(
    st.binary(),
    VALUES.map(lambda v: json.dumps(v).encode()),
    VALUES.map(lambda v: json.dumps({"version": 1, "findings": [v], "gas": [v]}).encode()),
)


def check_parsing(raw: bytes) -> None:
    try:
        baseline = parse_baseline(raw)
    except ChainopsError:
        return
    assert parse_baseline(render(baseline)) == parse_baseline(render(parse_baseline(render(baseline))))


@given(INPUTS)
def test_any_file_is_read_or_refused(raw: bytes) -> None:
    check_parsing(raw)


@pytest.mark.chaos
@settings(max_examples=10_000, deadline=None)
@given(INPUTS)
def test_ten_thousand_files_are_read_or_refused(raw: bytes) -> None:
    check_parsing(raw)
