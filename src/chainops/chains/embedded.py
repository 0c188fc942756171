"""The chain that belongs to a run: an anvil started from the run's state and ended with the stage."""

from __future__ import annotations

import contextlib
import gzip
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path

from chainops.chains.errors import RpcError
from chainops.chains.model import CODE_SIZE_LIMIT_BYTES, Network, NetworkKind
from chainops.chains.ports import OpenChain, Secrets
from chainops.chains.rpc import RpcClient
from chainops.core.errors import ChainopsError
from chainops.core.files import write_atomic
from chainops.core.process import Command, Sink, clean_environment
from chainops.core.service import ServiceStarter
from chainops.core.tooluse import ToolUse
from chainops.tools.ports import Tool, Toolbox

_READY = re.compile(r"Listening on (127\.0\.0\.1:[0-9]+)\r?\n")
_START_TIMEOUT_S = 60.0
#: anvil's state as JSON; a stranger's file of more than this is not loaded
_MAX_STATE_BYTES = 1 << 30


@dataclass(frozen=True, slots=True, kw_only=True)
class _Chain:
    """An `OpenChain`."""

    network: Network
    url: str
    rpc: RpcClient
    tools: tuple[ToolUse, ...] = ()


class LocalChainAccess:
    """Opens other people's chains by URL and starts our own on this machine."""

    def __init__(self, *, toolbox: Toolbox, services: ServiceStarter, secrets: Secrets) -> None:
        self._toolbox = toolbox
        self._services = services
        self._secrets = secrets

    @contextlib.asynccontextmanager
    async def open(
        self, network: Network, *, run_dir: Path, marker: str, log: Sink
    ) -> AsyncIterator[OpenChain]:
        """Open `network`; see `ChainAccess.open`. Raises `WrongChainError`, `RpcError`, `ServiceError`."""
        if network.kind is not NetworkKind.EMBEDDED:
            url = self._resolved(network.url)
            async with _client(network, url) as chain:
                await chain.rpc.number("eth_blockNumber")
                yield chain
            return
        state = run_dir / f"chain-{network.name}.json"
        async with self._anvil(network, state, run_dir / "home", marker, log) as chain:
            before = await chain.rpc.latest_block()
            try:
                yield chain
            except BaseException:
                # the first error is the one to tell; what was mined so far is kept if it can be
                with contextlib.suppress(ChainopsError):
                    await _store(chain, state, before["hash"])
                raise
            await _store(chain, state, before["hash"])

    @contextlib.asynccontextmanager
    async def fresh(
        self, network: Network, *, scratch: Path, marker: str, log: Sink
    ) -> AsyncIterator[OpenChain]:
        """Start a chain that nothing remains of; see `ChainAccess.fresh`."""
        async with self._anvil(network, None, scratch / "home", marker, log) as chain:
            yield chain

    def _resolved(self, url: str) -> str:
        return self._secrets.resolve(url) if url else ""

    @contextlib.asynccontextmanager
    async def _anvil(
        self, network: Network, state: Path | None, home: Path, marker: str, log: Sink
    ) -> AsyncIterator[_Chain]:
        tool = await self._toolbox.tool("anvil", log)
        home.mkdir(parents=True, exist_ok=True)  # noqa: ASYNC240 - once, and local
        arguments = _arguments(network, self._resolved(network.fork_url), state)
        command = Command(
            argv=(*tool.argv, *arguments),
            cwd=home,
            env=_environment(tool, home),
            marker=marker,
        )
        service = await self._services.start(command, ready=_READY, timeout_s=_START_TIMEOUT_S, sink=log)
        try:
            async with _client(network, f"http://{service.ready[1]}", (tool.use,)) as chain:
                yield chain
        finally:
            await service.stop()


def _environment(tool: Tool, home: Path) -> dict[str, str]:
    env = clean_environment(home, tool.env)
    if tool.path:
        env["PATH"] = ":".join([*map(str, tool.path), env.get("PATH", "")])
    return env


def _arguments(network: Network, fork_url: str, state: Path | None) -> list[str]:
    # port 0: the kernel chooses a free one and anvil says which, so nobody can take it in between
    arguments = ["--host", "127.0.0.1", "--port", "0"]
    if network.chain_id:
        arguments += ["--chain-id", str(network.chain_id)]
    if network.code_size_limit_bytes != CODE_SIZE_LIMIT_BYTES:
        arguments += ["--code-size-limit", str(network.code_size_limit_bytes)]
    if fork_url:
        arguments += ["--fork-url", fork_url, "--no-storage-caching"]
        if network.fork_block is not None:
            arguments += ["--fork-block-number", str(network.fork_block)]
    if state is not None and state.exists():
        arguments += ["--load-state", str(state)]
    return arguments


@contextlib.asynccontextmanager
async def _client(network: Network, url: str, tools: tuple[ToolUse, ...] = ()) -> AsyncIterator[_Chain]:
    rpc = RpcClient(url, chain_id=network.chain_id or None)
    try:
        if not network.chain_id:
            network = replace(network, chain_id=await rpc.number("eth_chainId"))
        yield _Chain(network=network, url=url, rpc=rpc, tools=tools)
    finally:
        await rpc.close()


async def _store(chain: _Chain, path: Path, hash_before: str) -> None:
    """Keep the chain's state, blocks and transactions when it moved since it was opened."""
    now = await chain.rpc.latest_block()
    if now["hash"] == hash_before and path.exists():  # noqa: ASYNC240 - one stat
        return
    answer = await chain.rpc.call("anvil_dumpState")
    try:
        state = gzip.decompress(bytes.fromhex(answer[2:]))
    except (TypeError, ValueError, OSError, EOFError) as error:
        raise RpcError(f"the state of chain {chain.network.name} cannot be read: {error}") from error
    if len(state) > _MAX_STATE_BYTES:
        raise RpcError(f"the state of chain {chain.network.name} has {len(state):,} bytes, too many to keep")
    write_atomic(path, state, mode=0o600)
