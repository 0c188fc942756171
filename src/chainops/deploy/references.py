"""`${account}` and `${ref:vault.address}`: addresses that are known only when it is deployed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from chainops.chains.abi import Placeholder, ValueMistake

ACCOUNT = "${account}"
_REFERENCE = re.compile(r"\$\{ref:([A-Za-z_][A-Za-z0-9_-]*)(?:\.address)?\}\Z")
_ANY = re.compile(r"\$\{(?:ref:|account)")


def referenced(placeholder: Placeholder) -> str:
    """Return the name that a placeholder refers to, empty for the account."""
    match = _REFERENCE.match(placeholder.text)
    return match[1] if match else ""


def with_placeholders(value: Any) -> Any:
    """Return `value` with every reference in it replaced by a `Placeholder`; raises `ValueMistake`."""
    if isinstance(value, Mapping):
        return {key: with_placeholders(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [with_placeholders(item) for item in value]
    if isinstance(value, str) and _ANY.search(value):
        if value == ACCOUNT or _REFERENCE.match(value):
            return Placeholder(value)
        raise ValueMistake(f"`{value}` is not a reference: `{ACCOUNT}` or `${{ref:NAME.address}}` alone")
    return value


def placeholders(value: Any) -> Iterator[Placeholder]:
    """Yield every placeholder in a value."""
    if isinstance(value, Placeholder):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from placeholders(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from placeholders(item)


def resolved(value: Any, address_of: Callable[[Placeholder], str]) -> Any:
    """Return `value` with addresses in place of its placeholders."""
    if isinstance(value, Placeholder):
        return address_of(value)
    if isinstance(value, Mapping):
        return {key: resolved(item, address_of) for key, item in value.items()}
    if isinstance(value, list):
        return [resolved(item, address_of) for item in value]
    if isinstance(value, tuple):
        return tuple(resolved(item, address_of) for item in value)
    return value


def written(value: Any) -> Any:
    """Return converted arguments as JSON values: numbers as text, bytes as 0x-hex, references as written."""
    if isinstance(value, Placeholder):
        return value.text
    if isinstance(value, bytes):
        return "0x" + value.hex()
    if isinstance(value, list | tuple):
        return [written(item) for item in value]
    return value if isinstance(value, bool | str) else str(value)
