"""Prepares one request for forge (its program, its configuration, its compilers) and runs calls for it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from chainops.core.errors import InputError
from chainops.core.files import disk_errors
from chainops.core.process import Command, Completed, ProcessRunner, Sink
from chainops.core.text import decode, one_line, plural
from chainops.core.tooluse import ToolUse
from chainops.toolchains.adapters.foundry_command import ForgeCommands, ForgeFolders, forge_home
from chainops.toolchains.adapters.foundry_diagnosis import Diagnosis, diagnose, ending
from chainops.toolchains.adapters.foundry_sources import gather_pragmas, pinned_place_order
from chainops.toolchains.adapters.solc_versions import choose_versions, parse_version
from chainops.toolchains.errors import ToolchainOutputError, ToolchainTimeoutError
from chainops.toolchains.foundry_config import (
    FoundryConfig,
    config_refusal,
    parse_config,
    toml_place,
)
from chainops.toolchains.foundry_ffi import Allowance, Forge, Restriction, restrict
from chainops.toolchains.ports import ToolchainRequest
from chainops.toolchains.settings import FoundrySettings
from chainops.tools.ports import Tool, Toolbox

#: used when neither the config nor foundry.toml names one, so that runs repeat
DEFAULT_SEED = "0x1"
#: how much of a call's output is kept, from its beginning and from its end: causes stand in either
_TRANSCRIPT_BYTES = 1 << 20
#: clap's exit code for arguments that it does not take
_USAGE_EXIT = 2


class UnbuildableError(Exception):
    """No compiler can serve the project: a result of the build, never seen by a user as an exception."""

    def __init__(self, diagnosis: Diagnosis) -> None:
        super().__init__(diagnosis.failure)
        self.diagnosis = diagnosis


class Transcript:
    """Passes a call's output on and keeps its beginning and its end."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._head = bytearray()
        self._tail = bytearray()

    def __call__(self, data: bytes) -> None:
        """Take masked bytes as they come."""
        room = _TRANSCRIPT_BYTES - len(self._head)
        self._head += data[:room] if room > 0 else b""
        self._tail += data[max(room, 0) :]
        if len(self._tail) > 2 * _TRANSCRIPT_BYTES:
            del self._tail[:-_TRANSCRIPT_BYTES]
        self._sink(data)

    @property
    def text(self) -> str:
        """What was kept, decoded."""
        return decode(bytes(self._head + self._tail))


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """An ended call of forge with what it printed."""

    completed: Completed
    printed: str

    @property
    def returncode(self) -> int:
        """Forge's exit code."""
        return self.completed.returncode


@dataclass(frozen=True, slots=True, kw_only=True)
class ForgeSession:
    """Forge, ready for one request."""

    runner: ProcessRunner
    commands: ForgeCommands
    config: FoundryConfig
    request: ToolchainRequest
    sink: Sink
    restriction: Restriction = field(default_factory=Restriction)
    #: what takes part besides forge: its compilers and what they run on
    uses: tuple[ToolUse, ...] = ()

    async def call(
        self,
        arguments: tuple[str, ...],
        folders: ForgeFolders,
        *,
        report: bool = False,
        extra_env: Mapping[str, str] | None = None,
    ) -> Call:
        """Run forge to its end.

        Raises `ToolchainTimeoutError` at the time limit, `ToolchainOutputError` when a signal ended forge,
        and `InputError` when it does not take an argument.
        """
        command = self.commands.command(arguments, folders, report=report, extra_env=extra_env)
        return await run_forge(self.runner, command, self.sink)

    def diagnose(self, call: Call) -> Diagnosis:
        """Return why a call failed.

        Raises `ToolchainConfigError` when forge cannot read its configuration.
        """
        found = diagnose(call.printed, self.request.project_root, self.config)
        if found.config:
            raise config_refusal(call.printed, self.request.project_root)
        return found


async def run_forge(runner: ProcessRunner, command: Command, sink: Sink) -> Call:
    """Run one command of forge; see `ForgeSession.call`."""
    transcript = Transcript(sink)
    completed = await runner.run(command, transcript)
    what = f"forge {command.argv[-1] if len(command.argv) == 1 else _subcommand(command.argv)}"
    if completed.timed_out:
        raise ToolchainTimeoutError(
            f"{what} did not end within {command.timeout_s:g} s",
            hint="raise the stage's timeout_s, or find out in its log what it waits for",
        )
    if completed.returncode < 0:
        raise ToolchainOutputError(
            ending(completed, what),
            hint="it may have run out of memory; the stage's log holds what it printed",
        )
    if completed.returncode == _USAGE_EXIT:
        raise InputError(
            f"{what} does not take its arguments: {one_line(completed.error_text.removeprefix('error: '))}",
            hint="correct the arguments and globs in the section `foundry:` of the config",
            code="TCH102",
        )
    return Call(completed=completed, printed=transcript.text)


def _subcommand(argv: tuple[str, ...]) -> str:
    known = ("build", "test", "coverage", "config")
    return next((argument for argument in argv if argument in known), "")


async def open_session(
    toolbox: Toolbox,
    runner: ProcessRunner,
    settings: FoundrySettings,
    request: ToolchainRequest,
    sink: Sink,
) -> ForgeSession:
    """Return forge with the project's configuration, and every compiler it will ask for in its HOME.

    Raises `ToolchainConfigError` for a foundry.toml that cannot be read, `UnbuildableError` when no compiler
    fits, and what the toolbox raises when a tool cannot be had.
    """
    with disk_errors(request.scratch):
        request.scratch.mkdir(parents=True, exist_ok=True)
        forge_home(request).mkdir(parents=True, exist_ok=True)
    allow_ffi = request.allow_ffi or settings.allow_ffi
    forge, uses = await _program(toolbox, sink, with_node=allow_ffi)
    commands = ForgeCommands(
        tool=forge,
        request=request,
        profile=request.profile or settings.profile,
        allow_ffi=allow_ffi,
    )
    config = await _read_config(runner, commands, request)
    command = commands.command(("config",), ForgeFolders.shared(request), report=True)
    restriction = await restrict(
        Forge(runner, forge.argv, command),
        request.scratch / "foundry-restricted.toml",
        config,
        Allowance(ffi=allow_ffi, fs=settings.allow_fs),
    )
    commands = replace(commands, variables=restriction.variables)
    if not commands.allow_ffi:
        refuse_own_compilers(request.project_root, config)
    uses += await _provide_compilers(toolbox, config, request, sink)
    seed = settings.fuzz_seed or config.fuzz.seed or DEFAULT_SEED
    return ForgeSession(
        runner=runner,
        commands=replace(commands, seed=seed),
        config=config,
        restriction=restriction,
        request=request,
        sink=sink,
        uses=tuple(dict.fromkeys(uses)),
    )


async def _program(toolbox: Toolbox, sink: Sink, *, with_node: bool) -> tuple[Tool, list[ToolUse]]:
    """Return forge and what it stands on. `with_node`: what tests start is mostly a script for it."""
    forge = await toolbox.tool("forge", sink)
    if not with_node:
        return forge, [*forge.stands_on]
    node = await toolbox.tool("node", sink)
    path = (*forge.path, *node.path, Path(node.argv[0]).parent)
    return replace(forge, path=path), [*forge.stands_on, *node.uses]


async def _provide_compilers(
    toolbox: Toolbox, config: FoundryConfig, request: ToolchainRequest, sink: Sink
) -> list[ToolUse]:
    """Put the compilers where forge looks for them; see `needed_versions` for what is raised."""
    known = toolbox.known_solc_versions()
    versions = await asyncio.to_thread(needed_versions, request.project_root, config, known)
    uses = [use for version in versions for use in (await toolbox.solc(version, sink)).uses]
    await toolbox.solc_home(versions, forge_home(request), sink)
    return uses


async def _read_config(
    runner: ProcessRunner, commands: ForgeCommands, request: ToolchainRequest
) -> FoundryConfig:
    command = commands.command(("config", "--json"), ForgeFolders.shared(request), report=True)
    call = await run_forge(runner, command, lambda _: None)
    if call.returncode != 0:
        raise config_refusal(call.printed, request.project_root)
    return parse_config(call.completed.whole_stdout())


def refuse_own_compilers(root: Path, config: FoundryConfig) -> None:
    """Refuse compilers that are programs of the project's own: that is FFI by another name.

    Raises `UnbuildableError`.
    """
    programs = {"solc": config.solc, "vyper": config.vyper.path}
    if config.solc and parse_version(config.solc.removeprefix("solc:")):
        del programs["solc"]
    for name, program in programs.items():
        if program:
            raise UnbuildableError(
                Diagnosis(
                    failure=(
                        f"{toml_place(root, name)}: the project names a program of its own as compiler "
                        f"({one_line(program)}); that is refused like FFI"
                    ),
                    limit="own-compiler",
                    hint=f"name a release of {name}, or set `foundry: {{allow_ffi: true}}` if you trust it",
                )
            )


def needed_versions(root: Path, config: FoundryConfig, known: tuple[str, ...]) -> tuple[str, ...]:
    """Return the solc releases that forge will ask for: the pinned one, or those the pragmas call for.

    Raises `UnbuildableError` when a release does not exist or no release fits a source.
    """
    if config.solc:
        pinned = parse_version(config.solc.removeprefix("solc:"))
        if pinned is None:
            return ()  # a compiler of the project's own, by path
        version = ".".join(map(str, pinned))
        if version not in known:
            raise UnbuildableError(_unknown_release(root, config.solc, known))
        return (version,)
    choice = choose_versions(gather_pragmas(root, config), known)
    if choice.unserved:
        raise UnbuildableError(_unserved(choice.unserved))
    return choice.versions


def _unknown_release(root: Path, version: str, known: tuple[str, ...]) -> Diagnosis:
    span = f"{known[0]} to {known[-1]} can be had" if known else "no release can be had"
    return Diagnosis(
        failure=f"{toml_place(root, 'solc')}: solc {version} is not a release that can be provided ({span})",
        limit="solc-version",
        hint="choose a release in foundry.toml that can be had: others may compile to other bytes",
    )


def _unserved(unserved: Mapping[str, tuple[str, ...]]) -> Diagnosis:
    path = pinned_place_order(unserved)
    more = f" (and {plural(len(unserved) - 1, 'more source')})" if len(unserved) > 1 else ""
    return Diagnosis(
        failure=(
            f"{path}: no solc release satisfies its pragmas and those of its imports: "
            f"{' and '.join(unserved[path])}{more}"
        ),
        limit="solc-version",
        hint="make the pragmas agree on a release that exists, or pin one in foundry.toml",
    )


def write_report(path: Path, report: object) -> None:
    """Write a report for the artifacts; raises `DiskError` when the disk refuses."""
    from chainops.core.files import write_atomic

    write_atomic(path, json.dumps(report, ensure_ascii=False, separators=(",", ":")).encode())
