"""The state that follows from a journal."""

from __future__ import annotations

import time

import pytest

from chainops.chains.errors import JournalError
from chainops.chains.events import (
    JournalKey,
    JournalOpened,
    TransactionConfirmed,
    TransactionFailed,
    TransactionSigned,
    event_from_json,
    event_to_json,
    reduce,
)

OPENED = JournalOpened(key=JournalKey(run="r", stage="s", network="n", chain_id=1))


def signed(label: str, nonce: int, *, chain_id: int = 1) -> TransactionSigned:
    return TransactionSigned(
        label=label, hash=f"0x{nonce}", raw="0x", chain_id=chain_id, account="0xa", nonce=nonce, request="d"
    )


def confirmed(nonce: int) -> TransactionConfirmed:
    return TransactionConfirmed(
        hash=f"0x{nonce}", block=nonce, block_hash="0xb", gas_used=1, effective_gas_price_wei=1
    )


def failed(nonce: int) -> TransactionFailed:
    return TransactionFailed(
        hash=f"0x{nonce}", block=1, block_hash="0xb", gas_used=1, effective_gas_price_wei=1, reason="no"
    )


def test_a_label_stands_for_its_last_transaction():
    state = reduce([OPENED, signed("a", 0), failed(0), signed("a", 1), confirmed(1), signed("b", 2)])
    assert state.current("a").confirmed == confirmed(1)
    assert state.current("b").confirmed is None
    assert state.current("c") is None
    assert state.next_nonce == 3
    assert [t.signed.nonce for t in state.by_nonce] == [0, 1, 2]


def test_a_reorganised_transaction_is_confirmed_once_more():
    moved = TransactionConfirmed(hash="0x0", block=9, block_hash="0xc", gas_used=1, effective_gas_price_wei=1)
    assert reduce([OPENED, signed("a", 0), confirmed(0), moved]).current("a").confirmed == moved


@pytest.mark.parametrize(
    ("events", "message"),
    [
        ([OPENED, OPENED], "opened twice"),
        ([OPENED, signed("a", 0), signed("b", 0)], "nonce 0 is signed twice"),
        ([OPENED, signed("a", 0, chain_id=5)], "another chain"),
        ([signed("a", 0)], "another chain"),
        ([OPENED, confirmed(0)], "was never signed"),
    ],
)
def test_contradictions_are_refused(events, message):
    with pytest.raises(JournalError, match=message):
        reduce(events)


def test_events_come_back_from_json():
    for event in (OPENED, signed("a", 0), confirmed(0), failed(0)):
        assert event_from_json(event_to_json(event)) == event


def test_ten_thousand_entries_are_folded_in_well_under_a_second():
    events = [OPENED]
    for nonce in range(5_000):
        events += [signed(f"step {nonce}", nonce), confirmed(nonce)]
    started = time.perf_counter()
    reduce(events)
    assert time.perf_counter() - started < 1
