"""What can go wrong between us and a chain."""

from __future__ import annotations

from typing import Any

from chainops.core.errors import InputError, MachineError, ProjectError


class RpcError(MachineError):
    """A node cannot be reached or does not answer as a node does."""

    code = "CHN301"


class RpcAnswerError(MachineError):
    """A node refused a request: its JSON-RPC error, with whatever data came along."""

    code = "CHN302"

    def __init__(self, message: str, *, number: int, said: str, data: Any = None, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.number = number
        self.said = said
        self.data = data

    @property
    def revert_data(self) -> bytes | None:
        """The data of a reverted call, or None when the node refused for another reason."""
        data = self.data.get("data") if isinstance(self.data, dict) else self.data
        if isinstance(data, str) and data.startswith("0x"):
            try:
                return bytes.fromhex(data[2:])
            except ValueError:
                return None
        # geth and anvil give 3 for a revert; without a reason there is no data
        return b"" if self.number == 3 or "revert" in self.said.lower() else None


class WrongChainError(InputError):
    """The node serves another chain than the one configured."""

    code = "CHN101"


class AccountError(InputError):
    """An account's key is missing, unreadable or locked."""

    code = "CHN102"


class FundsShortError(ProjectError):
    """The account cannot pay."""

    code = "CHN201"


class TransactionRevertedError(ProjectError):
    """The chain executes the transaction and undoes it."""

    code = "CHN202"

    def __init__(self, message: str, *, reason: str, transaction: str = "", hint: str = "") -> None:
        super().__init__(message, hint=hint)
        #: decoded, such as `LimitIsZero()` or `Panic(0x11): arithmetic overflow`
        self.reason = reason
        #: hash, when it was mined; empty when the estimate already reverted and nothing was sent
        self.transaction = transaction


class JournalError(MachineError):
    """A transaction journal cannot be trusted; nothing is sent on its word."""

    code = "CHN303"


class UnconfirmedError(MachineError):
    """A transaction was sent and is not known to be mined; a new attempt looks for it again."""

    code = "CHN304"


class NonceTakenError(MachineError):
    """Another transaction took the nonce of one that is in the journal."""

    code = "CHN305"
