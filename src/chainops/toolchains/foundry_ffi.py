"""Refuses what a project's foundry.toml lets its tests do on this machine: FFI, and files elsewhere.

forge takes `ffi` from foundry.toml and from the flag `--ffi`, and from nowhere else: FOUNDRY_FFI and DAPP_FFI
are ignored (measured with 1.7.1), and so are comments such as `forge-config: default.ffi = true`. So it gets
another file: the configuration as forge resolves it, with those settings changed.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

from chainops.core.files import write_atomic
from chainops.core.process import Command, Completed, ProcessRunner
from chainops.core.text import decode, one_line
from chainops.toolchains.errors import ToolchainConfigError
from chainops.toolchains.foundry_config import FoundryConfig, config_refusal, parse_config, toml_place
from chainops.toolchains.foundry_files import FilePermission, narrow, write_permissions
from chainops.toolchains.foundry_inline import refuse_inline_permissions

_SETTING = re.compile(r"^ffi = true$", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Restriction:
    """What a project's code may do, and how forge is told."""

    #: to be added to forge's environment; empty when nothing has to be refused
    variables: Mapping[str, str] = field(default_factory=dict)
    #: entries of `fs_permissions` that are not granted
    dropped: tuple[FilePermission, ...] = ()

    def told(self) -> str:
        """Say which files are out of reach, in a line; empty when all that was asked for is granted."""
        paths = ", ".join(f"{one_line(p.path)} ({p.words})" for p in self.dropped)
        return paths and (
            f"fs_permissions in foundry.toml lead outside the project or into chainops' own files: {paths}; "
            "that is refused unless the config says `foundry: {allow_fs: true}`"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """What the config lets a project's code do."""

    ffi: bool = False
    fs: bool = False


async def read_and_restrict(
    runner: ProcessRunner, forge: tuple[str, ...], command: Command, file: Path, allowed: Allowance
) -> Restriction:
    """Restrict a project whose configuration has not been read; see `restrict`.

    Raises `ToolchainConfigError` when foundry.toml cannot be read.
    """
    answer = await runner.run(replace(_quiet(command), argv=(*forge, "config", "--json")))
    if answer.returncode != 0:
        raise config_refusal(answer.error_text, command.cwd)
    config = parse_config(answer.whole_stdout())
    return await restrict(Forge(runner, forge, command), file, config, allowed)


class Forge(NamedTuple):
    """Asks forge for its configuration: `argv` begins its command line, `command` has all else."""

    runner: ProcessRunner
    argv: tuple[str, ...]
    command: Command

    async def config(self, *arguments: str, variables: Mapping[str, str] | None = None) -> Completed:
        """Run `forge config`."""
        env = {**self.command.env, **(variables or {})}
        command = replace(_quiet(self.command), argv=(*self.argv, "config", *arguments), env=env)
        return await self.runner.run(command)


async def restrict(forge: Forge, file: Path, config: FoundryConfig, allowed: Allowance) -> Restriction:
    """Return how forge refuses what `config` asks for and `allowed` does not grant; `file` is written.

    What forge then resolves is read back: raises `ToolchainConfigError` when something is still granted, and
    for comments of sources that ask for files elsewhere, which no configuration takes back.
    """
    root, command = forge.command.cwd, forge.command
    if not allowed.fs:
        await asyncio.to_thread(refuse_inline_permissions, root, _elsewhere(root, config))
    kept, dropped = narrow(config.fs_permissions, root)
    narrowed = not allowed.fs and list(kept) != config.fs_permissions
    refused = config.ffi and not allowed.ffi
    if not narrowed and not refused:
        return Restriction()
    resolved = decode((await forge.config()).whole_stdout())
    if refused:
        resolved = _SETTING.sub("ffi = false", resolved)
    if narrowed:
        resolved = write_permissions(resolved, kept, command.env.get("FOUNDRY_PROFILE", "default"))
    # it may hold what the project's variables hold: for our own eyes
    write_atomic(file, (resolved + _profiles(command)).encode(), mode=0o600)
    variables = {"FOUNDRY_CONFIG": str(file)}
    answer = await forge.config("--json", variables=variables)
    now = parse_config(answer.whole_stdout()) if answer.returncode == 0 else None
    if now is None or (refused and now.ffi):
        raise ToolchainConfigError(
            "foundry.toml turns FFI on (ffi = true) and forge cannot be made to refuse it: "
            f"{one_line(answer.error_text) or 'it stays on'}",
            place=toml_place(root, "ffi"),
            hint="remove `ffi = true`, or set `foundry: {allow_ffi: true}` if you trust the project's tests",
        )
    if narrowed and narrow(now.fs_permissions, root)[1]:
        raise ToolchainConfigError(
            "foundry.toml lets tests reach files outside the project and forge cannot be made to refuse it",
            place=toml_place(root, "fs_permissions"),
            hint="correct `fs_permissions`, or set `foundry: {allow_fs: true}` if you trust the tests",
        )
    return Restriction(variables=variables, dropped=dropped if narrowed else ())


def _elsewhere(root: Path, config: FoundryConfig) -> tuple[Path, ...]:
    """Return the folders of libraries that lie outside of the project."""
    targets = [*config.libs, *(remapping.rpartition("=")[2] for remapping in config.remappings)]
    folders = dict.fromkeys((root / target).resolve() for target in targets)
    return tuple(f for f in folders if f.is_dir() and not f.is_relative_to(root.resolve()))


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
