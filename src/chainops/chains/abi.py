"""Between what people write (YAML values, signatures) and what contracts speak (the ABI)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chainops.core.text import one_line, plural

Abi = Sequence[Mapping[str, Any]]

_UNITS = {"wei": 1, "gwei": 10**9, "ether": 10**18}
_NUMBER = re.compile(r"(-?[0-9][0-9_]*(?:\.[0-9]+)?)(?:e([0-9]{1,2}))?(?: *(wei|gwei|ether))?\Z")
ARRAY = re.compile(r"(.*)\[([0-9]*)\]\Z")


class ValueMistake(ValueError):
    """A value does not fit its ABI type. `path` leads to it from the value given (indexes and names)."""

    def __init__(self, message: str, path: tuple[str | int, ...] = ()) -> None:
        super().__init__(message)
        self.path = path


@dataclass(frozen=True, slots=True)
class Placeholder:
    """Stands for an address that is not known yet; `text` is what was written."""

    text: str


def canonical_type(parameter: Mapping[str, Any]) -> str:
    """Return an ABI parameter's type with tuples spelled out, as signatures have them."""
    kind = str(parameter["type"])
    if not kind.startswith("tuple"):
        return kind
    inner = ",".join(canonical_type(c) for c in parameter.get("components", ()))
    return f"({inner}){kind.removeprefix('tuple')}"


def signature(entry: Mapping[str, Any]) -> str:
    """Return `name(type,…)` of a function, error or event."""
    return f"{entry.get('name', '')}({','.join(canonical_type(p) for p in entry.get('inputs', ()))})"


def selector(entry: Mapping[str, Any]) -> bytes:
    """Return the four bytes that a call or an error begins with."""
    return topic(entry)[:4]


def topic(entry: Mapping[str, Any]) -> bytes:
    """Return the 32 bytes that an event's first topic is."""
    from eth_utils.crypto import keccak

    return bytes(keccak(text=signature(entry)))


def entries(abi: Abi, kind: str, name: str) -> list[Mapping[str, Any]]:
    """Return the entries of `kind` (`function`, `error`, `event`) called `name`: a name or a signature."""
    wanted = name.replace(" ", "")
    return [
        e
        for e in abi
        if e.get("type") == kind and (e.get("name") == wanted or ("(" in wanted and signature(e) == wanted))
    ]


def constructor_inputs(abi: Abi) -> Sequence[Mapping[str, Any]]:
    """Return the constructor's parameters; none when it has no constructor."""
    return next((e.get("inputs", ()) for e in abi if e.get("type") == "constructor"), ())


def is_payable(abi: Abi, entry: Mapping[str, Any] | None) -> bool:
    """Return whether ether may be sent along; `entry` None means the constructor."""
    found = entry or next((e for e in abi if e.get("type") == "constructor"), {})
    return found.get("stateMutability") == "payable"


def convert_all(
    parameters: Sequence[Mapping[str, Any]], given: Sequence[Any] | Mapping[str, Any], *, what: str
) -> tuple[list[Any], list[ValueMistake]]:
    """Convert arguments, by position or by name; return them with every mistake.

    Placeholders stay where an address is wanted. `what` names the function in messages.
    """
    if isinstance(given, Mapping):
        return _convert_named(parameters, given, what)
    if len(given) != len(parameters):
        wanted = ", ".join(f"{canonical_type(p)} {p.get('name', '')}".strip() for p in parameters) or "none"
        message = f"{what} takes {plural(len(parameters), 'argument')} ({wanted}), not {len(given)}"
        return [], [ValueMistake(message)]
    return _convert_pairs([(p, v, i) for i, (p, v) in enumerate(zip(parameters, given, strict=True))])


def _convert_named(
    parameters: Sequence[Mapping[str, Any]], given: Mapping[str, Any], what: str
) -> tuple[list[Any], list[ValueMistake]]:
    names = [str(p.get("name", "")) for p in parameters]
    bare = [n.strip("_") for n in names]
    found: dict[int, tuple[Any, str]] = {}
    mistakes = []
    for key, value in given.items():
        # Solidity's parameters often end in an underscore that nobody wants to write
        position = names.index(key) if key in names else bare.index(key) if key in bare else None
        if position is None:
            known = ", ".join(filter(None, names)) or "none"
            mistakes.append(ValueMistake(f"{what} has no argument `{key}` (it has: {known})", (key,)))
        else:
            found[position] = (value, key)
    missing = [names[i] or f"number {i + 1}" for i in range(len(names)) if i not in found]
    if missing:
        mistakes.append(ValueMistake(f"{what} also needs: {', '.join(missing)}"))
    values, wrong = _convert_pairs([(parameters[i], *found[i]) for i in sorted(found)])
    return values, mistakes + wrong


def _convert_pairs(
    pairs: Sequence[tuple[Mapping[str, Any], Any, str | int]],
) -> tuple[list[Any], list[ValueMistake]]:
    values: list[Any] = []
    mistakes: list[ValueMistake] = []
    for parameter, value, key in pairs:
        try:
            values.append(convert(parameter, value))
        except ValueMistake as mistake:
            name = parameter.get("name") or f"argument {key}"
            mistakes.append(ValueMistake(f"{name}: {mistake}", (key, *mistake.path)))
    return values, mistakes


def convert(parameter: Mapping[str, Any], value: Any) -> Any:
    """Return `value` as eth_abi wants it for `parameter`; raises `ValueMistake`."""
    kind = str(parameter["type"])
    if array := ARRAY.match(kind):
        return _array({**parameter, "type": array[1]}, array[2], value, canonical_type(parameter))
    if kind == "tuple":
        return _tuple(parameter.get("components", ()), value)
    if kind == "address":
        return value if isinstance(value, Placeholder) else _address(value)
    if isinstance(value, Placeholder):
        raise ValueMistake(f"{value.text} is an address, {kind} is wanted")
    return _elementary(kind, value)


def _elementary(kind: str, value: Any) -> Any:
    if kind.startswith(("uint", "int")):
        return _integer(kind, value)
    if kind.startswith("bytes"):
        return _bytes(kind, value)
    if kind not in ("bool", "string"):
        raise ValueMistake(f"arguments of type {kind} are not supported")
    if not isinstance(value, bool if kind == "bool" else str):
        wanted = "true or false" if kind == "bool" else "text (in quotes)"
        raise ValueMistake(f"{wanted} is wanted, not {_shown(value)}")
    return value


def _shown(value: Any) -> str:
    kind = type(value).__name__
    names = {"NoneType": "nothing", "dict": "a mapping", "list": "a list"}
    return names.get(kind) or f"{one_line(repr(value), 60)}"


def _array(inner: Mapping[str, Any], size: str, value: Any, shown: str) -> list[Any]:
    if not isinstance(value, list | tuple):
        raise ValueMistake(f"a list is wanted ({shown}), not {_shown(value)}")
    if size and len(value) != int(size):
        raise ValueMistake(f"{shown} has {size} items, not {len(value)}")
    found = []
    for index, item in enumerate(value):
        try:
            found.append(convert(inner, item))
        except ValueMistake as mistake:
            raise ValueMistake(f"item {index}: {mistake}", (index, *mistake.path)) from None
    return found


def _tuple(components: Sequence[Mapping[str, Any]], value: Any) -> tuple[Any, ...]:
    if not isinstance(value, list | tuple | Mapping):
        raise ValueMistake(f"a list or a mapping of its members is wanted, not {_shown(value)}")
    values, mistakes = convert_all(components, value, what="the struct")
    if mistakes:
        raise mistakes[0]
    return tuple(values)


def _address(value: Any) -> str:
    from eth_utils.address import to_checksum_address

    if isinstance(value, int) and not isinstance(value, bool):
        raise ValueMistake("an address is wanted: put it in quotes")
    if not isinstance(value, str) or not re.fullmatch(r"0x[0-9a-fA-F]{40}", value):
        raise ValueMistake(f"an address is wanted (0x and 40 digits), not {_shown(value)}")
    right = str(to_checksum_address(value))
    # one case throughout carries no checksum
    if value[2:] not in (value[2:].lower(), value[2:].upper()) and value != right:
        raise ValueMistake(f"{value} has a wrong checksum (EIP-55): a digit may be mistyped")
    return right


def to_integer(value: Any) -> int:
    """Return a whole number: an int, `1_000`, `1e18`, `0x2a`, `0.5 ether`; raises `ValueMistake`."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    if isinstance(value, str):
        text = value.strip()
        if re.fullmatch(r"0x[0-9a-fA-F]{1,64}", text):
            return int(text, 16)
        if found := _NUMBER.match(text):
            whole, _, part = found[1].replace("_", "").partition(".")
            scale = 10 ** int(found[2] or 0) * _UNITS.get(found[3], 1)
            number = int(whole + part) * scale
            if number % 10 ** len(part) == 0:
                return int(number // 10 ** len(part))
    raise ValueMistake(f"a whole number is wanted, not {_shown(value)}")


def _integer(kind: str, value: Any) -> int:
    number = to_integer(value)
    bits = int(kind.removeprefix("u").removeprefix("int") or 256)
    low, high = (0, 2**bits - 1) if kind.startswith("u") else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    if not low <= number <= high:
        raise ValueMistake(f"{number} does not fit {kind} ({low} to {high if bits <= 64 else f'2^{bits}-1'})")
    return number


def _bytes(kind: str, value: Any) -> bytes:
    if not isinstance(value, str) or not re.fullmatch(r"0x(?:[0-9a-fA-F]{2})*", value):
        raise ValueMistake(f"0x and pairs of hexadecimal digits are wanted, not {_shown(value)}")
    data = bytes.fromhex(value[2:])
    size = kind.removeprefix("bytes")
    if size and len(data) != int(size):
        raise ValueMistake(f"{kind} has {size} bytes, not {len(data)}")
    return data


def encode(parameters: Sequence[Mapping[str, Any]], values: Sequence[Any]) -> bytes:
    """Return the ABI encoding of converted values."""
    from eth_abi.abi import encode as eth_encode

    return bytes(eth_encode([canonical_type(p) for p in parameters], list(values)))


def decode(parameters: Sequence[Mapping[str, Any]], data: bytes) -> tuple[Any, ...]:
    """Return decoded values: addresses with checksum, bytes as 0x-hex; raises `ValueMistake`."""
    from eth_abi.abi import decode as eth_decode
    from eth_abi.exceptions import DecodingError

    try:
        found = eth_decode([canonical_type(p) for p in parameters], data)
    except (DecodingError, OverflowError, UnicodeDecodeError) as error:
        raise ValueMistake(
            f"{len(data)} bytes cannot be read as ABI values: {one_line(str(error), 100)}"
        ) from None
    return tuple(_readable(p, v) for p, v in zip(parameters, found, strict=True))


def _readable(parameter: Mapping[str, Any], value: Any) -> Any:
    from eth_utils.address import to_checksum_address

    kind = str(parameter["type"])
    if array := ARRAY.match(kind):
        return [_readable({**parameter, "type": array[1]}, item) for item in value]
    if kind == "tuple":
        return [_readable(c, v) for c, v in zip(parameter.get("components", ()), value, strict=True)]
    if kind == "address":
        return str(to_checksum_address(value))
    return "0x" + value.hex() if isinstance(value, bytes) else value


def show(value: Any) -> str:
    """Return a decoded value on one line, a stranger's text cleaned and capped."""
    if isinstance(value, str):
        return value if value.startswith("0x") else f'"{one_line(value, 120)}"'
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple):
        return "[" + ", ".join(show(v) for v in value) + "]"
    return str(value)
