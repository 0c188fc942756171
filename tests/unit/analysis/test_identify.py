"""Fingerprints survive moved lines and tell equal neighbours apart."""

from __future__ import annotations

from pathlib import Path

from chainops.analysis.adapters import slither_report, solhint
from chainops.analysis.identify import identify
from chainops.analysis.model import Confidence, Finding, Severity
from chainops.analysis.sources import Sources
from chainops.core.errors import Place


def finding(line: int, *, symbol: str = "C.f", excerpt: str = "to.call();", rule: str = "r") -> Finding:
    return Finding(
        tool="slither",
        rule=rule,
        severity=Severity.LOW,
        confidence=Confidence.LOW,
        message="m",
        places=(Place("src/A.sol", line),),
        excerpt=excerpt,
        symbol=symbol,
    )


def test_moved_lines_keep_fingerprints() -> None:
    before = identify([finding(3), finding(9, symbol="C.g")])
    after = identify([finding(103), finding(209, symbol="C.g")])
    assert [f.fingerprint for f in before] == [f.fingerprint for f in after]


def test_white_space_takes_no_part() -> None:
    assert (
        identify([finding(3)])[0].fingerprint
        == identify([finding(3, excerpt="  to.call();\n")])[0].fingerprint
    )


def test_equal_findings_of_a_file_differ_by_their_order() -> None:
    first, second = identify([finding(9), finding(3)])
    assert (first.places[0].line, second.places[0].line) == (3, 9)
    assert first.fingerprint != second.fingerprint


def test_rule_symbol_and_excerpt_tell_apart() -> None:
    prints = {
        f.fingerprint
        for f in identify(
            [finding(1), finding(1, rule="s"), finding(1, symbol="C.g"), finding(1, excerpt="x.call();")]
        )
    }
    assert len(prints) == 4


def test_a_finding_without_place_has_a_fingerprint() -> None:
    from dataclasses import replace

    assert identify([replace(finding(1), places=())])[0].fingerprint


def test_lines_inserted_in_the_source_keep_solhints_fingerprints(bank: Path, fixtures: Path) -> None:
    raw = (fixtures / "solhint/bank.json").read_bytes()
    before = identify(solhint.findings(raw, Sources(bank)))
    source = bank / "src/Bank.sol"
    source.write_text("// one\n// two\n" + source.read_text())
    moved = raw
    for line in (38, 37, 36, 2):
        moved = moved.replace(b'"line":%d,' % line, b'"line":%d,' % (line + 2))
    after = identify(solhint.findings(moved, Sources(bank)))
    assert [f.places[0].line + 2 for f in before] == [f.places[0].line for f in after]
    assert [f.fingerprint for f in before] == [f.fingerprint for f in after]
    assert len({f.fingerprint for f in after}) == len(after) == 5


def test_lines_inserted_in_the_source_keep_slithers_fingerprints(bank: Path, fixtures: Path) -> None:
    text = (fixtures / "slither/bank.json").read_text().replace("/project/", f"{bank}/")
    wanted = frozenset(("src/Bank.sol",))
    report = slither_report.parse(text.encode())
    before = identify(slither_report.findings(report, wanted, Sources(bank)))
    source = bank / "src/Bank.sol"
    added = "// inserted: ü\n"
    source.write_text(added + source.read_text())
    for result in report.results.detectors:
        for element in result.elements:
            if element.source_mapping.filename_relative == "src/Bank.sol":
                element.source_mapping.start += len(added.encode())
                element.source_mapping.lines[:] = [n + 1 for n in element.source_mapping.lines]
    after = identify(slither_report.findings(report, wanted, Sources(bank)))
    assert [f.fingerprint for f in before] == [f.fingerprint for f in after]
    assert all(a.places[0].line == b.places[0].line + 1 for a, b in zip(after, before, strict=True))
