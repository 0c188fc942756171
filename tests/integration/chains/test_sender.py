"""The sender against a real node that loses, delays, reverts and lies."""

from __future__ import annotations

import asyncio

import pytest

from chainops.chains.accounts import dev_signer
from chainops.chains.errors import (
    FundsShortError,
    JournalError,
    NonceTakenError,
    RpcAnswerError,
    RpcError,
    TransactionRevertedError,
    UnconfirmedError,
    WrongChainError,
)
from chainops.chains.events import JournalKey, TransactionFailed, reduce
from chainops.chains.journals import MemoryJournal
from chainops.chains.model import FeeModel, Network, NetworkKind, TransactionRequest
from chainops.chains.rpc import RpcClient
from chainops.chains.sender import Sender
from chainops.core.locks import LockedError

pytestmark = pytest.mark.integration

KEY = JournalKey(run="r", stage="s", network="local", chain_id=31337)
#: on every call: slot 0 += 1
COUNTER = bytes.fromhex("67" + "5f546001015f5500" + "5f5260086018f3")
#: the first call sets slot 0, every later one reverts
ONCE = bytes.fromhex("6d" + "5f54600a5760015f55005b5f5ffd" + "5f52600e6012f3")
#: creation code that reverts with Panic(0x11)
PANIC = bytes.fromhex("634e487b71" + "60e01b" + "5f52" + "6011" + "600452" + "60245ffd")
RIVAL = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"


async def sent(rpc, journal, label: str, sending) -> str:
    """Wait until the node has the transaction of `label`; return its hash."""
    async with asyncio.timeout(20):
        while not sending.done():
            transaction = reduce(journal.events()).labels.get(label)
            if transaction and await rpc.knows(transaction):
                return transaction
            await asyncio.sleep(0.005)
    raise AssertionError(f"it ended first: {sending}")


def network(**changes) -> Network:
    return Network(name="local", kind=NetworkKind.PRIVATE, chain_id=31337, url="http://unused", **changes)


def sender_on(rpc, journal, *, signer=None, **changes) -> Sender:
    return Sender(network=network(**changes), rpc=rpc, signer=signer or dev_signer(), journal=journal)


def create(label: str = "create") -> TransactionRequest:
    return TransactionRequest(label=label, to=None, data=COUNTER)


async def test_a_contract_is_created_and_the_journal_tells_all(chain):
    journal = MemoryJournal(KEY)
    receipt = await sender_on(chain.rpc, journal).send(create())

    known = reduce(journal.events()).current("create")
    assert known is not None
    assert known.signed.hash == receipt.hash
    assert known.confirmed is not None
    assert known.confirmed.contract_address == receipt.contract_address
    assert await chain.rpc.code(receipt.contract_address) == bytes.fromhex("5f546001015f5500")


async def test_legacy_fees_are_paid_where_they_are_asked_for(chain):
    await sender_on(chain.rpc, MemoryJournal(KEY), fee_model=FeeModel.LEGACY).send(create())
    block = await chain.rpc.call("eth_getBlockByNumber", "latest", True)
    assert block["transactions"][0]["type"] == "0x0"


async def test_a_revert_is_told_before_anything_is_sent(chain):
    journal = MemoryJournal(KEY)
    with pytest.raises(TransactionRevertedError) as caught:
        await sender_on(chain.rpc, journal).send(TransactionRequest(label="bad", to=None, data=PANIC))
    assert caught.value.reason == "Panic(0x11): arithmetic overflow or underflow"
    assert reduce(journal.events()).transactions == {}


async def test_what_reverts_when_it_is_mined_is_journaled_and_tried_anew(chain):
    journal = MemoryJournal(KEY)
    sender = sender_on(chain.rpc, journal)
    target = (await sender.send(TransactionRequest(label="once", to=None, data=ONCE))).contract_address
    await chain.rpc.call("evm_setAutomine", False)
    call = TransactionRequest(label="set", to=target, data=b"")
    rival = {"from": RIVAL, "to": target, "gasPrice": hex(10**11), "gas": hex(100_000)}
    sending = asyncio.ensure_future(sender.send(call))
    await sent(chain.rpc, journal, "set", sending)
    await chain.rpc.call("eth_sendTransaction", rival)
    await chain.rpc.call("evm_mine")
    with pytest.raises(TransactionRevertedError) as caught:
        await sending
    assert caught.value.transaction == reduce(journal.events()).labels["set"]
    assert isinstance(journal.events()[-1], TransactionFailed)

    # a new attempt signs anew, and the estimate now shows the revert
    await chain.rpc.call("evm_setAutomine", True)
    with pytest.raises(TransactionRevertedError, match="it was not sent"):
        await sender_on(chain.rpc, journal).send(call)


async def test_short_funds_are_told_with_what_is_missing(chain):
    signer = dev_signer(5)
    await chain.rpc.call("anvil_setBalance", signer.address, hex(1000))
    journal = MemoryJournal(KEY)
    with pytest.raises(FundsShortError, match=r"has 0\.000000000000001 ETH .* may be needed"):
        await sender_on(chain.rpc, journal, signer=signer).send(create())
    assert reduce(journal.events()).transactions == {}


async def test_a_wrong_chain_is_refused_before_anything_is_signed(chain):
    rpc = RpcClient(chain.url, chain_id=1)
    journal = MemoryJournal(KEY)
    with pytest.raises(WrongChainError, match="serves chain 31337, not chain 1"):
        await sender_on(rpc, journal).send(create())
    assert len(journal.events()) == 1
    await rpc.close()


async def test_pending_transactions_of_others_keep_their_nonces(chain):
    await chain.rpc.call("evm_setAutomine", False)
    mine = dev_signer().address
    await chain.rpc.call("eth_sendTransaction", {"from": mine, "to": mine, "gas": hex(21_000)})
    journal = MemoryJournal(KEY)
    sending = asyncio.ensure_future(sender_on(chain.rpc, journal).send(create()))
    await sent(chain.rpc, journal, "create", sending)
    await chain.rpc.call("evm_mine")
    await sending
    assert reduce(journal.events()).by_nonce[0].signed.nonce == 1


async def test_a_dropped_transaction_is_sent_again_in_the_same_bytes(chain):
    await chain.rpc.call("evm_setAutomine", False)
    journal = MemoryJournal(KEY)
    sending = asyncio.ensure_future(sender_on(chain.rpc, journal).send(create()))
    transaction = await sent(chain.rpc, journal, "create", sending)
    await chain.rpc.call("anvil_dropTransaction", transaction)
    await sent(chain.rpc, journal, "create", sending)
    await chain.rpc.call("evm_mine")
    assert (await sending).hash == transaction
    assert len(reduce(journal.events()).transactions) == 1


async def test_what_a_reorganisation_took_away_is_sent_again(chain):
    journal = MemoryJournal(KEY)
    first = await sender_on(chain.rpc, journal).send(create())
    await chain.rpc.call("anvil_reorg", 1, [])
    assert await chain.rpc.receipt(first.hash) is None

    sender = sender_on(chain.rpc, journal)
    await sender.settle()
    again = await sender.send(create())
    assert (again.hash, again.contract_address) == (first.hash, first.contract_address)
    assert again.block_hash != first.block_hash
    confirmed = reduce(journal.events()).current("create")
    assert confirmed is not None
    assert confirmed.confirmed is not None
    assert confirmed.confirmed.block_hash == again.block_hash


async def test_a_nonce_that_another_transaction_took_is_told(chain):
    await chain.rpc.call("evm_setAutomine", False)
    journal = MemoryJournal(KEY)
    sending = asyncio.ensure_future(sender_on(chain.rpc, journal).send(create()))
    await sent(chain.rpc, journal, "create", sending)
    sending.cancel()
    await asyncio.gather(sending, return_exceptions=True)
    await chain.rpc.call("anvil_dropTransaction", reduce(journal.events()).labels["create"])
    mine = dev_signer().address
    await chain.rpc.call(
        "eth_sendTransaction", {"from": mine, "to": mine, "gas": hex(21_000), "nonce": "0x0"}
    )
    await chain.rpc.call("evm_mine")
    with pytest.raises(NonceTakenError, match="took nonce 0"):
        await sender_on(chain.rpc, journal).settle()


async def test_changed_code_under_a_journaled_name_is_refused(chain):
    journal = MemoryJournal(KEY)
    await sender_on(chain.rpc, journal).send(create())
    other = TransactionRequest(label="create", to=None, data=COUNTER + b"\0")
    with pytest.raises(JournalError, match="is not what was signed under this name"):
        await sender_on(chain.rpc, journal).send(other)


async def test_another_account_cannot_continue_a_journal(chain):
    journal = MemoryJournal(KEY)
    await sender_on(chain.rpc, journal).send(create())
    with pytest.raises(JournalError, match="holds transactions of"):
        sender_on(chain.rpc, journal, signer=dev_signer(1))


async def test_a_transaction_without_confirmation_in_time_is_told_and_found_later(chain):
    journal = MemoryJournal(KEY)
    with pytest.raises(UnconfirmedError):
        await sender_on(chain.rpc, journal, confirmations=3, confirm_timeout_s=0.05).send(create())
    await chain.rpc.call("anvil_mine", "0x2")
    receipt = await sender_on(chain.rpc, journal, confirmations=3).send(create())
    assert receipt.block == 1
    assert await chain.rpc.number("eth_getTransactionCount", dev_signer().address, "latest") == 1


async def test_an_account_is_held_by_one_sender_at_a_time(chain, tmp_path):
    sender = sender_on(chain.rpc, MemoryJournal(KEY))
    with sender.locked(tmp_path), pytest.raises(LockedError, match="account 0xf39F"), sender.locked(tmp_path):
        pass


@pytest.mark.parametrize("fault", ["drop", "500", "garbage", "truncated", "wrong-id"])
async def test_a_lost_answer_to_the_sending_sends_nothing_twice(chain, proxy, fault):
    rpc = RpcClient(proxy.url, chain_id=31337)
    proxy.fault = lambda method, count: fault if method == "eth_sendRawTransaction" and count == 1 else None
    journal = MemoryJournal(KEY)
    await sender_on(rpc, journal).send(create())
    await rpc.close()
    assert await chain.rpc.number("eth_getTransactionCount", dev_signer().address, "latest") == 1
    assert len(reduce(journal.events()).transactions) == 1


@pytest.mark.parametrize("fault", ["close", "500", "429", "garbage", "truncated", "wrong-id"])
async def test_every_read_survives_one_bad_answer(chain, proxy, fault):
    rpc = RpcClient(proxy.url, chain_id=31337)
    proxy.fault = lambda _method, count: fault if count == 1 and _method != "eth_sendRawTransaction" else None
    receipt = await sender_on(rpc, MemoryJournal(KEY)).send(create())
    await rpc.close()
    assert receipt.succeeded
    assert proxy.seen.count("eth_estimateGas") == 2


async def test_a_node_that_refuses_keeps_the_transaction_for_a_later_attempt(chain, proxy):
    rpc = RpcClient(proxy.url, chain_id=31337, tries=2)
    proxy.fault = lambda method, _count: "500" if method != "eth_chainId" else None
    with pytest.raises(RpcError, match="HTTP 500"):
        await sender_on(rpc, MemoryJournal(KEY)).send(create())
    await rpc.close()


async def test_a_hanging_node_is_told_with_its_url_masked(chain, proxy):
    key = "0123456789abcdef0123456789abcdef"
    rpc = RpcClient(f"{proxy.url}/v2/{key}", chain_id=31337, timeout_s=0.1, tries=2)
    proxy.fault = lambda _method, _count: "hang"
    with pytest.raises(RpcError, match="no answer in time") as caught:
        await rpc.call("eth_blockNumber")
    await rpc.close()
    assert key not in str(caught.value)
    assert "***" in str(caught.value)


async def test_a_refused_sending_names_what_the_node_said(chain):
    with pytest.raises(RpcAnswerError, match="eth_sendRawTransaction"):
        await chain.rpc.call("eth_sendRawTransaction", "0x00")
