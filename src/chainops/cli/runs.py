"""`chainops runs`: what runs there are, what they say, and steering them from any terminal."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from chainops.cli.given import refuse_empty
from chainops.cli.output import emit, note

if TYPE_CHECKING:
    from chainops.app.run_logs import LogLine, LogReader
    from chainops.app.runs import RunSummary, RunView, Standing
    from chainops.app.steering import Steered, Steering

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    no_args_is_help=True,
    help="List, show, follow and steer runs, from any terminal.",
)

#: more would only be read slowly
MOST_LISTED = 100_000

Run = Annotated[
    str, typer.Argument(help="A run's id or the beginning of it, or `latest`.", callback=refuse_empty)
]
Workspace = Annotated[Path, typer.Option("--workspace", "-w", help="The folder given to `chainops run`.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
AsResult = Annotated[bool, typer.Option("--json", help="Print result.json.")]
Config = Annotated[
    Path | None, typer.Option("--config", "-c", help="Configuration to use instead of chainops.yaml.")
]


@app.command("list")
def list_runs(
    workspace: Workspace = Path(),
    limit: Annotated[
        int, typer.Option("--limit", "-n", min=1, max=MOST_LISTED, help="How many, the newest first.")
    ] = 20,
    as_json: AsJson = False,
) -> None:
    """List runs: id, status, since when, how long, what they do or wait for, and who runs them."""
    from chainops.app.runs import list_runs as newest
    from chainops.app.runs import open_runs
    from chainops.core.clock import SystemClock

    with open_runs(workspace) as state:
        found = newest(state, SystemClock().now(), limit=limit)
    emit({"runs": found}, _table(found) if found else f"no run in {workspace}", as_json=as_json)


@app.command("show")
def show(run: Run = "latest", workspace: Workspace = Path(), as_json: AsJson = False) -> None:
    """Show a run as it stands, also while it goes on; --json prints its result.json."""
    from chainops.app.reporting import kept_logs, run_document
    from chainops.app.runs import RunView, find_run, open_runs, summarise
    from chainops.artifacts.runs import run_dir
    from chainops.core.clock import SystemClock
    from chainops.report.summary import summary

    with open_runs(workspace) as state:
        view = RunView(state, find_run(state.journal, run, workspace))
        line = summarise(view.run, view.holder, SystemClock().now())
    document = run_document(view.run, kept_logs(view.run, workspace))
    text = ""
    if not as_json:
        folder = run_dir(workspace, view.run.run_id) / "report"
        colour = sys.stdout.isatty() and "NO_COLOR" not in os.environ
        width = shutil.get_terminal_size((100, 24)).columns
        text = summary(document, folder if folder.is_dir() else None, colour=colour, width=width)
        for remark in _remarks(line):
            note(remark)
    emit(document, text, as_json=as_json)


@app.command("logs")
def logs(
    run: Run = "latest",
    stage: Annotated[
        str, typer.Argument(help="Only this stage.", show_default="all", callback=refuse_empty)
    ] = "",
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on until the run ends or waits.")
    ] = False,
    workspace: Workspace = Path(),
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON object a line.")] = False,
) -> None:
    """Print the logs of a run's attempts, or follow them while it goes on."""
    from chainops.app.run_logs import LogReader, stages_called
    from chainops.app.runs import RunView, find_run, open_runs
    from chainops.artifacts.runs import run_dir

    with open_runs(workspace) as state:
        view = RunView(state, find_run(state.journal, run, workspace))
        wanted = stages_called(view.run, stage)
        reader = LogReader(folder=run_dir(workspace, view.run.run_id), stages=wanted)
        names = wanted or frozenset(s.node.name for s in view.run.stages)
        write = _json_line if as_json else _writer(names)
        if not follow:
            for line in reader.read(view.run):
                write(line)
            return
        stands = asyncio.run(_follow(view, reader, write))
    note(f"run {view.run.run_id}: {stands.value}")


@app.command("pause")
def pause(
    run: Run,
    wait_s: Annotated[
        float, typer.Option("--wait", min=0, help="Seconds to wait for the running stages to end.")
    ] = 30.0,
    workspace: Workspace = Path(),
    as_json: AsJson = False,
) -> None:
    """Let a run finish the stages that run and start no more; it can be resumed."""
    steered = _steer(run, workspace, lambda steering: steering.pause(wait_s))
    running = [s.node.name for s in steered.run.stages if s.status.value == "running"]
    later = f"asked to pause, which it does when {', '.join(running)} has ended"
    _told(steered, later if not steered.obeyed and running else steered.standing.value, as_json=as_json)


@app.command("cancel")
def cancel(run: Run, workspace: Workspace = Path(), as_json: AsJson = False) -> None:
    """End a run and every process it started; one whose runner is dead is closed."""
    from chainops.app.steering import rewrite_reports

    steered = _steer(run, workspace, lambda steering: steering.cancel())
    if steered.by_us:
        rewrite_reports(steered.run, workspace.absolute(), {})
    _told(steered, steered.standing.value, as_json=as_json)


@app.command("resume")
def resume(
    run: Run = "latest",
    workspace: Workspace = Path(),
    config: Config = None,
    as_json: AsResult = False,
) -> None:
    """Take up a run here that was interrupted, cancelled or paused: `chainops run --run ID`."""
    from chainops.app.options import RunOptions
    from chainops.app.steering import this_person
    from chainops.cli.run import run_and_exit

    options = RunOptions(resume=run or "latest", approver=this_person())
    run_and_exit(workspace, config, options, as_json=as_json)


@app.command("rerun")
def rerun(
    run: Run,
    failed: Annotated[
        bool, typer.Option("--failed", help="Only what failed, was cancelled or blocked, and what needs it.")
    ] = False,
    start: Annotated[
        str,
        typer.Option(
            "--from", metavar="STAGE", help="Only this stage and what needs it.", callback=refuse_empty
        ),
    ] = "",
    workspace: Workspace = Path(),
    config: Config = None,
    as_json: AsResult = False,
) -> None:
    """Run a run's stages again over the same sources and settings; deployments go on where they were."""
    from chainops.app.options import RunOptions
    from chainops.app.reopening import Rerun
    from chainops.app.steering import this_person
    from chainops.cli.run import run_and_exit
    from chainops.core.errors import InputError

    if failed and start:
        raise InputError("--failed and --from exclude each other", code="GEN102")
    options = RunOptions(resume=run, rerun=Rerun(failed=failed, start=start), approver=this_person())
    run_and_exit(workspace, config, options, as_json=as_json)


def _steer(run: str, workspace: Path, ask: Callable[[Steering], Awaitable[Steered]]) -> Steered:
    from chainops.app.runs import find_run, open_runs
    from chainops.app.steering import Steering, this_person
    from chainops.core.clock import SystemClock
    from chainops.core.process_tree import kill_marked

    async def steer() -> Steered:
        return await ask(steering)

    with open_runs(workspace) as state:
        steering = Steering(
            state,
            find_run(state.journal, run, workspace),
            by=this_person(),
            clock=SystemClock(),
            sleep=asyncio.sleep,
            say=note,
            end_processes=kill_marked,
        )
        return asyncio.run(steer())


def _told(steered: Steered, text: str, *, as_json: bool) -> None:
    run = steered.run
    data = {
        "run_id": run.run_id,
        "status": steered.standing,
        "obeyed": steered.obeyed,
        "requested_by": run.requested_by,
        "waiting_for": run.waiting_for,
    }
    emit(data, f"run {run.run_id}: {text}", as_json=as_json)


async def _follow(view: RunView, reader: LogReader, write: Callable[[LogLine], None]) -> Standing:
    from chainops.app.run_logs import follow

    return await follow(view, reader, write, sleep=asyncio.sleep)


def _json_line(line: LogLine) -> None:
    data = {"stage": line.stage, "attempt": line.attempt, "line": line.line}
    sys.stdout.write(json.dumps(data, ensure_ascii=False) + "\n")
    sys.stdout.flush()


def _writer(names: frozenset[str]) -> Callable[[LogLine], None]:
    """Return what prints a line: several stages each with their name before it, further attempts told."""
    width = max(map(len, names), default=0)
    begun: set[tuple[str, int]] = set()

    def write(line: LogLine) -> None:
        attempt = (line.stage, line.attempt)
        if line.attempt > 1 and attempt not in begun:
            note(f"{line.stage}: attempt {line.attempt}")
        begun.add(attempt)
        prefix = f"{line.stage:<{width}} | " if len(names) > 1 else ""
        sys.stdout.write(f"{prefix}{line.line}\n")
        sys.stdout.flush()

    return write


def _table(found: tuple[RunSummary, ...]) -> str:
    from chainops.core.text import one_line

    rows = [("RUN", "STATUS", "SINCE", "DURATION", "RUN BY", "")]
    rows += [
        (r.run_id, r.status.value, _local(r), _duration(r), _runner(r), one_line(_doing(r), 120))
        for r in found
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def _local(run: RunSummary) -> str:
    return f"{run.started_at.astimezone():%Y-%m-%d %H:%M:%S}"


def _duration(run: RunSummary) -> str:
    from chainops.core.units import format_duration

    return format_duration(run.duration_ms / 1000)


def _runner(run: RunSummary) -> str:
    if run.runner is None:
        return "nobody" if run.status.value == "interrupted" else ""
    return f"{run.runner.pid} on {run.runner.host}" + ("" if run.runner.alive else " (dead)")


def _doing(run: RunSummary) -> str:
    """Say what a run does, waits for, or failed at."""
    if run.waiting_for:
        return run.waiting_for
    parts = []
    if run.failed:
        parts.append(f"{', '.join(run.failed)} failed")
    if run.running:
        parts.append(", ".join(run.running) + (" runs" if run.status.value == "running" else " interrupted"))
    if run.waiting and run.status.value in ("running", "interrupted"):
        parts.append(f"{', '.join(run.waiting)} waits for an approval")
    return "; ".join(parts)


def _remarks(run: RunSummary) -> list[str]:
    """Say what a summary cannot: whether anybody runs the run."""
    if run.status.value == "interrupted":
        return [f"run {run.run_id} was interrupted: `chainops run --run {run.run_id}` takes it up again"]
    if run.runner:
        return [f"run {run.run_id} is being run by process {run.runner.pid} on {run.runner.host}"]
    return []
