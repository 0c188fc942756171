"""Sends each transaction once, whatever is killed in between: sign, journal, send, confirm.

What was journaled is never decided by a node's error text, only by looking its hash up: a receipt means
mined, a known transaction means wait, an unknown one means send the identical bytes again.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

from chainops.chains.errors import (
    JournalError,
    NonceTakenError,
    RpcAnswerError,
    RpcError,
    TransactionRevertedError,
    UnconfirmedError,
)
from chainops.chains.events import (
    Attempted,
    JournalEvent,
    TransactionConfirmed,
    TransactionFailed,
    TransactionSigned,
    apply,
    reduce,
)
from chainops.chains.model import Network, Receipt, TransactionRequest
from chainops.chains.ports import Journal, Signer
from chainops.chains.rpc import RpcClient, Sleep
from chainops.chains.signing import RequestSigner, request_digest
from chainops.core.clock import Clock, SystemClock
from chainops.core.locks import file_lock

_FIRST_POLL_S = 0.01
_LONGEST_POLL_S = 2.0
#: polls without any trace of a transaction before its bytes are sent again
_UNSEEN_POLLS = 5


class Sender:
    """One account on one network, with the journal of what it sends there."""

    def __init__(
        self,
        *,
        network: Network,
        rpc: RpcClient,
        signer: Signer,
        journal: Journal,
        say: Callable[[str], None] = lambda _: None,
        sleep: Sleep = asyncio.sleep,
        clock: Clock | None = None,
    ) -> None:
        """Raises `JournalError` when the journal cannot be trusted."""
        self.network = network
        self.account = signer.address
        self._rpc = rpc
        self._requests = RequestSigner(network=network, rpc=rpc, signer=signer)
        self._journal = journal
        self._say = say
        self._sleep = sleep
        self._clock = clock or SystemClock()
        self._state = reduce(journal.events())
        for known in self._state.transactions.values():
            if known.signed.account != self.account:
                raise JournalError(
                    f"{journal.where} holds transactions of {known.signed.account}, not of {self.account}",
                    hint="go on with the account that began, or start a new run",
                )

    @property
    def journal(self) -> str:
        """Where the journal is."""
        return self._journal.where

    @property
    def is_new(self) -> bool:
        """Whether nothing was signed yet."""
        return not self._state.transactions

    def attempted(self, label: str) -> Attempted | None:
        """Return what the journal knows of a step, looked up or not."""
        return self._state.current(label)

    @contextlib.contextmanager
    def locked(self, folder: Path) -> Iterator[None]:
        """Hold the account on this chain, so that nobody else of ours uses its nonces.

        Raises `LockedError` when another process holds it.
        """
        path = folder / f"{self.network.chain_id}-{self.account}.lock"
        with file_lock(path, what=f"account {self.account} on {self.network.name}"):
            yield

    async def settle(self) -> None:
        """Bring everything in the journal to its end, lowest nonce first.

        What a reorganised or restored chain has lost is sent again, in the same bytes.
        """
        for known in self._state.by_nonce:
            receipt = await self._rpc.receipt(known.signed.hash)
            if receipt is None:
                self._say(f"{known.signed.label}: {known.signed.hash} is not mined; sending it again")
                await self._broadcast(known.signed)
                receipt = await self._mined(known.signed)
            if receipt.succeeded:
                self._note(known.signed, receipt)
            # what reverted is judged by `send`, which knows the request

    async def send(self, request: TransactionRequest) -> Receipt:
        """Return the receipt of `request`'s one transaction, sending it if the journal has none.

        Raises `TransactionRevertedError`, `FundsShortError`, `UnconfirmedError`, `NonceTakenError`,
        `JournalError` when another request was journaled under the label, and what `RpcClient` raises.
        """
        digest = request_digest(request)
        known = self._state.current(request.label)
        if known is not None and known.failed is None:
            if known.signed.request != digest:
                raise JournalError(
                    f"{request.label} is not what was signed under this name before: its code, arguments or "
                    "value changed",
                    hint="start a new run; what this one sent stays where it is",
                )
            signed = known.signed
            if known.confirmed is None:
                self._say(f"{request.label}: going on with {signed.hash}")
        else:
            signed = await self._requests.sign(request, next_nonce=self._state.next_nonce)
            self._append(signed)
            await self._broadcast(signed)
        receipt = await self._mined(signed)
        if receipt.succeeded:
            return self._note(signed, receipt)
        reason = await self._requests.revert_reason(request, receipt)
        self._append(_failed(receipt, reason))
        raise TransactionRevertedError(
            f"{signed.label}: {signed.hash} reverted in block {receipt.block}: {reason}",
            reason=reason,
            transaction=signed.hash,
        )

    def _append(self, event: JournalEvent) -> None:
        self._journal.append(event)
        self._state = apply(self._state, event)

    async def _broadcast(self, signed: TransactionSigned) -> None:
        """Give the bytes to the node. A refusal counts only when the node then does not have them."""
        self._say(f"{signed.label}: sending {signed.hash} (nonce {signed.nonce})")
        try:
            await self._rpc.call("eth_sendRawTransaction", signed.raw)
        except RpcAnswerError as error:
            if await self._rpc.knows(signed.hash) or await self._rpc.receipt(signed.hash):
                return
            await self._raise_if_taken(signed)
            raise RpcAnswerError(
                f"{signed.label}: {error.message}; the transaction is in the journal and was not accepted",
                number=error.number,
                said=error.said,
                data=error.data,
                hint="a new attempt sends the same transaction again",
            ) from None
        except RpcError:
            # it may have arrived all the same: looking for it decides
            self._say(f"{signed.label}: no answer to the sending; looking the transaction up")

    async def _raise_if_taken(self, signed: TransactionSigned) -> None:
        used = await self._rpc.number("eth_getTransactionCount", self.account, "latest")
        if used > signed.nonce and not await self._rpc.receipt(signed.hash):
            raise NonceTakenError(
                f"{signed.label}: another transaction of {self.account} took nonce {signed.nonce}; "
                f"{signed.hash} can never be mined",
                hint="use an account that nothing else sends from, and start a new run",
            )

    async def _mined(self, signed: TransactionSigned) -> Receipt:
        """Wait until the transaction is mined and deep enough; send it again when the node lost it."""
        deadline = self._clock.monotonic_s() + self.network.confirm_timeout_s
        wait_s, unseen = _FIRST_POLL_S, 0
        while True:
            receipt = await self._rpc.receipt(signed.hash)
            if receipt is not None:
                if await self._deep_enough(receipt):
                    return receipt
                unseen = 0
            elif await self._rpc.knows(signed.hash):
                unseen = 0
            else:
                unseen += 1
            if unseen >= _UNSEEN_POLLS:
                unseen = 0
                await self._raise_if_taken(signed)
                await self._broadcast(signed)
            if self._clock.monotonic_s() >= deadline:
                raise UnconfirmedError(
                    f"{signed.label}: {signed.hash} is not confirmed after "
                    f"{self.network.confirm_timeout_s:g} s; it may still be mined",
                    hint="run it again with --resume: it looks for this transaction first",
                )
            await self._sleep(wait_s)
            wait_s = min(wait_s * 1.5, _LONGEST_POLL_S)

    async def _deep_enough(self, receipt: Receipt) -> bool:
        if self.network.confirmations <= 1:
            return True
        head = await self._rpc.number("eth_blockNumber")
        return head - receipt.block + 1 >= self.network.confirmations

    def _note(self, signed: TransactionSigned, receipt: Receipt) -> Receipt:
        event = _confirmed(receipt)
        if self._state.transactions[signed.hash].confirmed != event:
            self._append(event)
        return receipt


def _confirmed(receipt: Receipt) -> TransactionConfirmed:
    return TransactionConfirmed(
        hash=receipt.hash,
        block=receipt.block,
        block_hash=receipt.block_hash,
        gas_used=receipt.gas_used,
        effective_gas_price_wei=receipt.effective_gas_price_wei,
        contract_address=receipt.contract_address,
    )


def _failed(receipt: Receipt, reason: str) -> TransactionFailed:
    return TransactionFailed(
        hash=receipt.hash,
        block=receipt.block,
        block_hash=receipt.block_hash,
        gas_used=receipt.gas_used,
        effective_gas_price_wei=receipt.effective_gas_price_wei,
        reason=reason,
    )
