"""Builds forge's command lines and the one environment they all run in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from chainops.core.process import Command, clean_environment
from chainops.toolchains.ports import TestSelection, ToolchainRequest
from chainops.tools.ports import Tool

#: a profile that foundry.toml need not know: forge's own
_DEFAULT_PROFILE = "default"
#: what a report may hold before forge is ended; that of 598 tests is 0.2 MB
_KEEP_REPORT_BYTES = 16_000_000
#: prose goes to the log; the session keeps the beginning and the end of it
_KEEP_PROSE_BYTES = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ForgeFolders:
    """Where one call of forge writes, so that neither the user's tree nor another call is touched."""

    out: Path
    cache: Path
    #: failures that forge remembers for its next run: ours start without memory
    memory: Path

    @classmethod
    def shared(cls, request: ToolchainRequest, memory: str = "forge") -> ForgeFolders:
        """The run's build, which only `build` writes; calls side by side have a `memory` each."""
        return cls._below(request.build_dir, request.scratch / memory)

    @classmethod
    def own(cls, request: ToolchainRequest, name: str) -> ForgeFolders:
        """A build of one call alone."""
        folder = request.scratch / name
        return cls._below(folder, folder)

    @classmethod
    def _below(cls, folder: Path, memory: Path) -> ForgeFolders:
        return cls(out=folder / "out", cache=folder / "cache", memory=memory)


def forge_home(request: ToolchainRequest) -> Path:
    """Return the HOME of a request's forge."""
    return request.home or request.build_dir.parent / "home"


@dataclass(frozen=True, slots=True, kw_only=True)
class ForgeCommands:
    """Makes commands for one request."""

    tool: Tool
    request: ToolchainRequest
    profile: str = ""
    allow_ffi: bool = False
    #: set before everything else that is ours: how forge is made to refuse FFI
    variables: Mapping[str, str] = field(default_factory=dict)
    #: seed of fuzz and invariant tests; empty to leave the project's
    seed: str = ""

    def command(
        self,
        arguments: tuple[str, ...],
        folders: ForgeFolders,
        *,
        extra_env: Mapping[str, str] | None = None,
        report: bool = False,
    ) -> Command:
        """Return a call of forge; with `report` its stdout is a result and does not go to the log."""
        return Command(
            argv=(*self.tool.argv, *arguments),
            cwd=self.request.project_root,
            env=self.environment(folders, extra_env or {}),
            timeout_s=self.request.timeout_s,
            keep_stdout_bytes=_KEEP_REPORT_BYTES if report else _KEEP_PROSE_BYTES,
            stdout_must_fit=report,
            quiet_stdout=report,
            marker=self.request.marker,
        )

    def environment(self, folders: ForgeFolders, extra: Mapping[str, str]) -> dict[str, str]:
        """Return the whole environment of forge: an allow-list, the declared variables, then our limits.

        Ours come last, and forge lets its environment win over foundry.toml, so that neither the project nor
        its declared variables can reach the network for a compiler or write elsewhere.
        """
        env = clean_environment(forge_home(self.request), {**self.request.env, **extra, **self.tool.env})
        if self.tool.path:
            env["PATH"] = ":".join([*map(str, self.tool.path), env.get("PATH", "")])
        env |= {
            **self.variables,
            "HOME": str(forge_home(self.request)),
            "FOUNDRY_PROFILE": self.profile or _DEFAULT_PROFILE,
            "FOUNDRY_OFFLINE": "true",
            "FOUNDRY_OUT": str(folders.out),
            "FOUNDRY_CACHE": "true",
            "FOUNDRY_CACHE_PATH": str(folders.cache),
            "FOUNDRY_TEST_FAILURES_FILE": str(folders.memory / "test-failures"),
            "FOUNDRY_FUZZ_FAILURE_PERSIST_DIR": str(folders.memory / "fuzz"),
            "FOUNDRY_INVARIANT_FAILURE_PERSIST_DIR": str(folders.memory / "invariant"),
            "FOUNDRY_SNAPSHOTS": str(folders.memory / "snapshots"),
            # linting is a stage of its own
            "FOUNDRY_LINT_LINT_ON_BUILD": "false",
            "NO_COLOR": "1",
        }
        if self.seed:
            env["FOUNDRY_FUZZ_SEED"] = self.seed
        env |= compiler_environment(self.request.solc, self.request.evm_version)
        return env


def compiler_environment(solc: str, evm_version: str) -> dict[str, str]:
    """Return the variables that win over foundry.toml's compiler; none for what is empty."""
    given = {"FOUNDRY_SOLC": solc, "FOUNDRY_EVM_VERSION": evm_version}
    return {name: value for name, value in given.items() if value}


def ffi_arguments(*, allowed: bool) -> tuple[str, ...]:
    """Return the flag that lets tests start programs, when they may."""
    return ("--ffi",) if allowed else ()


def selection_arguments(selection: TestSelection) -> tuple[str, ...]:
    """Return forge's filters for a selection."""
    arguments: list[str] = []
    if selection.match_path:
        arguments += ["--match-path", selection.match_path]
    if selection.no_match_path:
        arguments += ["--no-match-path", selection.no_match_path]
    return tuple(arguments)


def selection_environment(selection: TestSelection) -> dict[str, str]:
    """Return a selection's variables. An RPC URL may hold a key: it goes here, not on the command line."""
    env = dict(selection.extra_env)
    if selection.rpc_url:
        env["FOUNDRY_ETH_RPC_URL"] = selection.rpc_url
    return env
