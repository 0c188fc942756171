"""Processes that run beside the work (a local chain) and never outlive it, whatever becomes of us."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from chainops.core.errors import MachineError
from chainops.core.process import Command, Sink, start_child, uninterrupted
from chainops.core.process_child import Child
from chainops.core.process_pipes import TailPipe
from chainops.core.secrets import Masker, MaskingStream
from chainops.core.text import decode, one_line

_TAIL_BYTES = 1 << 16
# prctl(2): PR_SET_PDEATHSIG = 1; it survives execve. The parent may already be gone when it is set.
_LAUNCHER = (
    "import ctypes,os,sys;ctypes.CDLL(None).prctl(1,9,0,0,0);"
    "os.getppid()==int(sys.argv[1]) or os._exit(1);os.execvp(sys.argv[2],sys.argv[2:])"
)


class ServiceError(MachineError):
    """A service ended, or did not say in time that it is ready."""

    code = "PRC303"


class Service(Protocol):
    """A process that runs until it is stopped."""

    @property
    def ready(self) -> re.Match[str]:
        """What it printed when it was ready."""

    @property
    def ended(self) -> bool:
        """Whether it ended by itself."""

    async def stop(self) -> None:
        """End it and all it started; a second call does nothing."""


class ServiceStarter(Protocol):
    """Starts services."""

    async def start(
        self, command: Command, *, ready: re.Pattern[str], timeout_s: float, sink: Sink | None = None
    ) -> Service:
        """Start `command` and return once its stdout matches `ready`; what it prints later goes to `sink`.

        Raises `ToolMissingError` when it cannot be started, `ServiceError` when it ends or stays silent.
        """


class LocalServiceStarter:
    """Starts services on this machine; the kernel ends them when this process dies (Linux)."""

    def __init__(self, masker: Masker | None = None) -> None:
        self._masker = masker or Masker()

    async def start(
        self, command: Command, *, ready: re.Pattern[str], timeout_s: float, sink: Sink | None = None
    ) -> Service:
        """Start `command`; see `ServiceStarter.start`."""
        launcher = (sys.executable, "-I", "-S", "-c", _LAUNCHER, str(os.getpid()))
        out = _ReadyPipe(self._masker, sink, ready)
        err = TailPipe(self._masker, sink, keep_bytes=_TAIL_BYTES)
        child = start_child(replace(command, argv=(*launcher, *command.argv)), out, err)
        service = _LocalService(child, out)
        try:
            ready_in_time = await service.is_ready(timeout_s)
        except BaseException:
            await service.stop()
            raise
        if not ready_in_time:
            ended = service.ended
            await service.stop()
            raise _not_ready(Path(command.argv[0]).name, timeout_s, err, ended=ended)
        return service


def _not_ready(name: str, timeout_s: float, err: TailPipe, *, ended: bool) -> ServiceError:
    last = one_line(decode(err.kept())[-400:], 400)
    if ended:
        return ServiceError(f"{name} ended before it was ready: {last or 'it gave no reason'}")
    return ServiceError(f"{name} was not ready after {timeout_s:g} s", hint=last)


class _ReadyPipe:
    """Watches stdout until the service is ready, and only then passes it on.

    A banner is not logged: a dev chain prints its private keys there.
    """

    def __init__(self, masker: Masker, sink: Sink | None, pattern: re.Pattern[str]) -> None:
        self._stream = MaskingStream(masker)
        self._sink = sink
        self._pattern = pattern
        self._begin = ""
        self.match: re.Match[str] | None = None
        self.seen = asyncio.Event()

    def take(self, chunk: bytes) -> None:
        if self.match is not None:
            self._pass_on(self._stream.feed(chunk))
            return
        self._begin = (self._begin + decode(chunk))[-_TAIL_BYTES:]
        self.match = self._pattern.search(self._begin)
        if self.match is not None:
            rest, self._begin = self._begin[self.match.end() :], ""
            self.seen.set()
            self._pass_on(self._stream.feed(rest.encode()))

    def close(self) -> None:
        self._pass_on(self._stream.close())

    def _pass_on(self, shown: bytes) -> None:
        if self._sink and shown:
            self._sink(shown)


class _LocalService:
    """A child in a session of its own, with both pipes drained as long as it lives."""

    def __init__(self, child: Child, out: _ReadyPipe) -> None:
        self._child = child
        self._out = out
        self._end = asyncio.ensure_future(child.until_ended())
        self._stopped = False

    @property
    def ready(self) -> re.Match[str]:
        if self._out.match is None:
            raise ServiceError("the service is not ready")
        return self._out.match

    @property
    def ended(self) -> bool:
        return self._end.done()

    async def is_ready(self, timeout_s: float) -> bool:
        seen = asyncio.ensure_future(self._out.seen.wait())
        try:
            await asyncio.wait({seen, self._end}, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            seen.cancel()
        return self._out.match is not None

    async def stop(self) -> None:
        if self._stopped:
            return
        self._stopped = True
        await uninterrupted(self._child.end())
        self._end.cancel()
