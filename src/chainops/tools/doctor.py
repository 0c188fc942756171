"""Says what of this machine stands in the way, and what to do about it."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from chainops.core.errors import ChainopsError
from chainops.core.files import disk_errors, write_atomic
from chainops.core.process import Command, ProcessRunner
from chainops.core.secrets import mask_url
from chainops.core.text import one_line
from chainops.tools.cache import ToolCache
from chainops.tools.clients import client_environment, find_pip
from chainops.tools.inventory import ToolState, ToolStatus, survey
from chainops.tools.system import ask_version, node_is_new_enough, on_path

#: a cold installation of all tools and three compilers takes about 0.6 GB, a project's build some more
NEEDED_DISK_BYTES = 1_500_000_000
LOW_DISK_BYTES = 3_000_000_000


class Health(StrEnum):
    """Result of one check."""

    OK = "ok"
    #: works, but the user may want to know
    NOTE = "note"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One line of the doctor: what was looked at, what was found, and what to do."""

    name: str
    health: Health
    detail: str
    hint: str = ""


async def examine(
    cache: ToolCache, runner: ProcessRunner, overrides: Mapping[str, str] | None = None
) -> tuple[Check, ...]:
    """Return every check, in a stable order."""
    checks: list[Awaitable[Check]] = [
        asyncio.to_thread(check_python),
        _check_program(runner, "git", "install git; source-checkout needs it"),
        _check_program(runner, "make", "install make, or run the README's commands by hand", needed=False),
        _check_node(runner),
        asyncio.to_thread(check_cache, cache.root),
        asyncio.to_thread(check_disk, cache.root),
        _check_registry(runner, "npm registry", _npm_argv()),
        _check_registry(runner, "PyPI index", _pip_argv()),
    ]
    machine = await asyncio.gather(*checks)
    states = await survey(cache, runner, overrides=overrides)
    return (*machine, *map(check_tool, states))


def check_python(version: tuple[int, int] | None = None) -> Check:
    """Check the interpreter and its pip."""
    found = version or sys.version_info[:2]
    text = f"{found[0]}.{found[1]} ({sys.executable})"
    if found < (3, 11):
        return Check(name="python", health=Health.FAILED, detail=text, hint="3.11 or newer is needed")
    try:
        pip = find_pip()
    except ChainopsError as error:
        return Check(name="python", health=Health.FAILED, detail=error.message, hint=error.hint)
    kind = "with pip" if pip[1] == "-m" else "with the pip that Python carries"
    return Check(name="python", health=Health.OK, detail=f"{text}, {kind}")


async def _check_program(runner: ProcessRunner, name: str, hint: str, *, needed: bool = True) -> Check:
    path = on_path(name)
    version = await ask_version(runner, path, Path("/")) if path else ""
    if path and version:
        return Check(name=name, health=Health.OK, detail=f"{version} ({path})")
    detail = f"{path} does not start" if path else "not on PATH"
    return Check(name=name, health=Health.FAILED if needed else Health.NOTE, detail=detail, hint=hint)


async def _check_node(runner: ProcessRunner) -> Check:
    path = on_path("node")
    version = await ask_version(runner, path, Path("/")) if path else ""
    if version and node_is_new_enough(version):
        return Check(name="system node", health=Health.OK, detail=f"{version} ({path})")
    found = f"{version} is older than 22.13" if version else "none"
    return Check(name="system node", health=Health.OK, detail=f"{found}; the locked one is used")


def check_cache(root: Path) -> Check:
    """Check that tools can be written where they belong."""
    probe = root / f".doctor.{os.getpid()}"
    try:
        write_atomic(probe, b"")
        with disk_errors(probe):
            probe.unlink()
    except (ChainopsError, OSError) as error:
        detail = error.message if isinstance(error, ChainopsError) else str(error)
        hint = "choose another folder with CHAINOPS_CACHE_DIR"
        return Check(name="tool cache", health=Health.FAILED, detail=detail, hint=hint)
    return Check(name="tool cache", health=Health.OK, detail=f"{root} can be written")


def check_disk(root: Path, free_bytes: int | None = None) -> Check:
    """Check the space on the cache's disk."""
    folder = next(p for p in (root, *root.parents) if p.exists())
    free = shutil.disk_usage(folder).free if free_bytes is None else free_bytes
    detail = f"{free / 1e9:.1f} GB free at {folder}"
    if free < NEEDED_DISK_BYTES:
        return Check(name="disk", health=Health.FAILED, detail=detail, hint="free at least 1.5 GB")
    health = Health.NOTE if free < LOW_DISK_BYTES else Health.OK
    return Check(
        name="disk", health=health, detail=detail, hint="a large build may need more" * (health != Health.OK)
    )


def _npm_argv() -> tuple[str, ...]:
    npm = on_path("npm")
    return (str(npm), "config", "get", "registry") if npm else ()


def _pip_argv() -> tuple[str, ...]:
    try:
        return (*find_pip(), "config", "get", "global.index-url")
    except ChainopsError:
        return ()


async def _check_registry(runner: ProcessRunner, name: str, argv: tuple[str, ...]) -> Check:
    """Tell which registry the clients are set to; nothing is contacted."""
    address = ""
    if argv:
        env = client_environment(os.environ)
        done = await runner.run(Command(argv=argv, cwd=Path("/"), env=env, timeout_s=30.0))
        address = one_line(done.text) if done.returncode == 0 else ""
    elif name == "PyPI index":
        return Check(name=name, health=Health.FAILED, detail="no pip to ask", hint="install pip")
    proxy = next((os.environ[n] for n in ("https_proxy", "HTTPS_PROXY") if os.environ.get(n)), "")
    via = f", through the proxy {mask_url(proxy)}" if proxy else ""
    return Check(
        name=name, health=Health.OK, detail=f"{mask_url(address) if address else 'the default'}{via}"
    )


def check_tool(state: ToolState) -> Check:
    """Turn a tool's state into a check: absent tools come when they are needed, changed ones are refused."""
    name = f"tool {state.name}"
    if state.status is ToolStatus.CHANGED:
        return Check(
            name=name,
            health=Health.FAILED,
            detail=f"{state.version} has changed: {state.problems[0]}",
            hint=f"chainops tools install {state.name}",
        )
    if state.status is ToolStatus.UNAVAILABLE:
        hint = "install it yourself and set it to `system` in `tools:`"
        return Check(name=name, health=Health.FAILED, detail=state.problems[0], hint=hint)
    if state.status is ToolStatus.ABSENT:
        detail = f"{state.version} is not installed yet"
        return Check(
            name=name, health=Health.NOTE, detail=detail, hint=f"chainops tools install {state.name}"
        )
    return Check(name=name, health=Health.OK, detail=f"{state.version} ({state.status.value}, {state.place})")
