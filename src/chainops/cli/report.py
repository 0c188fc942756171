"""`chainops report`: any of a run's reports again, from its result.json."""

from __future__ import annotations

import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from chainops.artifacts.ports import ArtifactStore
from chainops.artifacts.runs import find_run, open_store, run_dir
from chainops.cli.output import emit
from chainops.core.errors import InputError
from chainops.core.files import write_atomic


class Format(StrEnum):
    """What a report can be written as."""

    TEXT = "text"
    HTML = "html"
    JSON = "json"
    JUNIT = "junit"
    SARIF = "sarif"
    MARKDOWN = "markdown"
    LCOV = "lcov"
    GITLAB = "gitlab"


class NoCoverageError(InputError):
    """A run that measured no coverage has no lcov file."""

    code = "REP102"


app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command("report")
def command(
    run: Annotated[
        str, typer.Argument(help="A run's id or the beginning of it; the newest if left out.")
    ] = "",
    kind: Annotated[Format, typer.Option("--format", "-f", help="What to write.")] = Format.TEXT,
    output: Annotated[str, typer.Option("--output", "-o", help="A file to write; `-` for stdout.")] = "-",
    workspace: Annotated[
        Path, typer.Option("--workspace", "-w", help="The folder given to `chainops run`.")
    ] = Path(),
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON: result.json, or what was written.")
    ] = False,
) -> None:
    """Show or write a run's report again, in any of its formats."""
    from chainops.report.schema import RESULT_NAME, read_document

    run_id = find_run(workspace, run)
    report_dir = run_dir(workspace, run_id) / "report"
    document = read_document(report_dir / RESULT_NAME)
    if as_json and output == "-":
        if kind not in (Format.TEXT, Format.JSON):
            raise InputError("--json describes what was written: it needs --output FILE", code="REP103")
        emit(document, "", as_json=True)
        return
    data = _render(kind, document, open_store(workspace), report_dir, to_terminal=output == "-")
    if output == "-":
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
        return
    write_atomic(Path(output), data)
    emit({"run_id": run_id, "format": kind, "written": output}, output, as_json=as_json)


def _render(
    kind: Format, document: dict[str, Any], store: ArtifactStore, report_dir: Path, *, to_terminal: bool
) -> bytes:
    from chainops.report import document as result
    from chainops.report.ci import repository_prefix
    from chainops.report.gitlab import render_code_quality
    from chainops.report.junit import render_junit
    from chainops.report.markdown import render_markdown
    from chainops.report.page import render_html
    from chainops.report.sarif import render_sarif

    prefix = repository_prefix(document, os.environ)
    renderers = {
        Format.TEXT: lambda: _text(document, report_dir, to_terminal=to_terminal),
        Format.HTML: lambda: render_html(document, store),
        Format.JSON: lambda: result.encode(document),
        Format.JUNIT: lambda: render_junit(document),
        Format.SARIF: lambda: render_sarif(document, prefix=prefix),
        Format.MARKDOWN: lambda: render_markdown(document).encode(),
        Format.LCOV: lambda: _lcov(document, store),
        Format.GITLAB: lambda: render_code_quality(document, prefix=prefix),
    }
    return renderers[kind]()


def _text(document: dict[str, Any], report_dir: Path, *, to_terminal: bool) -> bytes:
    import shutil

    from chainops.report.summary import summary

    colour = to_terminal and sys.stdout.isatty() and "NO_COLOR" not in os.environ
    width = shutil.get_terminal_size((100, 24)).columns
    return summary(document, report_dir, colour=colour, width=width).encode() + b"\n"


def _lcov(document: dict[str, Any], store: ArtifactStore) -> bytes:
    from chainops.report.lcov import render_lcov

    data = render_lcov(document, store)
    if data is None:
        raise NoCoverageError(
            f"run {document['run_id']} measured no coverage", hint="see the stage unit-tests in its report"
        )
    return data
