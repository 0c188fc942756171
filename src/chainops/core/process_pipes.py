"""What becomes of a child's output: masked as it arrives, passed on, and a bounded part of it kept."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, Protocol

from chainops.core.secrets import Masker, MaskingStream

if TYPE_CHECKING:
    from collections.abc import Callable

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
        self._stream = MaskingStream(masker)
        self._sink = sink
        self._keep_bytes = keep_bytes
        self._overflow = overflow
        self.total_bytes = 0
        #: what is kept; a file without a name once it is long
        self._kept = bytearray()
        self._file: IO[bytes] | None = None

    def take(self, chunk: bytes) -> None:
        """Keep what there is room for, and pass the chunk on. Raises `overflow`, and what the sink raises."""
        room = max(0, self._keep_bytes - self.total_bytes)
        self.total_bytes += len(chunk)
        if self._overflow and len(chunk) > room:
            self.drop()
            raise self._overflow
        self._keep(chunk[:room])
        self._pass_on(self._stream.feed(chunk))

    def close(self) -> None:
        """Pass on what was held back."""
        self._pass_on(self._stream.close())

    def kept(self) -> bytes:
        """Return the kept bytes."""
        if self._file is None:
            return bytes(self._kept)
        self._file.seek(0)
        return self._file.read()

    def drop(self) -> None:
        """Free what was kept, for good."""
        self._kept.clear()
        if self._file is not None:
            self._file.close()

    def _keep(self, data: bytes) -> None:
        if self._file is None and len(self._kept) + len(data) > _IN_MEMORY_BYTES:
            from tempfile import TemporaryFile

            self._file = TemporaryFile()  # noqa: SIM115 - closed by `drop`
            self._file.write(self._kept)
            self._kept.clear()
        if self._file is None:
            self._kept += data
        else:
            self._file.write(data)

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
