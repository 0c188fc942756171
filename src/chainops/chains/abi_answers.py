"""What contracts say back in the ABI's terms: why they revert, and which events they emit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chainops.chains.abi import ARRAY, Abi, ValueMistake, decode, selector, show, topic

#: https://docs.soliditylang.org/en/latest/control-structures.html#panic-via-assert-and-error-via-require
PANICS = {
    0x00: "generic compiler panic",
    0x01: "assert failed",
    0x11: "arithmetic overflow or underflow",
    0x12: "division or modulo by zero",
    0x21: "value out of the enum's range",
    0x22: "storage byte array incorrectly encoded",
    0x31: "pop of an empty array",
    0x32: "array index out of bounds",
    0x41: "too much memory allocated",
    0x51: "call of an uninitialised internal function",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoded:
    """What a revert or an event says."""

    #: name of the error or event; `Error` and `Panic` for Solidity's own
    name: str
    args: tuple[Any, ...] = ()
    #: argument names as in the ABI, empty where they have none
    names: tuple[str, ...] = ()
    text: str = ""


def decode_revert(data: bytes, errors: Abi) -> Decoded:
    """Say what a revert means: `Error(string)`, `Panic(uint256)`, an error of `errors`, or the bytes."""
    if not data:
        return Decoded(name="", text="reverted without a reason")
    head, rest = data[:4], data[4:]
    try:
        if head == bytes.fromhex("08c379a0"):
            (text,) = decode([{"type": "string"}], rest)
            return Decoded(name="Error", args=(text,), names=("message",), text=show(text))
        if head == bytes.fromhex("4e487b71"):
            (number,) = decode([{"type": "uint256"}], rest)
            meaning = PANICS.get(number, "unknown")
            return Decoded(
                name="Panic", args=(number,), names=("code",), text=f"Panic(0x{number:02x}): {meaning}"
            )
        for entry in errors:
            if entry.get("type") == "error" and selector(entry) == head:
                return _decoded(entry, decode(entry.get("inputs", ()), rest))
    except ValueMistake:
        pass  # the bytes are shown below
    shown = data.hex() if len(data) <= 68 else data[:68].hex() + "…"
    return Decoded(name="", text=f"unknown error 0x{shown}")


def _decoded(entry: Mapping[str, Any], values: tuple[Any, ...]) -> Decoded:
    names = tuple(str(p.get("name", "")) for p in entry.get("inputs", ()))
    shown = ", ".join(f"{n}={show(v)}" if n else show(v) for n, v in zip(names, values, strict=True))
    return Decoded(name=str(entry["name"]), args=values, names=names, text=f"{entry['name']}({shown})")


def decode_event(topics: Sequence[str], data: str, events: Abi) -> Decoded | None:
    """Read a log by the events of an ABI; None when none fits.

    Indexed values of dynamic types are only hashes on the chain and come as such.
    """
    for entry in events:
        if entry.get("type") != "event" or entry.get("anonymous") or not topics:
            continue
        inputs = entry.get("inputs", ())
        indexed = [p for p in inputs if p.get("indexed")]
        if "0x" + topic(entry).hex() != topics[0] or len(indexed) != len(topics) - 1:
            continue
        try:
            words = iter([_topic_value(p, t) for p, t in zip(indexed, topics[1:], strict=True)])
            rest = iter(decode([p for p in inputs if not p.get("indexed")], bytes.fromhex(data[2:])))
        except (ValueMistake, ValueError):
            continue
        return _decoded(entry, tuple(next(words) if p.get("indexed") else next(rest) for p in inputs))
    return None


def _topic_value(parameter: Mapping[str, Any], word: str) -> Any:
    kind = str(parameter["type"])
    if kind in ("string", "bytes") or kind.startswith("tuple") or ARRAY.match(kind):
        return word
    return decode([parameter], bytes.fromhex(word[2:]))[0]
