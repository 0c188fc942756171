"""A suppression needs a rule, a reason and the right place; what it suppresses stays in the report."""

from __future__ import annotations

from pathlib import Path

import pytest

from chainops.analysis.identify import identify
from chainops.analysis.model import Confidence, Finding, Severity
from chainops.analysis.sources import Sources
from chainops.analysis.suppress import incomplete_ignores, suppress
from chainops.core.errors import Place

SOURCE = """contract C {
    // chainops-ignore: tx-origin known until v2
    function f() external { tx.origin; }
    function g() external { tx.origin; } // chainops-ignore: slither/tx-origin - the relayer's way
    // chainops-ignore: tx-origin
    function h() external { tx.origin; }
    /* chainops-ignore tx-origin: block comments too */
    function i() external { tx.origin; }
    string s = "// chainops-ignore: tx-origin not a comment";
    function k() external { tx.origin; }
    // chainops-ignore
}
"""


@pytest.fixture
def sources(tmp_path: Path) -> Sources:
    (tmp_path / "A.sol").write_text(SOURCE)
    return Sources(tmp_path)


def at(line: int, rule: str = "tx-origin", path: str = "A.sol") -> Finding:
    return Finding(
        tool="slither",
        rule=rule,
        severity=Severity.MEDIUM,
        confidence=Confidence.HIGH,
        message="m",
        places=(Place(path, line, 5),),
        excerpt=f"line {line}",
    )


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (2, "A.sol:2: known until v2"),
        (3, "A.sol:2: known until v2"),
        (4, "A.sol:4: the relayer's way"),
        (5, "A.sol:4: the relayer's way"),
        (6, ""),
        (8, "A.sol:7: block comments too"),
        (10, ""),
    ],
)
def test_a_comment_counts_on_its_line_and_the_next(sources: Sources, line: int, reason: str) -> None:
    assert suppress([at(line)], sources, {})[0].suppressed_by == reason


def test_another_rule_is_not_suppressed(sources: Sources) -> None:
    assert suppress([at(3, "reentrancy-eth")], sources, {})[0].suppressed_by == ""


def test_rules_that_mean_the_same_are_suppressed_together(sources: Sources) -> None:
    from dataclasses import replace

    other = replace(at(3, "avoid-tx-origin"), tool="solhint")
    assert suppress([other], sources, {})[0].suppressed_by == "A.sol:2: known until v2"
    by_tool = replace(at(4, "avoid-tx-origin"), tool="solhint")
    assert suppress([by_tool], sources, {})[0].suppressed_by == "A.sol:4: the relayer's way"


def test_a_file_that_is_gone_suppresses_nothing(sources: Sources) -> None:
    assert suppress([at(3, path="B.sol")], sources, {})[0].suppressed_by == ""


def test_a_file_outside_the_root_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "out.sol").write_text("// chainops-ignore: tx-origin because\n")
    root = tmp_path / "root"
    root.mkdir()
    assert suppress([at(1, path="../out.sol")], Sources(root), {})[0].suppressed_by == ""


def test_a_baseline_entry_needs_a_reason(sources: Sources) -> None:
    (finding,) = identify([at(10)])
    assert suppress([finding], sources, {finding.fingerprint: ""})[0].suppressed_by == ""
    accepted = suppress([finding], sources, {finding.fingerprint: "audited\nin May"})
    assert accepted[0].suppressed_by == "baseline: audited in May"


def test_an_ignore_without_reason_or_rule_is_a_finding(sources: Sources) -> None:
    found = incomplete_ignores(["A.sol"], sources)
    assert [(f.places[0].line, f.message) for f in found] == [
        (5, "chainops-ignore has no reason"),
        (11, "chainops-ignore has no rule"),
    ]
