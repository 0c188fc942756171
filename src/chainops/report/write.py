"""Puts all reports of a run into its folder, each whole or not at all."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from chainops.artifacts.ports import ArtifactStore
from chainops.core.files import write_atomic
from chainops.report.ci import Ci, detect, repository_prefix
from chainops.report.document import encode
from chainops.report.github import append_step_summary, github_annotations
from chainops.report.gitlab import CODE_QUALITY_NAME, render_code_quality
from chainops.report.junit import render_junit
from chainops.report.lcov import render_lcov
from chainops.report.markdown import render_markdown
from chainops.report.page import render_html
from chainops.report.reading import Document
from chainops.report.sarif import render_sarif
from chainops.report.schema import RESULT_NAME

PAGE_NAME = "report.html"
MARKDOWN_NAME = "summary.md"
LCOV_NAME = "lcov.info"


def write_reports(
    document: Document, store: ArtifactStore, out_dir: Path, env: Mapping[str, str]
) -> tuple[Path, ...]:
    """Write result.json, report.html, junit.xml, results.sarif, summary.md and, if measured, lcov.info.

    In GitLab gl-code-quality-report.json as well; in GitHub Actions the step's summary gets the Markdown, see
    `annotation_lines` for the rest. Returns the files, result.json first. Raises `DiskError`, and when the
    coverage file was lost or changed `ArtifactMissingError` or `ArtifactChangedError`, after all the others
    were written.
    """
    prefix = repository_prefix(document, env)
    markdown = render_markdown(document)
    contents = {
        RESULT_NAME: encode(document),
        PAGE_NAME: render_html(document, store),
        "junit.xml": render_junit(document),
        "results.sarif": render_sarif(document, prefix=prefix),
        MARKDOWN_NAME: markdown.encode(),
    }
    if detect(env) is Ci.GITLAB:
        contents[CODE_QUALITY_NAME] = render_code_quality(document, prefix=prefix)
    for name, data in contents.items():
        write_atomic(out_dir / name, data)
    if detect(env) is Ci.GITHUB:
        append_step_summary(markdown, env)
    lcov = render_lcov(document, store)
    if lcov is not None:
        write_atomic(out_dir / LCOV_NAME, lcov)
    names = (*contents, *(() if lcov is None else (LCOV_NAME,)))
    return tuple(out_dir / name for name in names)


def annotation_lines(document: Document, env: Mapping[str, str]) -> tuple[str, ...]:
    """Return what has to be printed for the CI system to show failures beside the code; none elsewhere."""
    return github_annotations(document, env) if detect(env) is Ci.GITHUB else ()
