"""What is installed, from where, and whether it still is what was installed."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from chainops.core.process import ProcessRunner
from chainops.tools.cache import ToolCache
from chainops.tools.errors import SystemToolError, ToolError
from chainops.tools.lockfile import (
    LockedTool,
    locked_solc,
    locked_tool,
    solc_table,
    split_name,
    tool_names,
)
from chainops.tools.receipt import Receipt, differences, read_receipt
from chainops.tools.system import system_node, system_tool


class ToolStatus(StrEnum):
    """How a tool stands."""

    INSTALLED = "installed"
    #: the user's own program serves
    SYSTEM = "system"
    ABSENT = "absent"
    #: a file is not as it was installed
    CHANGED = "changed"
    #: neither the lock nor the machine has it
    UNAVAILABLE = "unavailable"


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolState:
    """One tool as it stands; `problems` holds a line for each file that differs."""

    name: str
    version: str
    status: ToolStatus
    digest: str = ""
    place: str = ""
    size_bytes: int = 0
    problems: tuple[str, ...] = ()


def installed_solc_versions(cache: ToolCache) -> tuple[str, ...]:
    """Return the compilers in the cache that this lock knows, oldest first."""
    return tuple(v for v in solc_table() if read_receipt(cache.folder(locked_solc(v))) is not None)


async def survey(
    cache: ToolCache,
    runner: ProcessRunner,
    *,
    names: Iterable[str] = (),
    overrides: Mapping[str, str] | None = None,
    thorough: bool = False,
) -> tuple[ToolState, ...]:
    """Return the state of `names` (all tools and the installed compilers when empty).

    `thorough` hashes every file, otherwise sizes and times are compared. Raises `UnknownToolError`.
    """
    chosen = tuple(names) or (*tool_names(), *(f"solc@{v}" for v in installed_solc_versions(cache)))
    for name in chosen:
        split_name(name)
    states = [_state(cache, runner, name, overrides or {}, thorough=thorough) for name in chosen]
    return tuple(await asyncio.gather(*states))


async def _state(
    cache: ToolCache, runner: ProcessRunner, name: str, overrides: Mapping[str, str], *, thorough: bool
) -> ToolState:
    tool, version = split_name(name)
    if overrides.get(tool) == "system":
        return await _system_state(runner, tool, cache.root)
    try:
        locked = locked_solc(version) if tool == "solc" else locked_tool("node" if tool == "npm" else tool)
    except ToolError as error:
        return ToolState(name=name, version="", status=ToolStatus.UNAVAILABLE, problems=(error.message,))
    receipt = await asyncio.to_thread(read_receipt, cache.folder(locked))
    if receipt is None and tool == "node":
        own = await system_node(runner, Path("/"))
        if own:
            return ToolState(name=name, version=own.use.version, status=ToolStatus.SYSTEM, place=own.argv[0])
    return await asyncio.to_thread(_cached_state, cache, locked, receipt, name, thorough=thorough)


async def _system_state(runner: ProcessRunner, name: str, folder: Path) -> ToolState:
    try:
        tool = await system_tool(runner, name, folder if folder.is_dir() else Path("/"))  # noqa: ASYNC240 - one stat
    except SystemToolError as error:
        return ToolState(name=name, version="", status=ToolStatus.UNAVAILABLE, problems=(error.message,))
    use = tool.use
    return ToolState(
        name=name, version=use.version, status=ToolStatus.SYSTEM, digest=use.digest, place=tool.argv[0]
    )


def _cached_state(
    cache: ToolCache, locked: LockedTool, receipt: Receipt | None, name: str, *, thorough: bool
) -> ToolState:
    if receipt is None:
        return ToolState(
            name=name, version=locked.version, status=ToolStatus.ABSENT, digest=locked.package_digest
        )
    folder = cache.folder(locked)
    problems = differences(folder, receipt, thorough=thorough)
    return ToolState(
        name=name,
        version=locked.version,
        status=ToolStatus.CHANGED if problems else ToolStatus.INSTALLED,
        digest=receipt.package_digest,
        place=str(folder),
        size_bytes=sum(file.size_bytes for file in receipt.files),
        problems=problems,
    )
