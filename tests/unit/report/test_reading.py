"""Every renderer takes documents in which anything is missing or of another shape."""

from collections.abc import Callable
from typing import Any

import pytest

from chainops.report.github import github_annotations
from chainops.report.gitlab import render_code_quality
from chainops.report.junit import render_junit
from chainops.report.markdown import render_markdown
from chainops.report.page import render_html
from chainops.report.reading import cleaned
from chainops.report.sarif import render_sarif
from chainops.report.summary import summary

Make = Callable[[str], dict[str, Any]]
RENDERERS: dict[str, Callable[[dict[str, Any]], object]] = {
    "html": render_html,
    "junit": render_junit,
    "markdown": render_markdown,
    "sarif": render_sarif,
    "terminal": summary,
    "github": lambda document: github_annotations(document, {"GITHUB_ACTIONS": "true"}),
    "gitlab": render_code_quality,
}
JUNK = [None, 7, -1.5, "text", [], {"a": 1}, [[1]], [None], {"files": 3, "lines": "x"}, True]


@pytest.mark.parametrize("junk", JUNK)
@pytest.mark.parametrize("name", RENDERERS)
def test_outputs_of_any_shape_are_survived(make: Make, name: str, junk: object) -> None:
    document = make("failed")
    for stage in document["stages"]:
        stage["outputs"] = dict.fromkeys(stage["outputs"], junk)
        stage["metrics"] = stage["findings"] = stage["places"] = stage["started_at"] = junk
    document |= dict.fromkeys(("baseline", "commit", "quality_vector", "critical_path", "project"), junk)
    assert RENDERERS[name](document) is not None


@pytest.mark.parametrize("junk", JUNK)
@pytest.mark.parametrize("name", RENDERERS)
def test_rows_of_any_shape_are_survived(make: Make, name: str, junk: object) -> None:
    document = make("failed")
    for key in ("stages", "gates", "tools", "artifacts"):
        document[key] = [dict.fromkeys(row, junk) for row in document[key]]
    assert RENDERERS[name](document) is not None


def test_cleaning_reaches_keys_and_values_at_any_depth() -> None:
    dirty = {"a\x1b[31mb": ["x\u202ey", {"k": "\x07z"}], "n": 1.5, "none": None}
    assert cleaned(dirty) == {"ab": ["xy", {"k": "z"}], "n": 1.5, "none": None}
