"""Starts analyzers: a clean environment, a private HOME, nothing from the network, and failures in words."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from chainops.analysis.errors import AnalyzerError
from chainops.analysis.ports import AnalysisRequest
from chainops.core.process import Command, Completed, ProcessRunner, Sink, clean_environment
from chainops.core.text import one_line
from chainops.core.units import format_bytes, format_duration
from chainops.tools.ports import Tool

#: forge must neither download a compiler nor install a missing library
OFFLINE: Mapping[str, str] = {"FOUNDRY_OFFLINE": "true", "NO_COLOR": "1"}


def environment(
    request: AnalysisRequest, *tools: Tool, extra: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Return the environment of an analyzer: what the project declares, then ours, then the tools'."""
    home = request.home or request.scratch / "home"
    home.mkdir(parents=True, exist_ok=True)
    env = clean_environment(home, {**request.env, **OFFLINE, **(extra or {})})
    folders: list[str] = []
    for tool in tools:
        env.update(tool.env)
        folders += [str(path) for path in tool.path]
        folders += [str(Path(tool.argv[0]).parent)] if Path(tool.argv[0]).is_absolute() else []
    env["PATH"] = os.pathsep.join([*folders, env.get("PATH", os.defpath)])
    return env


#: what a linter's report may hold before the linter is ended; a finding takes one to two kilobytes
MOST_REPORT_BYTES = 16_000_000
#: prose goes to the log; this much of it is kept to say why a tool failed
_KEEP_PROSE_BYTES = 1 << 16


@dataclass(slots=True, kw_only=True)
class Capture:
    """Keeps what a tool prints on stderr when that is its result; the runner itself keeps only its end."""

    name: str
    limit_bytes: int = MOST_REPORT_BYTES
    kept: bytearray = field(default_factory=bytearray)
    too_much: bool = False

    def take(self, data: bytes) -> None:
        """Keep some more. Raises `AnalyzerError`, which ends the tool, when it does not fit."""
        self.too_much = self.too_much or len(self.kept) + len(data) > self.limit_bytes
        if self.too_much:
            self.kept.clear()
            raise AnalyzerError(
                f"{self.name} printed more than the {format_bytes(self.limit_bytes)} read as a report",
                hint="narrow what the tool reports on in its own settings",
            )
        self.kept += data


async def run_tool(
    runner: ProcessRunner,
    tool: Tool,
    arguments: tuple[str, ...],
    request: AnalysisRequest,
    sink: Sink,
    *,
    env: Mapping[str, str],
    result_on_stdout: bool = True,
) -> Completed:
    """Run an analyzer in the project's root.

    Raises `AnalyzerError` when its time is up, `OutputLimitError` when its result on stdout is too long.
    """
    command = Command(
        argv=(*tool.argv, *arguments),
        cwd=request.project_root,
        env=env,
        timeout_s=request.timeout_s,
        keep_stdout_bytes=MOST_REPORT_BYTES if result_on_stdout else _KEEP_PROSE_BYTES,
        stdout_must_fit=result_on_stdout,
        quiet_stdout=result_on_stdout,
        marker=request.marker,
    )
    completed = await runner.run(command, sink)
    if completed.timed_out:
        limit = format_duration(request.timeout_s or completed.duration_s)
        raise AnalyzerError(
            f"{tool.use.name} did not end within {limit}",
            hint="raise `timeout_s` of the stage, or analyze fewer files",
        )
    return completed


def failed(tool: Tool, completed: Completed, why: str = "") -> AnalyzerError:
    """Return the error for an analyzer that did not do its work, with its own last words."""
    said = why or last_words(completed)
    ended = (
        f"was ended by signal {-completed.returncode}"
        if completed.returncode < 0
        else f"failed with exit code {completed.returncode}"
    )
    return AnalyzerError(
        f"{tool.use.name} {tool.use.version} {ended}" + (f": {one_line(said)}" if said else ""),
        hint="the stage's log holds all that it printed",
    )


def last_words(completed: Completed) -> str:
    """Return the last line of stderr that says something, else of stdout."""
    for text in (completed.error_text, completed.text):
        for line in reversed(text.splitlines()):
            if line.strip():
                return line.strip()
    return ""
