"""The one door to subprocesses: argument lists, both pipes drained, limits, masks, no one left behind."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from chainops.core.errors import MachineError
from chainops.core.process_tree import MARKER, kill_marked, signal_group
from chainops.core.secrets import Masker, MaskingStream
from chainops.core.text import decode

#: called with masked bytes as they arrive, from either pipe
Sink = Callable[[bytes], None]

_READ_BYTES = 1 << 16
_ERROR_TAIL_BYTES = 1 << 16


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
    keep_stdout_bytes: int = 64 << 20
    #: stdout is the tool's result, not prose: it goes to the caller and not to the log
    quiet_stdout: bool = False
    #: names the attempt (`run/stage/attempt/`), so that whatever it started can be found and ended
    marker: str = ""
    #: seconds between SIGINT, SIGTERM and SIGKILL
    grace_s: float = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Completed:
    """What a process left: `returncode` is negative for a signal, as in `subprocess`."""

    argv: tuple[str, ...]
    returncode: int
    stdout: bytes
    #: the last 64 KiB of stderr
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
            raise OutputLimitError(
                f"{Path(self.argv[0]).name} printed {self.stdout_bytes:,} bytes; "
                f"{len(self.stdout):,} are kept for parsing",
                hint="narrow what the tool reports on, or raise the limit",
            )
        return self.stdout


class ProcessRunner(Protocol):
    """Runs commands; the twin replays scripted answers."""

    async def run(self, command: Command, sink: Sink | None = None) -> Completed:
        """Run to the end, the time limit or cancellation; stream masked output to `sink`.

        Raises `ToolMissingError` when the program cannot be started.
        """


@dataclass(slots=True)
class _Pipe:
    """Keeps a part of one stream and passes all of it on."""

    keep_bytes: int
    from_end: bool
    sink: Sink | None
    stream: MaskingStream
    total: int = 0
    kept: bytearray = field(default_factory=bytearray)

    def take(self, chunk: bytes) -> None:
        self.total += len(chunk)
        if self.from_end:
            self.kept += chunk
            if len(self.kept) > 2 * self.keep_bytes:
                del self.kept[: -self.keep_bytes]
        elif len(self.kept) < self.keep_bytes:
            self.kept += chunk[: self.keep_bytes - len(self.kept)]
        self.pass_on(self.stream.feed(chunk))

    def pass_on(self, data: bytes) -> None:
        if self.sink and data:
            self.sink(data)

    async def drain(self, reader: asyncio.StreamReader) -> None:
        while chunk := await reader.read(_READ_BYTES):
            self.take(chunk)
        self.pass_on(self.stream.close())

    def result(self) -> bytes:
        return bytes(self.kept[-self.keep_bytes :] if self.from_end else self.kept)


class LocalProcessRunner:
    """Runs commands on this machine, each in a session of its own."""

    def __init__(self, masker: Masker | None = None) -> None:
        self._masker = masker or Masker()

    async def run(self, command: Command, sink: Sink | None = None) -> Completed:
        """Run `command`; see `ProcessRunner.run`."""
        started = time.monotonic()
        process = await self._start(command)
        out = _Pipe(
            command.keep_stdout_bytes,
            from_end=False,
            sink=None if command.quiet_stdout else sink,
            stream=MaskingStream(self._masker),
        )
        err = _Pipe(_ERROR_TAIL_BYTES, from_end=True, sink=sink, stream=MaskingStream(self._masker))
        timed_out = False
        work = asyncio.ensure_future(_communicate(process, command.stdin, out, err))
        try:
            await asyncio.wait_for(asyncio.shield(work), command.timeout_s)
        except TimeoutError:
            timed_out = True
        finally:
            # also reached when the stage is cancelled: whatever still runs is ended before we go on
            await asyncio.shield(_end(process, command, work))
        return Completed(
            argv=command.argv,
            returncode=process.returncode if process.returncode is not None else -signal.SIGKILL,
            stdout=out.result(),
            stderr_tail=self._masker.mask(err.result()),
            duration_s=time.monotonic() - started,
            timed_out=timed_out,
            stdout_bytes=out.total,
        )

    async def _start(self, command: Command) -> asyncio.subprocess.Process:
        env = dict(command.env)
        if command.marker:
            env[MARKER] = command.marker
        try:
            return await asyncio.create_subprocess_exec(
                *command.argv,
                cwd=command.cwd,
                env=env,
                stdin=asyncio.subprocess.PIPE if command.stdin else asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                start_new_session=True,
            )
        except (FileNotFoundError, PermissionError, NotADirectoryError) as error:
            raise ToolMissingError(
                f"cannot start {command.argv[0]} in {command.cwd}: {error.strerror}",
                hint="run `chainops doctor` to see which tools are missing",
            ) from error


async def _communicate(process: asyncio.subprocess.Process, stdin: bytes, out: _Pipe, err: _Pipe) -> None:
    assert process.stdout is not None  # noqa: S101 - both pipes were asked for
    assert process.stderr is not None  # noqa: S101 - both pipes were asked for
    await asyncio.gather(_feed(process, stdin), out.drain(process.stdout), err.drain(process.stderr))
    await process.wait()


async def _feed(process: asyncio.subprocess.Process, data: bytes) -> None:
    if process.stdin is None:
        return
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # a tool may not read its input
        process.stdin.write(data)
        await process.stdin.drain()
    process.stdin.close()


async def _end(process: asyncio.subprocess.Process, command: Command, work: asyncio.Future[None]) -> None:
    """Leave nothing behind: polite signals to what still runs, SIGKILL to what stays."""
    if not work.done():
        for sign in (signal.SIGINT, signal.SIGTERM):
            signal_group(process.pid, sign)
            done, _ = await asyncio.wait({work}, timeout=command.grace_s)
            if done:
                break
    signal_group(process.pid, signal.SIGKILL)
    if command.marker and not work.done():
        kill_marked(command.marker)
    done, _ = await asyncio.wait({work}, timeout=5)
    if not done:
        # a process outside the group still holds a pipe: stop reading, the sweep at the stage's end finds it
        work.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await work
    with contextlib.suppress(asyncio.CancelledError):
        if work.done() and not work.cancelled():
            work.result()


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
        return Completed(
            argv=command.argv,
            returncode=answer.returncode,
            stdout=answer.stdout[: command.keep_stdout_bytes],
            stderr_tail=answer.stderr[-_ERROR_TAIL_BYTES:],
            duration_s=0.0,
            timed_out=answer.timed_out,
            stdout_bytes=len(answer.stdout),
        )
