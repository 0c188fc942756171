"""`chainops doctor`: what is missing on this machine, a line each, and what to do."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from chainops.cli.output import emit
from chainops.core.errors import ExitCode, InputError
from chainops.core.process import LocalProcessRunner
from chainops.tools.cache import ToolCache, default_cache_dir
from chainops.tools.doctor import Check, Health, examine

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command("doctor")
def doctor(
    path: Annotated[
        Path, typer.Argument(help="Folder whose config says which tools are the machine's own.")
    ] = Path(),
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Say what is missing on this machine."""
    overrides, mistakes = _overrides(path)
    found = asyncio.run(examine(ToolCache(default_cache_dir()), LocalProcessRunner(), overrides))
    checks = (*mistakes, *found, *_database(path))
    healthy = not any(check.health is Health.FAILED for check in checks)
    emit({"healthy": healthy, "checks": checks}, "\n".join(map(_line, checks)), as_json=as_json)
    if not healthy:
        raise typer.Exit(ExitCode.MACHINE)


def _overrides(workspace: Path) -> tuple[dict[str, str], tuple[Check, ...]]:
    """Return the config's choice of tools; when it cannot be read, none, and a check that says so."""
    from chainops.app.config import load_config
    from chainops.app.config_file import find_config

    try:
        if workspace.is_dir() and find_config(workspace) is None:
            return {}, ()  # a machine is examined without a project too, and at once
        return load_config(workspace, resolve=False).config.tools.overrides(), ()
    except InputError as error:
        hint = "`chainops config check` names every mistake; the locked tools are looked at"
        return {}, (Check(name="config", health=Health.NOTE, detail=error.message, hint=hint),)


def _database(workspace: Path) -> tuple[Check, ...]:
    from chainops.app.database_check import check_state_database

    return check_state_database(workspace)


def _line(check: Check) -> str:
    hint = f" – {check.hint}" if check.hint else ""
    return f"{check.health.value:<6} {check.name:<16} {check.detail}{hint}"
