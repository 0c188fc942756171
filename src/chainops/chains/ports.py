"""What the deployment asks of signers, journals and chains."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from chainops.chains.events import JournalEvent, JournalKey
from chainops.chains.model import Network
from chainops.core.sink import Sink
from chainops.core.tooluse import ToolUse

if TYPE_CHECKING:
    from chainops.chains.rpc import RpcClient


class Signer(Protocol):
    """Signs with one account's key and never shows it."""

    @property
    def address(self) -> str:
        """The account, with checksum (EIP-55)."""

    def sign(self, transaction: Mapping[str, Any]) -> tuple[str, str]:
        """Return the raw transaction and its hash, both 0x-hex, of a transaction with all fields set."""


class Journal(Protocol):
    """Remembers what was signed before it is sent."""

    @property
    def where(self) -> str:
        """What to call it in messages and results."""

    def append(self, event: JournalEvent) -> None:
        """Make `event` durable; raises `DiskError` when the disk refuses, and then nothing may be sent."""

    def events(self) -> Sequence[JournalEvent]:
        """Return everything so far, oldest first; raises `JournalError` when it cannot be trusted."""


class Journals(Protocol):
    """Finds the journal that belongs to a run, stage and network."""

    def open(self, key: JournalKey) -> Journal:
        """Return the journal of `key`, new or continued."""


class Secrets(Protocol):
    """Resolves references such as `secret://env/NAME`."""

    def resolve(self, reference: str) -> str:
        """Return the secret, masked in all output from now on; raises `InputError` when it is missing."""


class OpenChain(Protocol):
    """A chain that answers."""

    @property
    def network(self) -> Network:
        """What was asked for."""

    @property
    def url(self) -> str:
        """The RPC URL; it may carry a key."""

    @property
    def rpc(self) -> RpcClient:
        """The client, its chain id checked at the first use."""

    @property
    def tools(self) -> tuple[ToolUse, ...]:
        """The program that runs it, if it is ours."""


class ChainAccess(Protocol):
    """Opens chains: the run's own and those of others."""

    def open(
        self, network: Network, *, run_dir: Path, marker: str, log: Sink
    ) -> AbstractAsyncContextManager[OpenChain]:
        """Open `network` for a stage. An embedded chain goes on from its state in `run_dir`."""

    def fresh(
        self, network: Network, *, scratch: Path, marker: str, log: Sink
    ) -> AbstractAsyncContextManager[OpenChain]:
        """Start an embedded chain that nothing remains of."""
