"""The chain that belongs to a run: it goes on where it was, and leaves no process."""

from __future__ import annotations

import asyncio

import pytest

from chainops.chains.accounts import dev_signer
from chainops.chains.errors import RpcError
from chainops.chains.model import Network, NetworkKind
from chainops.core.process_tree import marked_processes

pytestmark = pytest.mark.integration

NETWORK = Network(name="embedded", kind=NetworkKind.EMBEDDED, chain_id=31337)
MARKER = "run-embedded/stage/1/"


async def pay(rpc) -> str:
    """Send a transaction and return its hash once it is mined."""
    account = dev_signer().address
    sent = await rpc.call("eth_sendTransaction", {"from": account, "to": account, "value": "0x1"})
    for _ in range(2000):
        if await rpc.receipt(sent):
            return sent
    raise AssertionError("the chain did not mine it")


def opened(chains, folder):
    return chains.open(NETWORK, run_dir=folder, marker=MARKER, log=lambda _: None)


async def test_state_blocks_and_transactions_are_there_again(chains, tmp_path):
    async with opened(chains, tmp_path) as chain:
        transaction = await pay(chain.rpc)
    assert not marked_processes(MARKER)
    state = tmp_path / "chain-embedded.json"
    assert state.stat().st_mode & 0o777 == 0o600

    async with opened(chains, tmp_path) as chain:
        assert (await chain.rpc.receipt(transaction)).block == 1
        assert await chain.rpc.number("eth_getTransactionCount", dev_signer().address, "pending") == 1


async def test_what_only_reads_leaves_the_state_file_alone(chains, tmp_path):
    async with opened(chains, tmp_path) as chain:
        await pay(chain.rpc)
    before = (tmp_path / "chain-embedded.json").stat()
    async with opened(chains, tmp_path) as chain:
        await chain.rpc.number("eth_blockNumber")
    after = (tmp_path / "chain-embedded.json").stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)


async def test_a_failing_stage_keeps_what_was_mined(chains, tmp_path):
    async def stage() -> None:
        async with opened(chains, tmp_path) as chain:
            await pay(chain.rpc)
            raise RuntimeError("the stage failed")

    with pytest.raises(RuntimeError, match="the stage failed"):
        await stage()
    async with opened(chains, tmp_path) as chain:
        assert await chain.rpc.number("eth_blockNumber") == 1


async def test_a_cancelled_stage_leaves_no_chain_behind(chains, tmp_path):
    running = asyncio.Event()

    async def stage() -> None:
        async with opened(chains, tmp_path):
            running.set()
            await asyncio.Event().wait()

    task = asyncio.ensure_future(stage())
    await running.wait()
    assert marked_processes(MARKER)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not marked_processes(MARKER)


async def test_two_chains_run_side_by_side(chains, tmp_path):
    other = Network(name="main", kind=NetworkKind.EMBEDDED, chain_id=31338)
    async with (
        opened(chains, tmp_path) as first,
        chains.open(other, run_dir=tmp_path, marker=MARKER, log=lambda _: None) as second,
    ):
        assert first.url != second.url
        assert await first.rpc.number("eth_chainId") == 31337
        assert await second.rpc.number("eth_chainId") == 31338


async def test_a_node_that_is_not_there_is_told(chains, tmp_path):
    nowhere = Network(
        name="x", kind=NetworkKind.PRIVATE, chain_id=1, url="http://127.0.0.1:1/0123456789abcdef01"
    )
    with pytest.raises(RpcError, match=r"http://127\.0\.0\.1:1/\*\*\*"):
        async with chains.open(nowhere, run_dir=tmp_path, marker=MARKER, log=lambda _: None):
            pass
