"""What a transaction journal records, and the state that follows from it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from chainops.chains.errors import JournalError
from chainops.core.serial import from_json, to_json

FORMAT = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalKey:
    """What a journal belongs to."""

    run: str
    stage: str
    network: str
    chain_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalOpened:
    """The first entry: whose journal it is."""

    key: JournalKey
    format: int = FORMAT


@dataclass(frozen=True, slots=True, kw_only=True)
class TransactionSigned:
    """A transaction that may be sent from now on, and sent again, in these very bytes."""

    label: str
    hash: str
    raw: str
    chain_id: int
    account: str
    nonce: int
    #: digest of what was asked for: receiver, data, value
    request: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TransactionConfirmed:
    """It is mined and did what it should."""

    hash: str
    block: int
    block_hash: str
    gas_used: int
    effective_gas_price_wei: int
    contract_address: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TransactionFailed:
    """It is mined and reverted: it changed nothing but took its nonce."""

    hash: str
    block: int
    block_hash: str
    gas_used: int
    effective_gas_price_wei: int
    reason: str


JournalEvent = JournalOpened | TransactionSigned | TransactionConfirmed | TransactionFailed

_KINDS: dict[str, type[JournalEvent]] = {
    "opened": JournalOpened,
    "signed": TransactionSigned,
    "confirmed": TransactionConfirmed,
    "failed": TransactionFailed,
}
_NAMES = {kind: name for name, kind in _KINDS.items()}


def event_to_json(event: JournalEvent) -> dict[str, Any]:
    """Return the event's fields with its name under `event`."""
    return {"event": _NAMES[type(event)], **to_json(event)}


def event_from_json(data: Any) -> JournalEvent:
    """Read what `event_to_json` gave; raises KeyError, TypeError, AttributeError or ValueError when unfit."""
    return from_json(_KINDS[data["event"]], data)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempted:
    """A signed transaction and what is known of it."""

    signed: TransactionSigned
    confirmed: TransactionConfirmed | None = None
    failed: TransactionFailed | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalState:
    """All transactions in the order of signing, by hash; one account signs all of a journal's."""

    key: JournalKey | None = None
    transactions: dict[str, Attempted] = field(default_factory=dict)
    #: the last transaction signed for each label
    labels: dict[str, str] = field(default_factory=dict)
    nonces: set[int] = field(default_factory=set)

    def current(self, label: str) -> Attempted | None:
        """Return the last transaction signed for `label`."""
        return self.transactions[self.labels[label]] if label in self.labels else None

    @property
    def by_nonce(self) -> tuple[Attempted, ...]:
        """Every transaction, lowest nonce first."""
        return tuple(sorted(self.transactions.values(), key=lambda t: t.signed.nonce))

    @property
    def next_nonce(self) -> int:
        """The lowest nonce above all that were signed, 0 when there are none."""
        return max(self.nonces, default=-1) + 1


def reduce(events: Iterable[JournalEvent]) -> JournalState:
    """Fold events into a state; raises `JournalError` when they contradict each other."""
    state = JournalState()
    for event in events:
        state = apply(state, event)
    return state


def apply(state: JournalState, event: JournalEvent) -> JournalState:
    """Return the state after `event`; the state given must not be used again."""
    match event:
        case JournalOpened():
            if state.key is not None:
                raise JournalError("a journal is opened twice")
            return JournalState(key=event.key)
        case TransactionSigned():
            if state.key is None or event.chain_id != state.key.chain_id:
                raise JournalError(f"{event.label} was signed for another chain than the journal's")
            if event.nonce in state.nonces:
                raise JournalError(f"nonce {event.nonce} is signed twice")
            # in place: a copy for each entry would make long journals slow
            state.nonces.add(event.nonce)
            state.labels[event.label] = event.hash
            state.transactions[event.hash] = Attempted(signed=event)
        case TransactionConfirmed():
            state.transactions[event.hash] = Attempted(signed=_signed(state, event.hash), confirmed=event)
        case TransactionFailed():
            state.transactions[event.hash] = Attempted(signed=_signed(state, event.hash), failed=event)
    return state


def _signed(state: JournalState, transaction: str) -> TransactionSigned:
    known = state.transactions.get(transaction)
    if known is None:
        raise JournalError(f"{transaction} is confirmed but was never signed")
    return known.signed
