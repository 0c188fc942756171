"""Real dev chains, and a proxy in front of them that breaks answers on demand."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable

import pytest

from chainops.chains.embedded import LocalChainAccess
from chainops.chains.model import Network, NetworkKind
from chainops.core.process import LocalProcessRunner
from chainops.core.references import Resolver
from chainops.core.service import LocalServiceStarter
from chainops.tools.cache import default_cache_dir
from chainops.tools.toolbox import ProvisionedToolbox

NETWORK = Network(name="embedded", kind=NetworkKind.EMBEDDED, chain_id=31337)


@pytest.fixture
def chains(tmp_path) -> LocalChainAccess:
    return LocalChainAccess(
        toolbox=ProvisionedToolbox(cache_dir=default_cache_dir(), runner=LocalProcessRunner()),
        services=LocalServiceStarter(),
        secrets=Resolver(env={}, base=tmp_path),
    )


@pytest.fixture
async def chain(chains, tmp_path) -> AsyncIterator:
    async with chains.fresh(NETWORK, scratch=tmp_path / "chain", marker="t/c/1/", log=lambda _: None) as one:
        yield one


class FaultyProxy:
    """Passes JSON-RPC on to a node unless `fault` says otherwise for a request.

    `fault(method, count)` returns None to pass it on, or what to do: `hang`, `500`, `429`, `garbage`,
    `truncated`, `wrong-id`, `drop` (forwarded, but the connection ends without an answer), `close`.
    """

    def __init__(self, upstream: str) -> None:
        host, port = upstream.removeprefix("http://").split(":")
        self._upstream = (host, int(port))
        self.fault: Callable[[str, int], str | None] = lambda _method, _count: None
        self.seen: list[str] = []
        self.url = ""
        self._open: set[asyncio.StreamWriter] = set()

    async def __aenter__(self) -> FaultyProxy:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for writer in tuple(self._open):
            writer.close()
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            while body := await _read(reader):
                if not await self._answer(body, writer):
                    break
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self._open.discard(writer)
            writer.close()

    async def _answer(self, body: bytes, writer: asyncio.StreamWriter) -> bool:
        method = json.loads(body)["method"]
        self.seen.append(method)
        fault = self.fault(method, self.seen.count(method))
        if fault == "close":
            return False
        if fault == "hang":
            await asyncio.Event().wait()
        answer = await self._forward(body) if fault in (None, "drop", "truncated", "wrong-id") else b""
        if fault == "drop":
            return False
        status = {"500": 500, "429": 429}.get(fault or "", 200)
        if fault == "garbage":
            answer = b"<html>it works!</html>"
        elif fault == "truncated":
            answer = answer[: len(answer) // 2]
        elif fault == "wrong-id":
            answer = json.dumps({**json.loads(answer), "id": 99999}).encode()
        head = (
            f"HTTP/1.1 {status} x\r\ncontent-type: application/json\r\ncontent-length: {len(answer)}\r\n\r\n"
        )
        writer.write(head.encode() + answer)
        await writer.drain()
        return True

    async def _forward(self, body: bytes) -> bytes:
        reader, writer = await asyncio.open_connection(*self._upstream)
        head = "POST / HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
        writer.write(f"{head}content-length: {len(body)}\r\n\r\n".encode() + body)
        answer = await _read(reader)
        writer.close()
        return answer


async def _read(reader: asyncio.StreamReader) -> bytes:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return b""
    length = next(
        int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length")
    )
    return await reader.readexactly(length)


@pytest.fixture
async def proxy(chain) -> AsyncIterator[FaultyProxy]:
    async with FaultyProxy(chain.url) as one:
        yield one
