"""The reference names every key of result.json, every format and every error code."""

import re
from pathlib import Path

from chainops.cli.report import Format
from chainops.report.schema import result_schema

ROOT = Path(__file__).parents[3]
REPORTS = (ROOT / "docs/reference/reports.md").read_text(encoding="utf-8")
ARTIFACTS = (ROOT / "docs/reference/artifacts.md").read_text(encoding="utf-8")


def codes(*folders: str) -> set[str]:
    found: set[str] = set()
    for folder in folders:
        for path in (ROOT / "src/chainops" / folder).rglob("*.py"):
            found |= set(re.findall(r'"((?:ART|REP)\d{3})"', path.read_text(encoding="utf-8")))
    return found


def test_every_key_of_result_json_is_described() -> None:
    assert [key for key in result_schema()["properties"] if f"`{key}`" not in REPORTS] == []


def test_every_format_is_named() -> None:
    assert "|".join(Format) in REPORTS


def test_every_error_code_is_explained() -> None:
    assert {
        code for code in codes("report", "cli") if code.startswith("REP") and f"`{code}`" not in REPORTS
    } == set()
    assert {code for code in codes("artifacts") if f"`{code}`" not in ARTIFACTS} == set()
