"""One running child: its pipes drained together, its end noticed even when a stranger keeps a pipe open."""

from __future__ import annotations

import asyncio
import signal
from typing import TYPE_CHECKING, Protocol

from chainops.core.process_tree import kill_marked, signal_group
from chainops.core.secrets import Masker, MaskingStream

if TYPE_CHECKING:
    from collections.abc import Callable

#: how long the system may take to report a killed child
_REAP_S = 5.0
#: what a result may hold in memory while it grows: several tools can print without an end side by side
_IN_MEMORY_BYTES = 1 << 20


class Pipe(Protocol):
    """Takes what one of the child's pipes carries."""

    def take(self, chunk: bytes) -> None:
        """Keep a part of the bytes and pass them on."""

    def close(self) -> None:
        """Pass on what was held back."""


class ResultPipe:
    """Keeps the beginning of a stream as it came, for parsing, and passes all of it on masked.

    What exceeds a megabyte waits in a file without a name. With `overflow` the stream has to fit: it is what
    `take` raises when there is more, and nothing is kept then.
    """

    def __init__(
        self,
        masker: Masker,
        sink: Callable[[bytes], None] | None,
        *,
        keep_bytes: int,
        overflow: Exception | None = None,
    ) -> None:
        from tempfile import SpooledTemporaryFile

        self._stream = MaskingStream(masker)
        self._sink = sink
        self._keep_bytes = keep_bytes
        self._overflow = overflow
        self.total_bytes = 0
        self._kept = SpooledTemporaryFile(max_size=_IN_MEMORY_BYTES)  # noqa: SIM115 - closed by `drop`

    def take(self, chunk: bytes) -> None:
        """Keep what there is room for, and pass the chunk on. Raises `overflow`, and what the sink raises."""
        room = max(0, self._keep_bytes - self.total_bytes)
        self.total_bytes += len(chunk)
        if self._overflow and len(chunk) > room:
            self.drop()
            raise self._overflow
        self._kept.write(chunk[:room])
        self._pass_on(self._stream.feed(chunk))

    def close(self) -> None:
        """Pass on what was held back."""
        self._pass_on(self._stream.close())

    def kept(self) -> bytes:
        """Return the kept bytes."""
        self._kept.seek(0)
        return self._kept.read()

    def drop(self) -> None:
        """Free what was kept, for good."""
        self._kept.close()

    def _pass_on(self, shown: bytes) -> None:
        if self._sink and shown:
            self._sink(shown)


class TailPipe:
    """Keeps the end of a stream, masked before it is cut: a cut secret would no longer be known."""

    def __init__(self, masker: Masker, sink: Callable[[bytes], None] | None, *, keep_bytes: int) -> None:
        self._stream = MaskingStream(masker)
        self._sink = sink
        self._keep_bytes = keep_bytes
        self._kept = bytearray()

    def take(self, chunk: bytes) -> None:
        """Keep the newest bytes, and pass the chunk on."""
        self._pass_on(self._stream.feed(chunk))

    def close(self) -> None:
        """Keep and pass on what was held back."""
        self._pass_on(self._stream.close())

    def kept(self) -> bytes:
        """Return the kept bytes."""
        return bytes(self._kept[-self._keep_bytes :])

    def _pass_on(self, shown: bytes) -> None:
        self._kept += shown
        if len(self._kept) > 2 * self._keep_bytes:
            del self._kept[: -self._keep_bytes]
        if self._sink and shown:
            self._sink(shown)


class Child(asyncio.SubprocessProtocol):
    """Hands the child's output to its pipes and knows when it has ended."""

    def __init__(self, out: Pipe, err: Pipe, *, marker: str, grace_s: float) -> None:
        self._open: dict[int, Pipe] = {1: out, 2: err}
        self._marker = marker
        self._grace_s = grace_s
        self._transport: asyncio.SubprocessTransport | None = None
        self._ended = False
        #: the program has ended, or its output can no longer be taken
        self._stopped = asyncio.Event()
        #: the program has ended and nobody holds its pipes any more
        self._gone = asyncio.Event()
        #: what went wrong while its output was taken
        self.failure: Exception | None = None

    @property
    def running(self) -> bool:
        """Whether the program has not ended."""
        return not self._ended

    @property
    def returncode(self) -> int | None:
        """The exit code, negative for a signal; None while it runs."""
        return self._started().get_returncode()

    def begin(self, transport: asyncio.SubprocessTransport, stdin: bytes) -> None:
        """Take the started child over and give it its input."""
        self._transport = transport
        pipe = transport.get_pipe_transport(0)
        if isinstance(pipe, asyncio.WriteTransport):
            pipe.write(stdin)
            pipe.write_eof()

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        """Take a chunk; a sink that refuses it (a full disk) stops the child."""
        try:
            self._open[fd].take(data)
        except Exception as error:  # noqa: BLE001 - raised again by whoever ran the child
            self._fail(error)

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """Note that a pipe has ended."""
        self._close_pipe(fd)
        self._note()

    def process_exited(self) -> None:
        """Note that the program has ended; its pipes may still hold output."""
        self._ended = True
        self._stopped.set()
        self._note()

    async def until_ended(self) -> None:
        """Wait for the program's end; whoever it left behind with a pipe gets the grace, not for ever."""
        await self._stopped.wait()
        if not self.failure:
            await self._is_gone(self._grace_s)

    async def end(self) -> int:
        """Leave nothing behind: polite signals to what still runs, SIGKILL to what stays.

        Returns the exit code, negative for a signal.
        """
        transport = self._started()
        pid = transport.get_pid()
        strays = not self._gone.is_set()
        if not self._ended:
            for sign in (signal.SIGINT, signal.SIGTERM):
                signal_group(pid, sign)
                if await self._has_ended(self._grace_s):
                    break
        signal_group(pid, signal.SIGKILL)
        if strays and self._marker:
            kill_marked(self._marker)
        # a stranger that we do not know may still hold a pipe: it is not waited for
        await self._is_gone(self._grace_s if self._ended else _REAP_S)
        for fd in tuple(self._open):
            self._close_pipe(fd)
        code = transport.get_returncode()
        transport.close()
        return -signal.SIGKILL if code is None else code

    def _started(self) -> asyncio.SubprocessTransport:
        if self._transport is None:
            raise RuntimeError("the child has not been started")
        return self._transport

    def _close_pipe(self, fd: int) -> None:
        pipe = self._open.pop(fd, None)
        if pipe is None:
            return
        try:
            pipe.close()
        except Exception as error:  # noqa: BLE001 - raised again by whoever ran the child
            self._fail(error)

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
        try:
            async with asyncio.timeout(limit_s):
                await self._gone.wait()
        except TimeoutError:
            return False
        return True
