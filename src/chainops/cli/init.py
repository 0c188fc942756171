"""`chainops init`: a first chainops.yaml from what the project is."""

from __future__ import annotations

from pathlib import Path

import typer

from chainops.cli.output import emit, note


def command(
    path: Path = typer.Argument(Path(), help="Folder of the project.", show_default="."),
    force: bool = typer.Option(False, "--force", help="Replace a configuration that is there."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
) -> None:
    """Write a commented chainops.yaml from what the project is."""
    from chainops.app.init import write_config

    written = write_config(path, force=force)
    emit({"written": str(written)}, str(written), as_json=as_json)
    if not as_json:
        note(f"next: chainops run {path}" if str(path) != "." else "next: chainops run")
