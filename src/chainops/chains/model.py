"""Networks, transactions and what a chain answers: the words of everything that touches a chain."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

#: EIP-170; initcode may be twice as long (EIP-3860)
CODE_SIZE_LIMIT_BYTES = 24_576
#: what anvil, hardhat and geth's dev chains call themselves
DEV_CHAIN_ID = 31_337


class NetworkKind(StrEnum):
    """What a network is worth: `embedded` is started by us and belongs to one run."""

    EMBEDDED = "embedded"
    PRIVATE = "private"
    TESTNET = "testnet"
    MAINNET = "mainnet"


class FeeModel(StrEnum):
    """How a transaction offers its fee; `auto` asks the latest block."""

    AUTO = "auto"
    EIP1559 = "eip1559"
    LEGACY = "legacy"


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountReference:
    """Where an account's key comes from. All empty: the dev account of an embedded chain."""

    #: `secret://env/NAME`, which holds a private key
    key: str = ""
    #: an encrypted keystore file (Web3 Secret Storage) and the reference of its password
    keystore: str = ""
    password: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """A chain that can be deployed to."""

    name: str
    kind: NetworkKind
    #: 0 for a fork that keeps the id of what it forks, until it is opened
    chain_id: int
    #: RPC URL or the reference of one (`secret://env/NAME`); empty for an embedded chain
    url: str = ""
    #: reached by production-deploy alone, after an approval
    production: bool = False
    account: AccountReference = AccountReference()
    #: blocks that must hold a transaction, its own included
    confirmations: int = 1
    code_size_limit_bytes: int = CODE_SIZE_LIMIT_BYTES
    fee_model: FeeModel = FeeModel.AUTO
    #: added to the gas estimate, as a part of it
    gas_margin: float = 0.2
    #: how long a transaction may take to be mined
    confirm_timeout_s: float = 300.0
    #: an embedded chain starts as a fork of this chain
    fork_url: str = ""
    fork_block: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TransactionRequest:
    """What shall be sent. `label` names it within its journal and decides whether it was sent before."""

    label: str
    #: None creates a contract
    to: str | None
    data: bytes
    value_wei: int = 0
    #: ABI entries of errors, to read a revert by
    errors: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """An event as the chain stores it; addresses and words are 0x-hex."""

    address: str
    topics: tuple[str, ...]
    data: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """A mined transaction's receipt."""

    hash: str
    block: int
    block_hash: str
    succeeded: bool
    gas_used: int
    effective_gas_price_wei: int
    contract_address: str = ""
    logs: tuple[Log, ...] = ()

    @property
    def cost_wei(self) -> int:
        """What its execution cost; data fees of rollups come on top."""
        return self.gas_used * self.effective_gas_price_wei


def receipt_from(answer: Mapping[str, Any]) -> Receipt:
    """Read what `eth_getTransactionReceipt` answers; raises KeyError, TypeError or ValueError when unfit."""
    return Receipt(
        hash=str(answer["transactionHash"]),
        block=int(answer["blockNumber"], 16),
        block_hash=str(answer["blockHash"]),
        succeeded=int(answer["status"], 16) == 1,
        gas_used=int(answer["gasUsed"], 16),
        effective_gas_price_wei=int(answer.get("effectiveGasPrice") or "0x0", 16),
        contract_address=str(answer.get("contractAddress") or ""),
        logs=tuple(
            Log(address=str(one["address"]), topics=tuple(one["topics"]), data=str(one["data"]))
            for one in answer.get("logs", ())
        ),
    )
