"""Sends three transactions and is killed with SIGKILL at a chosen moment; run by test_crash.py.

Usage: crashing_sender.py URL FOLDER. For every moment there is, on a fresh journal and a chain set back to
its beginning: one child that is killed there, one that goes on. Prints a JSON line for each moment.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from pathlib import Path

from chainops.chains.accounts import LocalSigner, dev_signer
from chainops.chains.events import JournalKey
from chainops.chains.journals import FileJournal, FileJournals
from chainops.chains.model import Network, NetworkKind, TransactionRequest
from chainops.chains.rpc import RpcClient
from chainops.chains.sender import Sender

NETWORK = Network(name="local", kind=NetworkKind.PRIVATE, chain_id=31337, url="unused")
#: on every call: slot 0 += 1
COUNTER = bytes.fromhex("67" + "5f546001015f5500" + "5f5260086018f3")
STEPS = 3


class Fuse:
    """Kills this process at the moment that was asked for."""

    def __init__(self, moment: int) -> None:
        self._left = moment
        self.passed: list[str] = []

    def here(self, name: str) -> bool:
        """Pass one moment; return whether it is the one, for moments that end in the middle of something."""
        self.passed.append(name)
        self._left -= 1
        return self._left == 0

    def kill(self, name: str) -> None:
        if self.here(name):
            os.kill(os.getpid(), signal.SIGKILL)


class FusedJournal:
    """A file journal with moments before, within and after each write."""

    def __init__(self, journal: FileJournal, path: Path, fuse: Fuse) -> None:
        self._journal = journal
        self._path = path
        self._fuse = fuse
        self.where = journal.where

    def events(self):
        return self._journal.events()

    def append(self, event) -> None:
        name = type(event).__name__
        self._fuse.kill(f"before {name}")
        if self._fuse.here(f"within {name}"):
            with self._path.open("ab") as file:
                file.write(b'{"event":"signed","acc')
            os.kill(os.getpid(), signal.SIGKILL)
        self._journal.append(event)
        self._fuse.kill(f"after {name}")


class FusedRpc(RpcClient):
    """A client with moments before and after each sending."""

    fuse: Fuse

    async def call(self, method, *parameters):
        if method == "eth_sendRawTransaction":
            self.fuse.kill("before send")
        answer = await super().call(method, *parameters)
        if method == "eth_sendRawTransaction":
            self.fuse.kill("after send")
        return answer


async def deploy(url: str, folder: Path, signer: LocalSigner, fuse: Fuse) -> None:
    key = JournalKey(run="r", stage="s", network="local", chain_id=31337)
    path = folder / "r" / "s" / "journal-local.jsonl"
    journal = FileJournals(folder).open(key)
    assert isinstance(journal, FileJournal)
    rpc = FusedRpc(url, chain_id=31337)
    rpc.fuse = fuse
    sender = Sender(network=NETWORK, rpc=rpc, signer=signer, journal=FusedJournal(journal, path, fuse))
    await sender.settle()
    created = await sender.send(TransactionRequest(label="create", to=None, data=COUNTER))
    for number in range(1, STEPS):
        await sender.send(TransactionRequest(label=f"call {number}", to=created.contract_address, data=b"\0"))
    await rpc.close()


def in_child(url: str, folder: Path, signer: LocalSigner, moment: int) -> int:
    pid = os.fork()
    if pid == 0:
        fuse = Fuse(moment)
        asyncio.run(deploy(url, folder, signer, fuse))
        (folder / "passed.json").write_text(json.dumps(fuse.passed))
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


async def look(url: str, folder: Path, account: str) -> dict[str, object]:
    rpc = RpcClient(url, chain_id=31337)
    events = [json.loads(line) for line in (folder / "r/s/journal-local.jsonl").read_text().splitlines()]
    address = next(e["contract_address"] for e in events if e["event"] == "confirmed")
    found = {
        "address": address,
        "nonce": await rpc.number("eth_getTransactionCount", account, "latest"),
        "calls": int(await rpc.call("eth_getStorageAt", address, "0x0", "latest"), 16),
        "signed": [e["label"] for e in events if e["event"] == "signed"],
        "confirmed": sum(e["event"] == "confirmed" for e in events),
    }
    await rpc.close()
    return found


async def set_back(url: str, snapshot: str | None) -> str:
    rpc = RpcClient(url, chain_id=31337)
    if snapshot:
        await rpc.call("evm_revert", snapshot)
    found = str(await rpc.call("evm_snapshot"))
    await rpc.close()
    return found


def main() -> None:
    url, base = sys.argv[1], Path(sys.argv[2])
    signer = dev_signer()
    snapshot = asyncio.run(set_back(url, None))
    moment = 0
    ended = -signal.SIGKILL
    while ended == -signal.SIGKILL and moment < 60:
        moment += 1
        snapshot = asyncio.run(set_back(url, snapshot))
        folder = base / str(moment)
        folder.mkdir()
        ended = in_child(url, folder, signer, moment)
        again = in_child(url, folder, signer, -1)
        state = asyncio.run(look(url, folder, signer.address))
        sys.stdout.write(json.dumps({"moment": moment, "killed": ended, "again": again, **state}) + "\n")


if __name__ == "__main__":
    main()
