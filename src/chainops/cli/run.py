"""`chainops run`: the whole pipeline, with live progress on stderr and the verdict on stdout."""

from __future__ import annotations

import asyncio
import signal
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import typer

from chainops.cli.given import refuse_empty
from chainops.cli.output import emit, note
from chainops.core.errors import ExitCode, InputError

if TYPE_CHECKING:
    from chainops.app.library import Pipeline, RunResult
    from chainops.app.options import RunOptions


def command(
    path: Path = typer.Argument(Path(), help="Folder of the project.", show_default="."),
    config: Path = typer.Option(
        None, "--config", "-c", help="Configuration to use instead of chainops.yaml."
    ),
    resume: bool = typer.Option(False, "--resume", help="Take up the newest run that has not ended."),
    run_id: str = typer.Option(
        "", "--run", help="Take up this run, by the start of its id.", callback=refuse_empty
    ),
    new: bool = typer.Option(False, "--new", help="Start a new run, also in CI after an interrupted one."),
    approve: list[str] = typer.Option(
        [], "--approve", help="Digest (sha256:…) of what waits for an approval and may be done."
    ),
    no_production: bool = typer.Option(False, "--no-production", help="Leave production-deploy out."),
    fail_fast: bool = typer.Option(False, "--fail-fast", help="Stop everything at the first failure."),
    no_cache: bool = typer.Option(
        False, "--no-cache", help="Take nothing from the cache; what succeeds is kept all the same."
    ),
    explain_cache: bool = typer.Option(
        False, "--explain-cache", help="Say for each stage why it ran, or which run its result is of."
    ),
    as_json: bool = typer.Option(False, "--json", help="Print result.json."),
) -> None:
    """Run the pipeline: ten stages from checkout to production, quality gates, one report."""
    from chainops.app.options import RunOptions
    from chainops.app.steering import this_person

    if new and (resume or run_id):
        raise InputError(f"--new and {'--run' if run_id else '--resume'} exclude each other", code="GEN102")
    options = RunOptions(
        resume=(run_id or "latest") if resume or run_id else "",
        new=new,
        approve=tuple(approve),
        approver=this_person(),
        no_production=no_production,
        fail_fast=fail_fast or None,
        no_cache=no_cache,
        explain_cache=explain_cache,
    )
    run_and_exit(path, config, options, as_json=as_json)


def run_and_exit(path: Path, config: Path | None, options: RunOptions, *, as_json: bool) -> NoReturn:
    """Run to the end, asking for approvals on a terminal; print the result and exit with its code."""
    result = _run(path, config, options)
    while result.exit_code == ExitCode.WAITING and not as_json and (digest := _ask(result)):
        options = replace(
            options, resume=result.record.run_id, rerun=None, approve=(*options.approve, digest)
        )
        result = _run(path, config, options)
    if options.explain_cache:
        _explain(result)
    _show(result, as_json=as_json)
    raise typer.Exit(result.exit_code)


def _run(path: Path, config: Path | None, options: RunOptions) -> RunResult:
    from chainops.app.library import Pipeline
    from chainops.core.process_tree import adopt_orphans
    from chainops.report.terminal import terminal_watcher

    adopt_orphans()
    with terminal_watcher(sys.stderr) as watcher:
        # outside of the event loop: an interruption while the config is read is an ordinary one
        pipeline = Pipeline(config, path, options=options, watchers=(watcher,), say=note)
        if pipeline.config_path and not config and pipeline.config_path.parent != path.absolute():
            note(f"configuration: {pipeline.config_path}")
        return asyncio.run(_execute(pipeline))


async def _execute(pipeline: Pipeline) -> RunResult:
    loop = asyncio.get_running_loop()
    for sign in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(sign, pipeline.cancel)
    return await pipeline.execute()


def _explain(result: RunResult) -> None:
    from chainops.report.caching import explanations

    for line in explanations(result.document):
        note(line)


def _show(result: RunResult, *, as_json: bool) -> None:
    import os
    import shutil

    from chainops.report.summary import summary
    from chainops.report.write import annotation_lines

    for line in annotation_lines(result.document, os.environ):
        note(line)
    text = ""
    if not as_json:
        text = summary(
            result.document,
            result.report_dir,
            colour=sys.stdout.isatty() and "NO_COLOR" not in os.environ,
            width=shutil.get_terminal_size((100, 24)).columns,
        )
    emit(result.document, text, as_json=as_json)


def _ask(result: RunResult) -> str:
    """Show on a terminal what waits; return its digest when the person agrees to it."""
    from chainops.report.approval import plan_lines

    outputs: dict[str, Any] = {}
    for stage in result.document["stages"]:
        if stage["status"] == "waiting":
            outputs = stage["outputs"]
    digest = str(outputs.get("plan_digest", ""))
    if not digest or not (sys.stdin.isatty() and sys.stderr.isatty()):
        return ""
    note("")
    for line in plan_lines(outputs):
        note(line)
    return digest if agreed() else ""


def agreed() -> bool:
    """Ask the person at the terminal whether they agree to what they were shown."""
    try:
        answer = typer.prompt("approve this plan? type `yes`", default="no", err=True)
    except typer.Abort:  # Ctrl-C or the end of the input: nobody has agreed
        note("")
        return False
    return bool(answer.strip().lower() == "yes")
