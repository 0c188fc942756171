"""Makes a signed transaction of a request: nonce, gas and fees asked of the node, and funds that suffice."""

from __future__ import annotations

import asyncio
from typing import Any, TypeVar

from chainops.chains.abi_answers import decode_revert
from chainops.chains.errors import FundsShortError, RpcAnswerError, TransactionRevertedError
from chainops.chains.events import TransactionSigned
from chainops.chains.fees import Fees, offer
from chainops.chains.model import Network, Receipt, TransactionRequest
from chainops.chains.ports import Signer
from chainops.chains.rpc import RpcClient
from chainops.core.hashing import digest_json
from chainops.core.units import format_wei

T = TypeVar("T")

_TRANSACTION_GAS_LIMIT = 1 << 24


class RequestSigner:
    """One account on one network; nothing is sent or recorded here."""

    def __init__(self, *, network: Network, rpc: RpcClient, signer: Signer) -> None:
        self.network = network
        self.account = signer.address
        self._rpc = rpc
        self._signer = signer

    async def sign(self, request: TransactionRequest, *, next_nonce: int) -> TransactionSigned:
        """Return `request` signed with a nonce of at least `next_nonce`.

        Raises `FundsShortError`, `TransactionRevertedError` when it would revert, and what `RpcClient`
        raises.
        """
        answers = await asyncio.gather(
            self._rpc.number("eth_getBalance", self.account, "latest"),
            # `latest` would give a nonce again that a pending transaction already holds
            self._rpc.number("eth_getTransactionCount", self.account, "pending"),
            self._estimate(request),
            offer(self._rpc, self.network.fee_model),
            return_exceptions=True,
        )
        balance, pending = _answered(answers[0]), _answered(answers[1])
        # an estimate fails for want of funds, too: which of the two it is has to be said
        self._check_funds(request, balance, request.value_wei)
        gas, fees = _answered(answers[2]), _answered(answers[3])
        self._check_funds(request, balance, request.value_wei + gas * fees.most_wei)
        nonce = max(pending, next_nonce)
        raw, transaction = self._signer.sign(_fields(request, self.network.chain_id, nonce, gas, fees))
        return TransactionSigned(
            label=request.label,
            hash=transaction,
            raw=raw,
            chain_id=self.network.chain_id,
            account=self.account,
            nonce=nonce,
            request=request_digest(request),
        )

    async def revert_reason(self, request: TransactionRequest, receipt: Receipt) -> str:
        """Return why a mined request reverted.

        The same call is asked for on the block before, where it most likely reverts in the same way.
        """
        call = _call_object(request, self.account)
        try:
            await self._rpc.call("eth_call", call, hex(receipt.block - 1))
        except RpcAnswerError as error:
            data = error.revert_data
            return error.said if data is None else decode_revert(data, request.errors).text
        return "for a reason that repeating the call does not show (gas, or what ran before it in the block)"

    def _check_funds(self, request: TransactionRequest, balance_wei: int, needed_wei: int) -> None:
        if balance_wei < needed_wei:
            raise FundsShortError(
                f"{request.label}: account {self.account} has {format_wei(balance_wei)} on "
                f"{self.network.name}, {format_wei(needed_wei)} may be needed; it was not sent",
                hint=f"send it at least {format_wei(needed_wei - balance_wei)}",
            )

    async def _estimate(self, request: TransactionRequest) -> int:
        call = _call_object(request, self.account)
        try:
            gas = await self._rpc.number("eth_estimateGas", call)
        except RpcAnswerError as error:
            if (data := error.revert_data) is None:
                raise
            reason = decode_revert(data, request.errors).text
            raise TransactionRevertedError(
                f"{request.label} would revert: {reason}; it was not sent", reason=reason
            ) from None
        # a margin must not lift a transaction over the most that one may use (EIP-7825)
        return min(int(gas * (1 + self.network.gas_margin)), max(gas, _TRANSACTION_GAS_LIMIT))


def _answered(answer: T | BaseException) -> T:
    if isinstance(answer, BaseException):
        raise answer
    return answer


def request_digest(request: TransactionRequest) -> str:
    """Return the sha256 of what a request does, whatever it is called."""
    return digest_json([request.to, request.data.hex(), str(request.value_wei)])


def _call_object(request: TransactionRequest, account: str) -> dict[str, str]:
    call = {"from": account, "data": "0x" + request.data.hex(), "value": hex(request.value_wei)}
    if request.to is not None:
        call["to"] = request.to
    return call


def _fields(request: TransactionRequest, chain_id: int, nonce: int, gas: int, fees: Fees) -> dict[str, Any]:
    return {
        "chainId": chain_id,
        "nonce": nonce,
        # as bytes: as text, the signer takes it with its checksum only
        "to": bytes.fromhex(request.to[2:]) if request.to is not None else b"",
        "value": request.value_wei,
        "data": request.data,
        "gas": gas,
        **fees.fields,
    }
