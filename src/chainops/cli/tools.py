"""`chainops tools`: install, list and verify the pinned tools."""

from __future__ import annotations

import asyncio
import time
from typing import Annotated, Any

import typer

from chainops.cli.output import emit, note
from chainops.core.errors import ChainopsError, ExitCode, MachineError
from chainops.core.process import LocalProcessRunner
from chainops.core.text import clean, decode, plural
from chainops.core.units import format_bytes
from chainops.tools.cache import ToolCache, default_cache_dir
from chainops.tools.inventory import ToolState, ToolStatus, survey
from chainops.tools.lockfile import solc_table, split_name, tool_names
from chainops.tools.ports import Tool
from chainops.tools.toolbox import ProvisionedToolbox

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    no_args_is_help=True,
    help="Install, list and verify the pinned tools.",
)

#: installed when a project has a lockfile of theirs, or by name
_ON_DEMAND = ("pnpm", "yarn")
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Names = Annotated[
    list[str] | None, typer.Argument(help="Tools, such as forge, slither or solc@0.8.30; all if left out.")
]


@app.command("install")
def install(names: Names = None, as_json: AsJson = False) -> None:
    """Install tools from the lock, or the named ones; what is installed already is checked byte by byte."""
    chosen = tuple(dict.fromkeys(names or (name for name in tool_names() if name not in _ON_DEMAND)))
    for name in chosen:
        split_name(name)
    started = time.monotonic()
    results = asyncio.run(_install(chosen))
    failed = [(name, error) for name, error in results.items() if isinstance(error, ChainopsError)]
    for _, error in failed[1:]:
        note(str(error))
    if failed:
        raise failed[0][1]
    tools = {name: tool for name, tool in results.items() if isinstance(tool, Tool)}
    text = "\n".join(f"{name:<14} {tool.use.version:<10} {tool.use.origin}" for name, tool in tools.items())
    note(f"{plural(len(tools), 'tool')} ready after {time.monotonic() - started:.1f} s")
    emit({"tools": [_row(name, tool) for name, tool in tools.items()]}, text, as_json=as_json)


async def _install(names: tuple[str, ...]) -> dict[str, Tool | ChainopsError]:
    """Install side by side; one that fails does not stop the others."""
    toolbox = ProvisionedToolbox(cache_dir=default_cache_dir(), runner=LocalProcessRunner())

    async def one(name: str) -> Tool | ChainopsError:
        try:
            return await toolbox.install(name, _progress)
        except ChainopsError as error:
            return error

    return dict(zip(names, await asyncio.gather(*map(one, names)), strict=True))


def _progress(data: bytes) -> None:
    for line in clean(decode(data)).splitlines():
        note(line)


def _row(name: str, tool: Tool) -> dict[str, Any]:
    return {"name": name, "use": tool.use, "argv": tool.argv}


@app.command("list")
def list_tools(
    solc: Annotated[bool, typer.Option("--solc", help="List every compiler that can be provided.")] = False,
    as_json: AsJson = False,
) -> None:
    """List the tools of the lock and the installed compilers, with version and state."""
    if solc:
        emit({"solc": tuple(solc_table())}, "\n".join(solc_table()), as_json=as_json)
        return
    cache = ToolCache(default_cache_dir())
    states = asyncio.run(survey(cache, LocalProcessRunner()))
    emit({"cache": cache.root, "tools": states}, "\n".join(map(_line, states)), as_json=as_json)


@app.command("verify")
def verify(names: Names = None, as_json: AsJson = False) -> None:
    """Hash every file of the installed tools and compare with what was installed."""
    for name in names or ():
        split_name(name)
    cache = ToolCache(default_cache_dir())
    states = asyncio.run(survey(cache, LocalProcessRunner(), names=names or (), thorough=True))
    wanted = [s for s in states if names or s.status is not ToolStatus.ABSENT]
    emit({"cache": cache.root, "tools": wanted}, "\n".join(map(_line, wanted)), as_json=as_json)
    bad = [s for s in wanted if s.status not in (ToolStatus.INSTALLED, ToolStatus.SYSTEM)]
    if bad:
        for state in bad:
            reason = state.problems[0] if state.problems else state.status.value
            error = MachineError(
                f"{state.name}: {reason}", code="TLS304", hint=f"`chainops tools install {state.name}`"
            )
            note(str(error))
        raise typer.Exit(ExitCode.MACHINE)


def _line(state: ToolState) -> str:
    size = f"{format_bytes(state.size_bytes):>10}" if state.size_bytes else " " * 10
    problem = f"  {state.problems[0]}" if state.problems else ""
    left = f"{state.name:<14} {state.version:<10} {state.status.value:<11}"
    return f"{left} {size}  {state.place}{problem}".rstrip()
