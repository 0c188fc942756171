"""Transaction journals in files, and their twin in memory."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

from chainops.chains.errors import JournalError
from chainops.chains.events import (
    FORMAT,
    JournalEvent,
    JournalKey,
    JournalOpened,
    TransactionSigned,
    event_from_json,
    event_to_json,
)
from chainops.chains.ports import Journal
from chainops.core.errors import Place
from chainops.core.files import disk_errors, sync_folder
from chainops.core.hashing import canonical_json
from chainops.core.text import folder_name


class MemoryJournal:
    """Keeps events as long as it lives."""

    where = "memory"

    def __init__(self, key: JournalKey) -> None:
        self._events: list[JournalEvent] = [JournalOpened(key=key)]

    def append(self, event: JournalEvent) -> None:
        """Remember `event`."""
        self._events.append(event)

    def events(self) -> Sequence[JournalEvent]:
        """Return everything so far."""
        return tuple(self._events)


class MemoryJournals:
    """One memory journal for each key."""

    def __init__(self) -> None:
        self._journals: dict[JournalKey, MemoryJournal] = {}

    def open(self, key: JournalKey) -> Journal:
        """Return the journal of `key`."""
        return self._journals.setdefault(key, MemoryJournal(key))


class FileJournal:
    """JSON lines, each on disk before `append` returns (O_APPEND | O_DSYNC, mode 0600).

    A last line without its end is what a crash leaves of an append that never returned: it is cut off.
    Anything else that cannot be read is refused.
    """

    def __init__(self, path: Path, key: JournalKey) -> None:
        self._path = path
        self._key = key
        self._count = 0
        self._ready = False

    @property
    def where(self) -> str:
        """The file."""
        return str(self._path)

    def append(self, event: JournalEvent) -> None:
        """Write `event`; it is on disk when this returns."""
        if not self._ready:
            self.events()
        self._write(event)

    def events(self) -> Sequence[JournalEvent]:
        """Read everything, beginning the file when there is none; see `Journal.events`."""
        whole, rest = self._split()
        found = [self._event(line, number) for number, line in enumerate(whole, start=1)]
        opened = JournalOpened(key=self._key)
        if found and found[0] != opened:
            raise JournalError(
                f"{self._path} belongs to another run, stage, network or chain",
                hint="a journal cannot be copied from one run to another",
            )
        self._count = len(found)
        self._prepare(rest)
        return tuple(found) or (opened,)

    def _split(self) -> tuple[list[bytes], bytes]:
        try:
            data = self._path.read_bytes()
        except FileNotFoundError:
            return [], b""
        *whole, rest = data.split(b"\n")
        return whole, rest

    def _event(self, line: bytes, number: int) -> JournalEvent:
        try:
            return _read_event(line, number)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise JournalError(
                f"the journal cannot be trusted: {type(error).__name__}: {error}",
                place=Place(str(self._path), number),
                hint="nothing was sent; restore the file, or start a new run after checking the account",
            ) from error

    def _prepare(self, rest: bytes) -> None:
        """Create the file, or cut off what a crash left half-written."""
        with disk_errors(self._path):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            if rest:
                os.truncate(self._path, self._path.stat().st_size - len(rest))
            self._ready = True
            if self._count == 0:
                self._write(JournalOpened(key=self._key))
                sync_folder(self._path.parent)

    def _write(self, event: JournalEvent) -> None:
        line = canonical_json({"n": self._count + 1, **event_to_json(event)}) + b"\n"
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_DSYNC | os.O_CLOEXEC
        with disk_errors(self._path):
            handle = os.open(self._path, flags, 0o600)
            try:
                written = os.write(handle, line)
            finally:
                os.close(handle)
        if written != len(line):
            # a full disk took a part; the next reader cuts it off
            self._ready = False
            raise JournalError(f"{self._path} took {written} of {len(line)} bytes: is the disk full?")
        self._count += 1


def _read_event(line: bytes, number: int) -> JournalEvent:
    data = json.loads(line)
    if data["n"] != number:
        raise ValueError(f"entry {data['n']} stands where entry {number} belongs")
    event = event_from_json(data)
    if isinstance(event, JournalOpened) and event.format != FORMAT:
        raise ValueError(f"format {event.format} is not known")
    if isinstance(event, TransactionSigned):
        _check_hash(event)
    return event


def _check_hash(event: TransactionSigned) -> None:
    from eth_utils.crypto import keccak

    if "0x" + keccak(hexstr=event.raw).hex() != event.hash:
        raise ValueError("the raw transaction does not have the hash beside it")


class FileJournals:
    """Journals under `<base>/<run>/<stage>/journal-<network>.jsonl`."""

    def __init__(self, base: Path) -> None:
        self._base = base

    def open(self, key: JournalKey) -> Journal:
        """Return the journal of `key`."""
        return FileJournal(
            self._base / key.run / folder_name(key.stage) / f"journal-{key.network}.jsonl", key
        )
