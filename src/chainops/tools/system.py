"""The user's own programs: found on PATH, asked for their version, identified by their hash."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
from pathlib import Path

from chainops.core.hashing import digest_file
from chainops.core.process import Command, ProcessRunner
from chainops.core.tooluse import ToolUse
from chainops.tools.clients import client_environment
from chainops.tools.errors import SystemToolError
from chainops.tools.lockfile import solc_table
from chainops.tools.ports import Tool

#: Hardhat 3 refuses less
OLDEST_NODE = (22, 13)

_VERSION = re.compile(r"\d+\.\d+(?:\.\d+)?[\w.+-]*")
_ASK_TIMEOUT_S = 30.0


def parse_version(text: str) -> str:
    """Return the first version number in what a program says of itself, empty when there is none."""
    found = _VERSION.search(text)
    return found.group() if found else ""


def node_is_new_enough(version: str) -> bool:
    """Tell whether a Node of this version serves."""
    numbers = re.findall(r"\d+", version)[:2]
    return len(numbers) == 2 and (int(numbers[0]), int(numbers[1])) >= OLDEST_NODE


async def ask_version(runner: ProcessRunner, path: Path, folder: Path) -> str:
    """Return the version that a program reports, empty when it gives none."""
    command = Command(
        argv=(str(path), "--version"),
        cwd=folder,
        env=client_environment(os.environ),
        timeout_s=_ASK_TIMEOUT_S,
    )
    done = await runner.run(command)
    return parse_version(done.text) if done.returncode == 0 else ""


def on_path(name: str) -> Path | None:
    """Return the absolute path of a program on PATH."""
    found = shutil.which(name)
    return Path(found).absolute() if found else None


async def system_tool(runner: ProcessRunner, name: str, folder: Path) -> Tool:
    """Return the user's own `name`. Raises `SystemToolError` when it is not on PATH or does not answer."""
    path = on_path(name)
    if path is None:
        raise SystemToolError(
            f"{name} is set to `system` but is not on PATH",
            hint=f"install it, or remove `{name}: system` from `tools:` to use the locked one",
        )
    version = await ask_version(runner, path, folder)
    if not version:
        raise SystemToolError(
            f"{path} does not tell its version with --version",
            hint=f"repair it, or remove `{name}: system` from `tools:` to use the locked one",
        )
    digest = await asyncio.to_thread(digest_file, path)
    use = ToolUse(name=name, version=version, digest=digest, origin="system")
    return Tool(use=use, argv=(str(path),), path=(path.parent,))


async def system_node(runner: ProcessRunner, folder: Path) -> Tool | None:
    """Return the machine's Node when it is new enough and has npm beside it, else None."""
    found = on_path("node")
    if found is None or npm_script(found) is None:
        return None
    version = await ask_version(runner, found, folder)
    return await system_tool(runner, "node", folder) if node_is_new_enough(version) else None


def npm_script(node: Path) -> Path | None:
    """Return the npm that came with a Node, whose `bin/npm` is a link to it."""
    beside = node.absolute().parent / "npm"
    try:
        script = beside.resolve(strict=True)
    except OSError:
        return None
    return script if script.name == "npm-cli.js" else None


def native_solc_candidates(version: str) -> tuple[Path, ...]:
    """Return the native compilers of this machine that may be of `version`, without starting any."""
    home = Path.home()
    names = [
        home / ".svm" / version / f"solc-{version}",
        home / ".local" / "share" / "svm" / version / f"solc-{version}",
        home / ".solc-select" / "artifacts" / f"solc-{version}" / f"solc-{version}",
    ]
    names += [Path(found) for name in (f"solc-{version}", "solc") if (found := shutil.which(name))]
    return tuple(name for name in names if name.is_file() and os.access(name, os.X_OK))


def find_native_solc(version: str) -> Tool | None:
    """Return a native compiler whose hash is the published one, else None: others may compile otherwise."""
    wanted = solc_table().get(version, {}).get("linux-amd64")
    if not wanted:
        return None
    for path in native_solc_candidates(version):
        if digest_file(path) == f"sha256:{wanted}":
            use = ToolUse(name="solc", version=version, digest=f"sha256:{wanted}", origin="system")
            return Tool(use=use, argv=(str(path.absolute()),))
    return None
