"""Dataclasses to JSON values and back, for journals and reports."""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Mapping
from datetime import datetime
from enum import Enum, IntEnum
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from chainops.core.clock import isoformat, parse_time

T = TypeVar("T")


def to_json(value: Any) -> Any:
    """Return JSON values only: dataclasses become objects, enums their value (an IntEnum its name)."""
    if isinstance(value, IntEnum):
        return value.name.lower()
    if isinstance(value, Enum):
        return value.value
    if value is None or isinstance(value, str | int | float | bool):
        return value
    if isinstance(value, datetime):
        return isoformat(value)
    if isinstance(value, Path):
        return str(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: to_json(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(k): to_json(v) for k, v in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [to_json(v) for v in value]
    raise TypeError(f"{type(value).__name__} has no JSON form")


def from_json(kind: type[T], data: Any) -> T:
    """Rebuild a value of `kind` from what `to_json` gave.

    Unknown fields are ignored and missing ones take their default, so that an older journal can be read.
    Raises TypeError or ValueError when the data does not fit.
    """
    return cast("T", _build(kind, data))


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


def _build(kind: Any, data: Any) -> Any:
    if kind is Any:
        return data
    origin = get_origin(kind)
    if origin is not None:
        return _build_generic(origin, get_args(kind), data)
    if isinstance(kind, type):
        return _build_class(kind, data)
    raise TypeError(f"cannot read {kind!r} from JSON")


def _build_generic(origin: Any, arguments: tuple[Any, ...], data: Any) -> Any:
    if origin in (Union, types.UnionType):
        if data is None:
            return None
        return _build(next(a for a in arguments if a is not type(None)), data)
    if origin in (tuple, list, frozenset):
        if not isinstance(data, list | tuple):
            raise TypeError(f"a list is expected, not {type(data).__name__}")
        return origin(_build(arguments[0], item) for item in data)
    if issubclass(origin, Mapping):
        _check_object(dict, data)
        return {key: _build(arguments[1], item) for key, item in data.items()}
    raise TypeError(f"cannot read {origin!r} from JSON")


def _build_class(kind: type, data: Any) -> Any:
    if issubclass(kind, IntEnum):
        return _member(kind, data)
    if kind is datetime:
        return parse_time(data)
    if dataclasses.is_dataclass(kind):
        _check_object(kind, data)
        hints = _hints(kind)
        known = {f.name for f in dataclasses.fields(kind)}
        return kind(**{k: _build(hints[k], v) for k, v in data.items() if k in known})
    if kind in (str, bool, int) and type(data) is not kind:
        # str(None) or int(1.5) would make a wrong value of a wrong entry
        raise TypeError(f"{kind.__name__} is expected, not {type(data).__name__}")
    if kind in (str, int, float, bool) or issubclass(kind, Enum | Path):
        return kind(data)
    raise TypeError(f"cannot read {kind.__name__} from JSON")


def _member(kind: type[IntEnum], data: Any) -> IntEnum:
    try:
        return kind[str(data).upper()]
    except KeyError:
        raise ValueError(f"{data!r} is no {kind.__name__}") from None


def _check_object(kind: type, data: Any) -> None:
    if not isinstance(data, Mapping):
        raise TypeError(f"{kind.__name__} is read from an object, not from {type(data).__name__}")
