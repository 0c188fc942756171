"""The one door to subprocesses: argument lists, both pipes drained, limits, masks, no one left behind."""

from __future__ import annotations

import asyncio
import errno
import os
import time
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypeVar

from chainops.core.errors import MachineError
from chainops.core.process_child import Child
from chainops.core.process_exit import ExitWatch, watch_exit
from chainops.core.process_pipes import Pipe, ResultPipe, TailPipe
from chainops.core.process_tree import MARKER
from chainops.core.secrets import Masker
from chainops.core.sink import Sink as Sink  # noqa: PLC0414 - runners are called with it: given on from here
from chainops.core.text import decode
from chainops.core.units import format_bytes

T = TypeVar("T")

_ERROR_TAIL_BYTES = 1 << 16
#: execve(2): no such file, not allowed, not a folder on the way, not a program
_CANNOT_START = (errno.ENOENT, errno.EACCES, errno.EPERM, errno.ENOTDIR, errno.ENOEXEC)


class ToolMissingError(MachineError):
    """The program to run does not exist or may not be executed."""

    code = "PRC301"


class OutputLimitError(MachineError):
    """A tool printed more than its result may hold, so the result would be cut."""

    code = "PRC302"


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """What to run and within which limits."""

    argv: tuple[str, ...]
    cwd: Path
    #: the whole environment of the child; nothing is inherited
    env: Mapping[str, str]
    timeout_s: float | None = None
    stdin: bytes = b""
    #: how much of stdout is kept for parsing; the rest is counted and dropped
    keep_stdout_bytes: int = 16_000_000
    #: a cut stdout is of no use: the program is ended when it prints more, and `OutputLimitError` is raised
    stdout_must_fit: bool = False
    #: stdout is the tool's result, not prose: it goes to the caller and not to the log
    quiet_stdout: bool = False
    #: names the attempt (`run/stage/attempt/`), so that whatever it started can be found and ended
    marker: str = ""
    #: seconds between SIGINT, SIGTERM and SIGKILL
    grace_s: float = 1.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Completed:
    """What a process left: `returncode` is negative for a signal, as in `subprocess`."""

    argv: tuple[str, ...]
    returncode: int
    #: not masked, for it is to be parsed: never show it without a `Masker`
    stdout: bytes = field(repr=False)
    #: the last 64 KiB of stderr, secrets masked
    stderr_tail: bytes
    duration_s: float
    timed_out: bool = False
    stdout_bytes: int = 0

    @property
    def text(self) -> str:
        """Stdout, decoded."""
        return decode(self.stdout)

    @property
    def error_text(self) -> str:
        """The end of stderr, decoded."""
        return decode(self.stderr_tail)

    @property
    def truncated(self) -> bool:
        """Whether stdout held more than was kept."""
        return self.stdout_bytes > len(self.stdout)

    def whole_stdout(self) -> bytes:
        """Return stdout, or raise `OutputLimitError` when a part of it was dropped."""
        if self.truncated:
            raise _too_much(self.argv, len(self.stdout))
        return self.stdout


def _too_much(argv: tuple[str, ...], kept_bytes: int) -> OutputLimitError:
    return OutputLimitError(
        f"{Path(argv[0]).name} printed more than the {format_bytes(kept_bytes)} that are read as a result",
        hint="narrow what the tool reports on; the stage's log holds what else it said",
    )


class ProcessRunner(Protocol):
    """Runs commands; the twin replays scripted answers."""

    async def run(self, command: Command, sink: Sink | None = None) -> Completed:
        """Run to the end, the time limit or cancellation; stream masked output to `sink`.

        Raises `ToolMissingError` when the program cannot be started, `OutputLimitError` when its stdout has
        to fit and does not.
        """


class LocalProcessRunner:
    """Runs commands on this machine, each in a session of its own."""

    def __init__(self, masker: Masker | None = None, *, watch: ExitWatch = watch_exit) -> None:
        self._masker = masker or Masker()
        self._watch = watch

    async def run(self, command: Command, sink: Sink | None = None) -> Completed:
        """Run `command`; see `ProcessRunner.run`."""
        started = time.monotonic()
        out = ResultPipe(
            self._masker,
            None if command.quiet_stdout else sink,
            keep_bytes=command.keep_stdout_bytes,
            overflow=_too_much(command.argv, command.keep_stdout_bytes) if command.stdout_must_fit else None,
        )
        err = TailPipe(self._masker, sink, keep_bytes=_ERROR_TAIL_BYTES)
        try:
            returncode, timed_out = await self._until_ended(command, out, err)
            return Completed(
                argv=command.argv,
                returncode=returncode,
                stdout=out.kept(),
                stderr_tail=err.kept(),
                duration_s=time.monotonic() - started,
                timed_out=timed_out,
                stdout_bytes=out.total_bytes,
            )
        finally:
            out.drop()

    async def _until_ended(self, command: Command, out: Pipe, err: Pipe) -> tuple[int, bool]:
        """Run a child to its end; return its exit code and whether its time was up."""
        child = start_child(command, out, err, watch=self._watch)
        timed_out = False
        try:
            async with asyncio.timeout(command.timeout_s) as limit:
                await child.until_ended()
        except TimeoutError:
            timed_out = limit.expired()
        finally:
            # also reached when the stage is cancelled: whatever still runs is ended before we go on
            returncode = child.close() if child.gone else await uninterrupted(child.end())
        if child.failure:
            raise child.failure
        return returncode, timed_out


def start_child(command: Command, out: Pipe, err: Pipe, *, watch: ExitWatch = watch_exit) -> Child:
    """Start `command` with its output going to the pipes; whoever starts a child awaits its `end`.

    Raises `ToolMissingError` when the program cannot be started.
    """
    # a mark of its own below the attempt's: ending this command must not end another one of the attempt
    marker = f"{command.marker}{os.urandom(4).hex()}/" if command.marker else ""
    env = {**command.env, MARKER: marker} if marker else command.env
    child = Child(out, err, marker=marker, grace_s=command.grace_s, watch=watch)
    try:
        child.start(command.argv, cwd=command.cwd, env=env, stdin=command.stdin)
    except OSError as error:
        if error.errno not in _CANNOT_START:
            raise
        raise ToolMissingError(
            f"cannot start {command.argv[0]} in {command.cwd}: {error.strerror}",
            hint="run `chainops doctor` to see which tools are missing",
        ) from error
    return child


async def uninterrupted(work: Coroutine[Any, Any, T]) -> T:
    """Await `work` to its end even when cancelled meanwhile, once or often; then pass the cancellation on."""
    task = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled:
        raise cancelled
    return task.result()


#: what a child may see of our environment; everything else has to be declared
ALLOWED_ENVIRONMENT = (
    "PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR",
    "SSL_CERT_FILE", "SSL_CERT_DIR", "NODE_EXTRA_CA_CERTS",
)  # fmt: skip


def clean_environment(home: Path, extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the environment for project code: an allow-list of ours, a private HOME, and `extra`."""
    env = {name: os.environ[name] for name in ALLOWED_ENVIRONMENT if name in os.environ}
    env["HOME"] = str(home)
    env.setdefault("LANG", "C.UTF-8")
    env.update(extra or {})
    return env


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptedAnswer:
    """What `MemoryProcessRunner` answers to a command whose arguments contain `when`."""

    when: str
    stdout: bytes = b""
    stderr: bytes = b""
    returncode: int = 0
    timed_out: bool = False
    #: run before answering, for tools whose result is a file
    effect: Callable[[Command], None] | None = None


class MemoryProcessRunner:
    """Answers from a script and remembers what was asked."""

    def __init__(self, *answers: ScriptedAnswer) -> None:
        self._answers = answers
        self.commands: list[Command] = []

    async def run(self, command: Command, sink: Sink | None = None) -> Completed:
        """Give the first answer whose `when` occurs in the command line."""
        self.commands.append(command)
        line = " ".join(command.argv)
        for answer in self._answers:
            if answer.when in line:
                return self._give(answer, command, sink)
        raise ToolMissingError(f"no scripted answer for: {line}")

    @staticmethod
    def _give(answer: ScriptedAnswer, command: Command, sink: Sink | None) -> Completed:
        if answer.effect:
            answer.effect(command)
        if sink:
            for data in (b"" if command.quiet_stdout else answer.stdout, answer.stderr):
                if data:
                    sink(data)
        if command.stdout_must_fit and len(answer.stdout) > command.keep_stdout_bytes:
            raise _too_much(command.argv, command.keep_stdout_bytes)
        return Completed(
            argv=command.argv,
            returncode=answer.returncode,
            stdout=answer.stdout[: command.keep_stdout_bytes],
            stderr_tail=answer.stderr[-_ERROR_TAIL_BYTES:],
            duration_s=0.0,
            timed_out=answer.timed_out,
            stdout_bytes=len(answer.stdout),
        )
