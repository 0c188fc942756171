"""`chainops doctor`: what is missing on this machine, a line each, and what to do."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from chainops.cli.output import emit
from chainops.core.errors import ExitCode
from chainops.core.process import LocalProcessRunner
from chainops.tools.cache import ToolCache, default_cache_dir
from chainops.tools.doctor import Check, Health, examine

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command("doctor")
def doctor(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Say what is missing on this machine."""
    checks = asyncio.run(examine(ToolCache(default_cache_dir()), LocalProcessRunner()))
    healthy = not any(check.health is Health.FAILED for check in checks)
    emit({"healthy": healthy, "checks": checks}, "\n".join(map(_line, checks)), as_json=as_json)
    if not healthy:
        raise typer.Exit(ExitCode.MACHINE)


def _line(check: Check) -> str:
    hint = f" – {check.hint}" if check.hint else ""
    return f"{check.health.value:<6} {check.name:<16} {check.detail}{hint}"
