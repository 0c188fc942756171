"""What a transaction offers to pay: EIP-1559 where blocks have a base fee, a gas price elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from chainops.chains.errors import RpcAnswerError, RpcError
from chainops.chains.model import FeeModel
from chainops.chains.rpc import RpcClient

#: offered where a node does not suggest a priority fee
_PRIORITY_WEI = 10**9


@dataclass(frozen=True, slots=True, kw_only=True)
class Fees:
    """The fee fields of a transaction."""

    #: the most that a unit of gas may cost
    most_wei: int
    fields: Mapping[str, Any]


async def offer(rpc: RpcClient, model: FeeModel) -> Fees:
    """Return the fees to offer now: twice the base fee and the tip, so that six full blocks do not outbid it.

    The base fee rises by at most 1/8 a block (EIP-1559).
    """
    base = None if model is FeeModel.LEGACY else await _base_fee(rpc)
    if base is None:
        if model is FeeModel.EIP1559:
            raise RpcError(
                f"{rpc.shown_url} has blocks without a base fee; `fee_model: eip1559` does not work there",
                hint="set `fee_model: legacy` or `auto`",
            )
        price = await rpc.number("eth_gasPrice")
        return Fees(most_wei=price, fields={"gasPrice": price})
    try:
        tip = await rpc.number("eth_maxPriorityFeePerGas")
    except RpcAnswerError:
        tip = _PRIORITY_WEI
    most = 2 * base + tip
    return Fees(
        most_wei=most, fields={"type": 2, "maxFeePerGas": most, "maxPriorityFeePerGas": tip, "accessList": []}
    )


async def _base_fee(rpc: RpcClient) -> int | None:
    base = (await rpc.latest_block()).get("baseFeePerGas")
    return None if base is None else int(base, 16)
