"""Turns FFI off for a project whose foundry.toml turns it on.

forge takes `ffi` from foundry.toml and from the flag `--ffi`, and from nowhere else: FOUNDRY_FFI and DAPP_FFI
are ignored (measured with 1.7.1), and so are comments such as `forge-config: default.ffi = true`. So it gets
another file: the configuration as forge resolves it, with that one setting changed.
"""

from __future__ import annotations

import re
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
    write_atomic(file, _SETTING.sub("ffi = false", resolved).encode(), mode=0o600)
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


def _quiet(command: Command) -> Command:
    return replace(command, quiet_stdout=True, keep_stdout_bytes=4 << 20)
