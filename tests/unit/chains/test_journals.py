"""Journals that survive a crash, and refuse what they cannot trust."""

from __future__ import annotations

import json
import stat

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainops.chains.accounts import dev_signer
from chainops.chains.errors import JournalError
from chainops.chains.events import JournalKey, JournalOpened, TransactionConfirmed, TransactionSigned
from chainops.chains.journals import FileJournal, FileJournals, MemoryJournals

KEY = JournalKey(run="r", stage="s", network="n", chain_id=1)
RAW, HASH = dev_signer().sign(
    {"chainId": 1, "nonce": 0, "to": b"", "value": 0, "data": b"", "gas": 60_000, "gasPrice": 1}
)
SIGNED = TransactionSigned(label="a", hash=HASH, raw=RAW, chain_id=1, account="0xa", nonce=0, request="d")
CONFIRMED = TransactionConfirmed(hash=HASH, block=1, block_hash="0xb", gas_used=1, effective_gas_price_wei=1)


@pytest.fixture(params=["file", "memory"])
def journals(request, tmp_path):
    return FileJournals(tmp_path) if request.param == "file" else MemoryJournals()


def test_what_was_appended_is_there_for_the_next_who_opens_it(journals):
    first = journals.open(KEY)
    first.append(SIGNED)
    second = journals.open(KEY)
    second.append(CONFIRMED)
    assert journals.open(KEY).events() == (JournalOpened(key=KEY), SIGNED, CONFIRMED)


def test_a_new_journal_begins_with_whose_it_is(journals):
    assert journals.open(KEY).events() == (JournalOpened(key=KEY),)


def test_the_file_lies_with_its_run_and_is_for_its_owner_alone(tmp_path):
    journal = FileJournals(tmp_path).open(KEY)
    journal.append(SIGNED)
    path = tmp_path / "r" / "s" / "journal-n.jsonl"
    assert journal.where == str(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def _file(tmp_path):
    path = tmp_path / "journal.jsonl"
    journal = FileJournal(path, KEY)
    journal.append(SIGNED)
    journal.append(CONFIRMED)
    return path


def test_a_torn_last_line_is_cut_off(tmp_path):
    path = _file(tmp_path)
    whole = path.read_bytes()
    for torn in (b"{", b'{"event":"signed"', b"\0\0\0", whole.splitlines()[1]):
        path.write_bytes(whole + torn)
        journal = FileJournal(path, KEY)
        assert journal.events()[-1] == CONFIRMED
        assert path.read_bytes() == whole


def test_a_journal_torn_within_its_first_line_begins_anew(tmp_path):
    path = tmp_path / "journal.jsonl"
    path.write_bytes(b'{"event":"ope')
    assert FileJournal(path, KEY).events() == (JournalOpened(key=KEY),)


@pytest.mark.parametrize("key", [{"run": "x"}, {"stage": "x"}, {"network": "x"}, {"chain_id": 2}])
def test_a_foreign_journal_is_refused(tmp_path, key):
    path = _file(tmp_path)
    other = JournalKey(**{"run": "r", "stage": "s", "network": "n", "chain_id": 1, **key})
    with pytest.raises(JournalError, match="belongs to another"):
        FileJournal(path, other).events()


def _changed(path, line: int, **changes) -> None:
    lines = path.read_bytes().splitlines()
    lines[line] = json.dumps({**json.loads(lines[line]), **changes}).encode()
    path.write_bytes(b"\n".join(lines) + b"\n")


@pytest.mark.parametrize(
    ("line", "changes", "message"),
    [
        (1, {"raw": "0x00"}, "does not have the hash beside it"),
        (1, {"n": 7}, "entry 7 stands where entry 2 belongs"),
        (2, {"event": "mined"}, "KeyError"),
        (0, {"format": 99}, "format 99 is not known"),
        (2, {"block": "x"}, "TypeError"),
    ],
)
def test_a_damaged_entry_is_refused_with_its_line(tmp_path, line, changes, message):
    path = _file(tmp_path)
    _changed(path, line, **changes)
    with pytest.raises(JournalError, match=message) as caught:
        FileJournal(path, KEY).events()
    assert caught.value.place.line == line + 1


def test_a_missing_entry_is_noticed(tmp_path):
    path = _file(tmp_path)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(lines[0] + lines[2])
    with pytest.raises(JournalError, match="entry 3 stands where entry 2 belongs"):
        FileJournal(path, KEY).append(CONFIRMED)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused_as_a_journal(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("j") / "journal.jsonl"
    path.write_bytes(data + b"\n")
    with pytest.raises(JournalError):
        FileJournal(path, KEY).events()
