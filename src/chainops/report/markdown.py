"""The run as Markdown for a pull request or a step summary: short, and deaf to what strangers wrote in it."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Sequence

from chainops.core.text import one_line, plural
from chainops.report import details, figures
from chainops.report.headline import SIGNS, Failure, headline
from chainops.report.reading import Document, cleaned, integer, number, outputs, rows, text
from chainops.report.tables import (
    FindingRow,
    deployed_rows,
    finding_rows,
    gate_rows,
    severity_counts,
    size_rows,
    test_stages,
)

#: the most that GitHub takes for a comment
COMMENT_LIMIT_CHARACTERS = 65_536
_MARK = "<!-- chainops report -->"
_CUT = "\n_The rest was left out: it would not fit here. The HTML report has all of it._\n"
_SPECIAL = re.compile(r"([\\`*_{}\[\]()#+\-.!|~$:])")
#: keeps what stands before and after it apart, and is not seen (Unicode, WORD JOINER)
_JOINER = "\u2060"
_MOST_ROWS = 15


def render_markdown(
    document: Document, *, limit_characters: int = COMMENT_LIMIT_CHARACTERS, report_url: str = ""
) -> str:
    """Return the run as GitHub-flavoured Markdown of at most `limit_characters`.

    Whole sections are left out from the end when it would be longer, and it says so. `report_url` links the
    full report.
    """
    document = cleaned(document)
    sections = [
        _verdict(document),
        _failures(headline(document).failures),
        _gates(document),
        _findings(finding_rows(document)),
        _figures(document),
        _gas(document),
        _deployed(document),
        _stages(document),
    ]
    if report_url.startswith(("https://", "http://")) and not re.search(r"[\s()<>]", report_url):
        sections.insert(1, f"[Full report]({report_url})\n")
    return _fit([s for s in sections if s], limit_characters)


def escape(value: str, limit: int = 300) -> str:
    """Return text that Markdown shows as it is: no markup, HTML, mention, reference or link comes of it."""
    shown = _SPECIAL.sub(r"\\\1", html.escape(one_line(value, limit), quote=False))
    shown = shown.replace("@", f"@{_JOINER}").replace(r"\#", rf"\#{_JOINER}")
    shown = re.sub(r"(?i)(https?|ftp)\\:", rf"\1{_JOINER}\\:", shown)
    return re.sub(r"(?i)www\\\.", rf"www{_JOINER}\\.", shown)


def code(value: str, limit: int = 200) -> str:
    """Return a code span that its content cannot end (CommonMark 6.1), fit for a table cell."""
    shown = one_line(value, limit).replace("|", "\\|")
    if not shown:
        return ""
    longest = max((len(run) for run in re.findall("`+", shown)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if longest else ""
    return f"{fence}{pad}{shown}{pad}{fence}"


def _fit(sections: Sequence[str], limit: int) -> str:
    whole = _MARK + "\n"
    for position, section in enumerate(sections):
        last = position == len(sections) - 1
        if len(whole) + len(section) + 1 > limit - (0 if last else len(_CUT)):
            return (whole + _CUT)[:limit]
        whole += "\n" + section
    return whole


def _table(head: Sequence[str], body: Iterable[Sequence[str]], align: str = "") -> str:
    """Return a table; `align` has a letter a column, `r` for figures."""
    rule = ["--:" if side == "r" else "---" for side in align.ljust(len(head))]
    lines = [head, rule, *body]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def _verdict(document: Document) -> str:
    verdict = headline(document)
    name = escape(text(document, "project", "name") or text(document, "pipeline_id"), 80)
    facts = [
        code(text(document, "commit", "id")[:12]),
        figures.milliseconds(number(document, "duration_ms")),
        f"run {code(text(document, 'run_id'))}",
    ]
    title = f"### {SIGNS.get(verdict.status, '?')} {verdict.label} {name}\n\n"
    hint = f"hint: {code(verdict.hint, 500)}\n\n" if verdict.hint else ""
    return f"{title}{escape(verdict.sentence, 500)}\n\n{hint}{' · '.join(f for f in facts if f)}\n"


def _failures(found: tuple[Failure, ...]) -> str:
    if not found:
        return ""
    lines = []
    for failure in found[:_MOST_ROWS]:
        allowed = " (allowed to fail)" if failure.allowed else ""
        lines.append(f"- **{escape(failure.what, 80)}**{allowed}: {escape(failure.reason, 500)}")
        if failure.places:
            lines.append("  at " + ", ".join(code(where) for where in failure.places[:5]))
        if failure.hint:
            lines.append(f"  hint: {escape(failure.hint, 500)}")
    return "\n".join(lines) + "\n"


def _gates(document: Document) -> str:
    found = gate_rows(document)
    if not found:
        return ""
    body = [
        (
            SIGNS["passed" if g.passed else "failed"],
            escape(g.gate, 60),
            escape(g.measured),
            escape(g.threshold),
            escape(g.margin),
            code(g.place),
        )
        for g in found
    ]
    return "#### Gates\n\n" + _table(("", "Gate", "Measured", "Threshold", "Margin", "Place"), body, "  rrr")


def _findings(found: tuple[FindingRow, ...]) -> str:
    counting = [f for f in found if not f.suppressed_by]
    if not found:
        return ""
    counts = ", ".join(f"{n} {escape(s, 20)}" for s, n in severity_counts(found).items()) or "none"
    suppressed = len(found) - len(counting)
    title = f"#### Findings: {counts}" + (f" ({suppressed} suppressed)" if suppressed else "")
    body = [
        (escape(f.severity, 20), code(f.rule), code(f.place), escape(f.message))
        for f in counting[:_MOST_ROWS]
    ]
    more = f"\n{plural(len(counting) - _MOST_ROWS, 'more finding')}\n" if len(counting) > _MOST_ROWS else ""
    return f"{title}\n\n" + (_table(("Severity", "Rule", "Place", "Message"), body) if body else "") + more


def _figures(document: Document) -> str:
    body = []
    for stage, left in test_stages(document):
        counts = left.get("tests")
        passed, total = integer(counts, "passed"), integer(counts, "total")
        body.append((f"Tests ({escape(stage, 40)})", f"{passed} of {total} passed"))
    coverage = outputs(document, "unit-tests").get("coverage")
    for kind in ("lines", "branches"):
        share = number(coverage, kind)
        if share is not None:
            body.append((f"Coverage of {kind}", figures.percent(share)))
    for size in size_rows(document)[:3]:
        share = size.runtime_bytes / size.limit_bytes
        shown = f"{figures.figure(size.runtime_bytes, 'bytes')}, {figures.percent(share)} of the limit"
        body.append((f"Size of {code(size.contract)}", shown))
    body += [
        (f"Quality: {part.name}", "not measured" if part.value is None else f"{part.value:.2f}")
        for part in details.dimensions(document)
    ]
    return "#### Figures\n\n" + _table(("", ""), body, " r") if body else ""


def _gas(document: Document) -> str:
    changed = [row for row in details.gas_rows(document) if row.trend]
    if not changed:
        return ""
    changed.sort(key=lambda row: (row.trend != "worse", row.contract, row.function))
    body = [
        (code(f"{row.contract.rpartition(':')[2]}.{row.function}"), f"{row.median_gas:,}", escape(row.change))
        for row in changed[:_MOST_ROWS]
    ]
    return "#### Gas against the baseline\n\n" + _table(("Function", "Median", "Change"), body, " rr")


def _deployed(document: Document) -> str:
    body = [
        (escape(row.network, 40), code(row.name), code(row.address), f"{row.gas_used:,}", escape(row.cost))
        for row in deployed_rows(document)[:_MOST_ROWS]
    ]
    head = ("Network", "Contract", "Address", "Gas", "Cost")
    return "#### Deployed\n\n" + _table(head, body, "   rr") if body else ""


def _stages(document: Document) -> str:
    body = [
        (
            SIGNS.get(text(s, "status"), "?"),
            escape(text(s, "name"), 40),
            figures.milliseconds(number(s, "duration_ms")) if s.get("attempts") else "",
            escape(text(s, "reason"), 160),
        )
        for s in rows(document, "stages")
    ]
    if not body:
        return ""
    table = _table(("", "Stage", "Time", ""), body, "  r")
    return f"<details><summary>Stages</summary>\n\n{table}\n</details>\n"
