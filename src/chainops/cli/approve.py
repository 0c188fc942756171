"""`chainops approve`: somebody's consent to exactly what a stage waits with, kept in the run's journal."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from chainops.cli.given import refuse_empty
from chainops.cli.output import emit, note

if TYPE_CHECKING:
    from chainops.app.approving import Request
    from chainops.app.runs import RunView
    from chainops.app.state import RunState

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command("approve")
def command(
    run: Annotated[
        str, typer.Argument(help="A run's id or the beginning of it, or `latest`.", callback=refuse_empty)
    ],
    stage: Annotated[str, typer.Argument(help="The stage that waits.", callback=refuse_empty)],
    digest: Annotated[
        str,
        typer.Option(
            "--digest", help="What to approve (sha256:…); what waits now if left out.", callback=refuse_empty
        ),
    ] = "",
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    by: Annotated[str, typer.Option("--by", help="Who approves; user@host if left out.")] = "",
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run here afterwards.")] = False,
    workspace: Annotated[
        Path, typer.Option("--workspace", "-w", help="The folder given to `chainops run`.")
    ] = Path(),
    config: Annotated[
        Path | None, typer.Option("--config", "-c", help="With --resume: configuration to use.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON; with --resume result.json.")] = False,
) -> None:
    """Agree to what a stage of a run waits for; the run may go on elsewhere or be paused for days."""
    from chainops.app.approving import waiting_request
    from chainops.app.runs import RunView, find_run, open_runs
    from chainops.core.text import one_line

    with open_runs(workspace) as state:
        view = RunView(state, find_run(state.journal, run, workspace))
        request = waiting_request(view.run, stage, digest)
        if not request.given:
            if not digest:
                _confirm(request, yes=yes)
            request = _store(state, view, request, one_line(by, 200))
        run_id, goes_on = view.run.run_id, view.standing.value == "running"
    if resume and not goes_on:
        _resume(run_id, workspace, config, as_json=as_json)
    _tell(run_id, request, goes_on=goes_on, as_json=as_json)


def _confirm(request: Request, *, yes: bool) -> None:
    from chainops.app.approving import UnconfirmedError
    from chainops.cli.run import agreed
    from chainops.report.approval import plan_lines

    for line in plan_lines(request.outputs):
        note(line)
    if yes:
        return
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise UnconfirmedError(
            f"nobody can be asked here whether they agree to {request.digest}",
            hint=f"give --digest {request.digest}, or --yes for whatever waits",
        )
    if not agreed():
        raise UnconfirmedError("nothing was approved", hint="only the answer `yes` approves")


def _store(state: RunState, view: RunView, request: Request, by: str) -> Request:
    from dataclasses import replace

    from chainops.app.steering import this_person
    from chainops.core.clock import SystemClock
    from chainops.pipeline.events import ApprovalGiven

    at = SystemClock().now()
    event = ApprovalGiven(at=at, stage=request.stage, digest=request.digest, by=by or this_person())
    state.journal.append(view.run.run_id, event)
    return replace(request, given=view.update().run.approvals[-1])


def _resume(run_id: str, workspace: Path, config: Path | None, *, as_json: bool) -> None:
    from chainops.app.options import RunOptions
    from chainops.app.steering import this_person
    from chainops.cli.run import run_and_exit

    run_and_exit(workspace, config, RunOptions(resume=run_id, approver=this_person()), as_json=as_json)


def _tell(run_id: str, request: Request, *, goes_on: bool, as_json: bool) -> None:
    given = request.given
    if given is None:
        raise RuntimeError("an approval was stored and cannot be found")
    data = {
        "run_id": run_id,
        "stage": request.stage,
        "digest": given.digest,
        "by": given.by,
        "at": given.at,
    }
    when = f"{given.at.astimezone():%Y-%m-%d %H:%M:%S}"
    emit(data, f"{request.stage} of run {run_id} is approved by {given.by} since {when}", as_json=as_json)
    if not goes_on:
        note(f"go on with `chainops runs resume {run_id}`")
