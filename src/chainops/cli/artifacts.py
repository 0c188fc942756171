"""`chainops artifacts`: what runs have kept, fetched back and checked byte by byte."""

from __future__ import annotations

import difflib
import sys
from pathlib import Path
from typing import Annotated

import typer

from chainops.artifacts.errors import ArtifactNameError
from chainops.artifacts.model import Artifact
from chainops.artifacts.runs import (
    export,
    export_into,
    find_artifact,
    find_run,
    open_manifest,
    open_store,
)
from chainops.artifacts.verify import Verification, verify
from chainops.cli.output import emit, note
from chainops.core.errors import ExitCode
from chainops.core.text import one_line, plural
from chainops.core.units import format_bytes
from chainops.stages.common import STAGE_NAMES

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    no_args_is_help=True,
    help="List, fetch and verify what runs have kept.",
)

Run = Annotated[
    str, typer.Option("--run", "-r", help="A run's id or the beginning of it; the newest if left out.")
]
Workspace = Annotated[Path, typer.Option("--workspace", "-w", help="The folder given to `chainops run`.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command("list")
def list_artifacts(
    run: Run = "",
    workspace: Workspace = Path(),
    stage: Annotated[str, typer.Option(help="Only this stage's.")] = "",
    as_json: AsJson = False,
) -> None:
    """List a run's artifacts: name, kind, stage, size and digest."""
    run_id = find_run(workspace, run)
    if stage and stage not in STAGE_NAMES:
        close = difflib.get_close_matches(stage, STAGE_NAMES, n=1)
        hint = f"did you mean `{close[0]}`?" if close else f"known: {', '.join(STAGE_NAMES)}"
        raise ArtifactNameError(f"unknown stage `{one_line(stage, 80)}`", hint=hint)
    found = [a for a in open_manifest(workspace, run_id).entries() if stage in ("", a.stage)]
    emit({"run_id": run_id, "artifacts": found}, _table(run_id, found), as_json=as_json)


@app.command("get")
def get_artifact(
    name: Annotated[str, typer.Argument(help="The artifact's name as `list` shows it.")] = "",
    output: Annotated[
        str, typer.Option("--output", "-o", help="A file to write; `-` for stdout. With --all, a folder.")
    ] = "-",
    everything: Annotated[
        bool, typer.Option("--all", help="Fetch all of them into the folder --output.")
    ] = False,
    run: Run = "",
    workspace: Workspace = Path(),
    as_json: AsJson = False,
) -> None:
    """Write an artifact to stdout or to a file; its digest is checked on the way."""
    run_id = find_run(workspace, run)
    entries = open_manifest(workspace, run_id).entries()
    store = open_store(workspace)
    if everything:
        if name or output == "-":
            raise ArtifactNameError("--all takes no name and needs a folder: --all --output FOLDER")
        written = [export_into(store, artifact, Path(output)) for artifact in entries]
        text = f"{plural(len(written), 'artifact')} written to {output}"
        emit({"run_id": run_id, "written": written}, text, as_json=as_json)
        return
    artifact = find_artifact(entries, name)
    if output != "-":
        path = export(store, artifact, Path(output))
        emit({"run_id": run_id, "artifact": artifact, "written": [path]}, str(path), as_json=as_json)
        return
    if as_json:
        raise ArtifactNameError("--json describes what was written: it needs --output FILE")
    for chunk in store.chunks(artifact.digest):
        sys.stdout.buffer.write(chunk)
    sys.stdout.buffer.flush()


@app.command("verify")
def verify_artifacts(run: Run = "", workspace: Workspace = Path(), as_json: AsJson = False) -> None:
    """Hash every byte of a run's artifacts again; exit code 3 when one was changed or is missing."""
    run_id = find_run(workspace, run)
    entries = open_manifest(workspace, run_id).entries()
    result = verify(open_store(workspace), entries)
    for damage in result.damaged:
        note(f"{damage.kind}: {damage.artifact.name}: {damage.message}")
    emit(
        {"run_id": run_id, "sound": result.sound, **_as_dict(result)},
        _verdict(run_id, result),
        as_json=as_json,
    )
    if not result.sound:
        raise typer.Exit(ExitCode.MACHINE)


def _table(run_id: str, artifacts: list[Artifact]) -> str:
    if not artifacts:
        return f"run {run_id} has no artifacts"
    rows = [(a.name, a.kind, a.stage, format_bytes(a.size_bytes), a.digest) for a in artifacts]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    lines = ["  ".join([*(c.ljust(w) for c, w in zip(row, widths, strict=False)), row[4]]) for row in rows]
    return "\n".join(lines)


def _as_dict(result: Verification) -> dict[str, object]:
    return {"checked": result.checked, "size_bytes": result.size_bytes, "damaged": result.damaged}


def _verdict(run_id: str, result: Verification) -> str:
    count = plural(result.checked, "artifact")
    if result.sound:
        return f"run {run_id}: {count}, {format_bytes(result.size_bytes)}: every digest is right"
    return f"run {run_id}: {len(result.damaged)} of {count} changed or missing"
