"""One mistake at one place is one finding, whoever found it."""

from __future__ import annotations

from chainops.analysis.merge import merge
from chainops.analysis.model import Confidence, Finding, Severity
from chainops.core.errors import Place


def said(tool: str, rule: str, severity: Severity, *, line: int = 4, suppressed_by: str = "") -> Finding:
    return Finding(
        tool=tool,
        rule=rule,
        severity=severity,
        confidence=Confidence.MEDIUM,
        message=f"{tool} says",
        places=(Place("src/A.sol", line, len(tool)),),
        suppressed_by=suppressed_by,
    )


SLITHER = said("slither", "tx-origin", Severity.MEDIUM)
SOLHINT = said("solhint", "avoid-tx-origin", Severity.INFO)


def test_the_most_severe_speaks_and_names_the_others() -> None:
    (joined,) = merge([SOLHINT, SLITHER])
    assert (joined.tool, joined.severity, joined.also) == (
        "slither", Severity.MEDIUM, ("solhint:avoid-tx-origin",),
    )  # fmt: skip


def test_other_lines_meanings_and_the_same_tool_stay_apart() -> None:
    others = [
        SLITHER,
        said("solhint", "avoid-tx-origin", Severity.INFO, line=5),
        said("solhint", "no-console", Severity.INFO),
        said("slither", "tx-origin", Severity.MEDIUM),
    ]
    assert merge(others) == tuple(others)


def test_a_rule_of_many_meanings_does_not_join_strangers() -> None:
    naming = said("slither", "naming-convention", Severity.INFO)
    function = said("forge-lint", "mixed-case-function", Severity.INFO)
    variable = said("solhint", "var-name-mixedcase", Severity.INFO)
    assert [f.also for f in merge([naming, function, variable])] == [("forge-lint:mixed-case-function",), ()]


def test_a_suppression_of_one_is_one_of_all() -> None:
    reviewed = said("solhint", "avoid-tx-origin", Severity.INFO, suppressed_by="src/A.sol:3: known")
    assert merge([SLITHER, reviewed])[0].suppressed_by == "src/A.sol:3: known"


def test_findings_without_place_are_kept() -> None:
    from dataclasses import replace

    nowhere = replace(SLITHER, places=())
    assert merge([nowhere, nowhere]) == (nowhere, nowhere)
