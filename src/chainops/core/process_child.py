"""One running child: its pipes drained together, its end noticed even when a stranger keeps a pipe open."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from chainops.core.process_exit import ExitWatch, Stop, watch_exit
from chainops.core.process_pipes import Pipe
from chainops.core.process_tree import kill_marked, known_children, signal_group

#: how long the system may take to report a killed child
_REAP_S = 5.0
#: what a pipe holds unless it was enlarged (pipe(7)), so what one read takes
_CHUNK_BYTES = 1 << 16
#: reads of one pipe once the program has ended, before the loop gets its turn again
_LAST_READS = 16


class Child:
    """Hands the child's output to its pipes and knows when it has ended."""

    def __init__(
        self, out: Pipe, err: Pipe, *, marker: str, grace_s: float, watch: ExitWatch = watch_exit
    ) -> None:
        self._pipes = (out, err)
        #: what is still read, by descriptor
        self._open: dict[int, Pipe] = {}
        self._input = -1
        self._unwritten = memoryview(b"")
        self._marker = marker
        self._grace_s = grace_s
        self._watch = watch
        self._unwatch: Stop | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._ended = False
        self._over = False
        #: the program has ended, or its output can no longer be taken
        self._stopped = asyncio.Event()
        #: the program has ended and nobody holds its pipes any more
        self._gone = asyncio.Event()
        #: what went wrong while its output was taken
        self.failure: Exception | None = None

    @property
    def gone(self) -> bool:
        """Whether the program has ended and nobody holds its pipes: only `close` is left to do."""
        return self._gone.is_set()

    def start(self, argv: Sequence[str], *, cwd: Path, env: Mapping[str, str], stdin: bytes) -> None:
        """Start the program in a session of its own and give it its input; whoever does awaits `end`.

        Raises OSError when it cannot be started.
        """
        ours: list[int] = []
        theirs: list[int] = []
        try:
            for _ in self._pipes:
                reading, writing = os.pipe()
                ours.append(reading)
                theirs.append(writing)
            if stdin:
                reading, writing = os.pipe()
                ours.append(writing)
                theirs.append(reading)
            process = subprocess.Popen(
                argv,
                cwd=cwd,
                env=env,
                stdin=theirs[2] if stdin else subprocess.DEVNULL,
                stdout=theirs[0],
                stderr=theirs[1],
                start_new_session=True,
            )
        except BaseException:
            _close(ours)
            raise
        finally:
            _close(theirs)
        known_children[process.pid] = self._marker
        self._process = process
        try:
            self._take_over(ours, process, stdin)
        except BaseException:
            self._abandon(ours, process)
            raise

    async def until_ended(self) -> None:
        """Wait for the program's end; whoever it left behind with a pipe gets the grace, not for ever."""
        await self._stopped.wait()
        if not self.failure:
            await self._is_gone(self._grace_s)

    async def end(self) -> int:
        """Leave nothing behind: polite signals to what still runs, SIGKILL to what stays.

        Returns the exit code, negative for a signal.
        """
        if self.gone:
            return self.close()
        pid = self._started().pid
        if not self._ended:
            for sign in (signal.SIGINT, signal.SIGTERM):
                signal_group(pid, sign)
                if await self._has_ended(self._grace_s):
                    break
        signal_group(pid, signal.SIGKILL)
        if self._marker:
            kill_marked(self._marker)
        # a stranger that we do not know may still hold a pipe: it is not waited for
        await self._is_gone(self._grace_s if self._ended else _REAP_S)
        return self.close()

    def close(self) -> int:
        """Give back what the system lends for a child that has ended, or that nothing can end.

        Returns the exit code, negative for a signal.
        """
        process = self._started()
        for fd in tuple(self._open):
            self._close_pipe(fd)
        self._close_input()
        if not self._over:
            # before the program is collected: until then its number names its group and no other
            signal_group(process.pid, signal.SIGKILL)
        self._over = True
        if self._ended:
            self._collect(process)
        return -signal.SIGKILL if process.returncode is None else process.returncode

    def _take_over(self, ours: Sequence[int], process: subprocess.Popen[bytes], stdin: bytes) -> None:
        loop = asyncio.get_running_loop()
        for fd, pipe in zip(ours, self._pipes, strict=False):
            os.set_blocking(fd, False)
            self._open[fd] = pipe
            loop.add_reader(fd, self._read, fd)
        self._unwatch = self._watch(process, self._exited)
        if stdin:
            self._input = ours[2]
            os.set_blocking(self._input, False)
            self._unwritten = memoryview(stdin)
            loop.add_writer(self._input, self._write)

    def _abandon(self, ours: Sequence[int], process: subprocess.Popen[bytes]) -> None:
        """End a child that cannot be watched."""
        loop = asyncio.get_running_loop()
        if self._unwatch:
            self._unwatch()
        signal_group(process.pid, signal.SIGKILL)
        process.wait()
        known_children.pop(process.pid, None)
        for fd in ours:
            loop.remove_reader(fd)
        _close(ours)

    def _read(self, fd: int) -> bool:
        """Take a chunk; return whether there may be more. A sink that refuses it stops the child."""
        try:
            chunk = os.read(fd, _CHUNK_BYTES)
        except BlockingIOError:
            return False
        if not chunk:
            self._close_pipe(fd)
            self._note()
            return False
        try:
            self._open[fd].take(chunk)
        except Exception as error:  # noqa: BLE001 - raised again by whoever ran the child
            self._fail(error)
        return True

    def _write(self) -> None:
        try:
            written = os.write(self._input, self._unwritten)
        except BlockingIOError:
            return
        except BrokenPipeError:  # nobody reads it: that is the program's affair
            self._close_input()
            return
        self._unwritten = self._unwritten[written:]
        if not self._unwritten:
            self._close_input()

    def _exited(self) -> None:
        """Note that the program has ended; what it printed last is still in its pipes."""
        self._ended = True
        self._stopped.set()
        if self._over:
            self._collect(self._started())
            return
        for fd in tuple(self._open):
            for _ in range(_LAST_READS):
                if not self._read(fd):
                    break
        self._note()

    def _collect(self, process: subprocess.Popen[bytes]) -> None:
        if self._unwatch:
            self._unwatch()
        process.wait()  # it has ended: this returns at once
        known_children.pop(process.pid, None)

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise RuntimeError("the child has not been started")
        return self._process

    def _close_pipe(self, fd: int) -> None:
        pipe = self._open.pop(fd)
        asyncio.get_running_loop().remove_reader(fd)
        os.close(fd)
        try:
            pipe.close()
        except Exception as error:  # noqa: BLE001 - raised again by whoever ran the child
            self._fail(error)

    def _close_input(self) -> None:
        if self._input >= 0:
            asyncio.get_running_loop().remove_writer(self._input)
            os.close(self._input)
            self._input = -1
            self._unwritten = memoryview(b"")

    def _fail(self, error: Exception) -> None:
        self.failure = self.failure or error
        self._stopped.set()

    def _note(self) -> None:
        if self._ended and not self._open:
            self._gone.set()

    async def _has_ended(self, limit_s: float) -> bool:
        """Wait for the program itself; whoever it leaves behind with a pipe gets no grace."""
        try:
            async with asyncio.timeout(limit_s):
                await self._stopped.wait()
        except TimeoutError:
            return False
        return self._ended

    async def _is_gone(self, limit_s: float) -> bool:
        if self.gone:
            return True
        try:
            async with asyncio.timeout(limit_s):
                await self._gone.wait()
        except TimeoutError:
            return False
        return True


def _close(handles: Sequence[int]) -> None:
    for handle in handles:
        os.close(handle)
