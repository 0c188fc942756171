"""Turns FFI off for a project whose foundry.toml turns it on.

forge takes `ffi` from foundry.toml and from the flag `--ffi`, and from nowhere else: FOUNDRY_FFI and DAPP_FFI
are ignored (measured with 1.7.1), and so are comments such as `forge-config: default.ffi = true`. So it gets
another file: the configuration as forge resolves it, with that one setting changed.
"""

from __future__ import annotations

import contextlib
import json
import re
import tomllib
from dataclasses import replace
from pathlib import Path

from chainops.core.files import write_atomic
from chainops.core.process import Command, ProcessRunner
from chainops.core.text import decode, one_line
from chainops.toolchains.errors import ToolchainConfigError
from chainops.toolchains.foundry_config import config_refusal, parse_config, toml_place

_SETTING = re.compile(r"^ffi = true$", re.MULTILINE)


async def variables_without_ffi(
    runner: ProcessRunner, forge: tuple[str, ...], command: Command, file: Path
) -> dict[str, str]:
    """Return what `command` needs in its environment so that forge refuses FFI; nothing when it does anyway.

    See `refuse_ffi`. Raises `ToolchainConfigError` when foundry.toml cannot be read.
    """
    answer = await runner.run(replace(_quiet(command), argv=(*forge, "config", "--json")))
    if answer.returncode != 0:
        raise config_refusal(answer.error_text, command.cwd)
    if not parse_config(answer.whole_stdout()).ffi:
        return {}
    return await refuse_ffi(runner, forge, command, file)


async def refuse_ffi(
    runner: ProcessRunner, forge: tuple[str, ...], command: Command, file: Path
) -> dict[str, str]:
    """Return variables with which forge refuses FFI in the project of `command` (folder and environment).

    `forge` is the beginning of forge's command line; `file` is written. What forge then resolves is read
    back: raises `ToolchainConfigError` when FFI is still on.
    """
    printed = await runner.run(replace(_quiet(command), argv=(*forge, "config")))
    resolved = decode(printed.whole_stdout())
    # it may hold what the project's variables hold: for our own eyes
    write_atomic(file, (_SETTING.sub("ffi = false", resolved) + _profiles(command)).encode(), mode=0o600)
    variables = {"FOUNDRY_CONFIG": str(file)}
    check = replace(_quiet(command), argv=(*forge, "config", "--json"), env={**command.env, **variables})
    answer = await runner.run(check)
    if answer.returncode != 0 or parse_config(answer.whole_stdout()).ffi:
        raise ToolchainConfigError(
            "foundry.toml turns FFI on (ffi = true) and forge cannot be made to refuse it: "
            f"{one_line(answer.error_text) or 'it stays on'}",
            place=toml_place(command.cwd, "ffi"),
            hint="remove `ffi = true`, or set `foundry: {allow_ffi: true}` if you trust the project's tests",
        )
    return variables


def _profiles(command: Command) -> str:
    """Return empty sections for the profiles that the resolved configuration leaves out.

    forge refuses a source whose comments set something for a profile (`forge-config: ci.fuzz.runs = 10`) that
    its configuration does not know.
    """
    names: dict[str, None] = {}
    waiting = [command.cwd / command.env.get("FOUNDRY_CONFIG", "foundry.toml")]
    seen: set[Path] = set()
    while waiting:
        file = waiting.pop()
        if file in seen or not file.is_file():
            continue
        seen.add(file)
        with contextlib.suppress(tomllib.TOMLDecodeError, UnicodeDecodeError):  # forge has read it
            profiles = tomllib.loads(file.read_text(encoding="utf-8")).get("profile", {})
            names.update(dict.fromkeys(profiles))
            waiting += [file.parent / base for base in map(_base, profiles.values()) if base]
    active = command.env.get("FOUNDRY_PROFILE", "default")
    return "".join(f"\n[profile.{json.dumps(name)}]\n" for name in names if name not in (active, "default"))


def _base(profile: object) -> str:
    """Return the file that a profile extends, or an empty text."""
    extends = profile.get("extends") if isinstance(profile, dict) else None
    if isinstance(extends, dict):
        extends = extends.get("path")
    return extends if isinstance(extends, str) else ""


def _quiet(command: Command) -> Command:
    return replace(command, quiet_stdout=True, keep_stdout_bytes=4 << 20)
