"""Installs a project's Python requirements into an environment of the workspace, for those who ask for it.

The environment is `.chainops/venv`; only requirements with hashes are taken, and only wheels: nothing is
built.
"""

from __future__ import annotations

import asyncio
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from chainops.core.errors import MachineError, Place, ProjectError
from chainops.core.files import disk_errors, write_atomic
from chainops.core.hashing import digest_bytes
from chainops.core.process import Command, ProcessRunner
from chainops.core.text import one_line
from chainops.pipeline.model import StageContext
from chainops.tools.clients import client_environment

_NAME = "requirements.txt"
_HASHES = ("--require-hashes", "all requirements must have their versions pinned", "Hashes are required")


async def install_requirements(
    runner: ProcessRunner, root: Path, context: StageContext, environ: Mapping[str, str]
) -> list[dict[str, Any]]:
    """Install `requirements.txt` and return what was installed; nothing when there is no such file.

    Raises `ProjectError` when a hash is missing or wrong, `MachineError` when pip fails otherwise.
    """
    file = root / _NAME
    if not file.is_file():
        return []
    raw = await asyncio.to_thread(file.read_bytes)
    digest = digest_bytes(raw)
    venv = context.workspace / ".chainops" / "venv"
    done_mark = venv / "installed"
    count = sum(1 for line in raw.decode("utf-8", "replace").splitlines() if line[:1].isalnum())
    row = {"kind": "pip", "source": _NAME, "packages": count, "cached": True}
    if done_mark.is_file() and done_mark.read_text() == digest:
        return [row]
    with disk_errors(venv):
        await asyncio.to_thread(shutil.rmtree, venv, ignore_errors=True)
    env = client_environment(environ)
    pip = (str(venv / "bin" / "python"), "-m", "pip", "install", "--require-hashes", "--only-binary=:all:",
           "--disable-pip-version-check", "--no-input", "-r", str(file))  # fmt: skip
    for argv in ((sys.executable, "-m", "venv", str(venv)), pip):
        command = Command(argv=argv, cwd=root, env=env, timeout_s=context.timeout_s, marker=context.marker)
        done = await runner.run(command, context.log)
        if done.returncode == 0 and not done.timed_out:
            continue
        said = one_line(" | ".join(done.error_text.splitlines()[-4:]), 500)
        if "DO NOT MATCH THE HASHES" in done.error_text or any(h in done.error_text for h in _HASHES):
            raise ProjectError(
                f"{_NAME} and the packages do not fit: {said}",
                place=Place(_NAME),
                hint="pin every requirement with its hash: pip-compile --generate-hashes",
                code="DEP208",
            )
        raise MachineError(f"pip failed: {said}", hint="check the network and pip's settings", code="DEP306")
    write_atomic(done_mark, digest.encode())
    return [{**row, "cached": False}]
