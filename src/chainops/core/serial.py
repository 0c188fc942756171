"""Dataclasses to JSON values and back, for journals and reports."""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Callable, Mapping
from datetime import datetime
from enum import Enum, IntEnum
from functools import cache
from operator import attrgetter
from pathlib import Path
from typing import Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from chainops.core.clock import isoformat, parse_time

T = TypeVar("T")
_Step = Callable[[Any], Any]


def to_json(value: Any) -> Any:
    """Return JSON values only: dataclasses become objects, enums their value (an IntEnum its name)."""
    kind = type(value)
    if kind in _PLAIN:
        return value
    return (_WRITERS.get(kind) or _writer(kind))(value)


def from_json(kind: type[T], data: Any) -> T:
    """Rebuild a value of `kind` from what `to_json` gave.

    Unknown fields are ignored and missing ones take their default, so that an older journal can be read.
    Raises TypeError or ValueError when the data does not fit.
    """
    return cast("T", _reader(cast("Any", kind))(data))


_PLAIN = frozenset({type(None), str, int, float, bool})
#: how a class is written, found out once: a journal writes the same few classes all the time
_WRITERS: dict[type, _Step] = {}


def _writer(kind: type) -> _Step:
    step = _find_writer(kind)
    _WRITERS[kind] = step
    return step


def _find_writer(kind: type) -> _Step:
    if issubclass(kind, IntEnum):
        return lambda value: value.name.lower()
    if issubclass(kind, Enum):
        return attrgetter("value")
    if issubclass(kind, str | int | float):
        return _same
    if issubclass(kind, datetime):
        return isoformat
    if issubclass(kind, Path):
        return str
    if dataclasses.is_dataclass(kind):
        return _object_writer(tuple(f.name for f in dataclasses.fields(kind)))
    if issubclass(kind, Mapping):
        return lambda value: {str(k): to_json(v) for k, v in value.items()}
    if issubclass(kind, list | tuple | set | frozenset):
        return lambda value: [to_json(v) for v in value]
    raise TypeError(f"{kind.__name__} has no JSON form")


def _object_writer(names: tuple[str, ...]) -> _Step:
    if len(names) < 2:  # attrgetter gives a tuple for two names and more
        return lambda value: {name: to_json(getattr(value, name)) for name in names}
    fields = attrgetter(*names)

    def write(value: Any) -> Any:
        return {
            name: field if type(field) in _PLAIN else to_json(field)
            for name, field in zip(names, fields(value), strict=True)
        }

    return write


def _same(value: Any) -> Any:
    return value


@cache
def _reader(kind: Any) -> _Step:
    """Return what rebuilds a `kind`; found out once for each."""
    if kind is Any:
        return _same
    origin = get_origin(kind)
    if origin is not None:
        return _generic_reader(origin, get_args(kind))
    if isinstance(kind, type):
        return _class_reader(kind)
    return _refuser(repr(kind))


def _generic_reader(origin: Any, arguments: tuple[Any, ...]) -> _Step:
    if origin in (Union, types.UnionType):
        inner = _reader(next(a for a in arguments if a is not type(None)))
        return lambda data: None if data is None else inner(data)
    if origin in (tuple, list, frozenset):
        return _list_reader(origin, _reader(arguments[0]))
    if issubclass(origin, Mapping):
        return _mapping_reader(_reader(arguments[1]))
    return _refuser(repr(origin))


def _list_reader(origin: Any, item: _Step) -> _Step:
    def read(data: Any) -> Any:
        if type(data) is not list and not isinstance(data, tuple | list):
            raise TypeError(f"a list is expected, not {type(data).__name__}")
        return origin([item(one) for one in data]) if data else origin()

    return read


def _mapping_reader(item: _Step) -> _Step:
    def read(data: Any) -> Any:
        _check_object(dict, data)
        return {key: item(one) for key, one in data.items()}

    return read


def _class_reader(kind: type) -> _Step:
    if issubclass(kind, IntEnum):
        return lambda data: _member(kind, data)
    if kind is datetime:
        return parse_time
    if dataclasses.is_dataclass(kind):
        return _object_reader(kind)
    if kind in (str, bool, int):
        return _exact_reader(kind)
    if issubclass(kind, Enum):
        return _enum_reader(kind)
    if kind is float or issubclass(kind, Path):
        return kind
    return _refuser(kind.__name__)


def _refuser(what: str) -> _Step:
    def refuse(_: Any) -> Any:
        raise TypeError(f"cannot read {what} from JSON")

    return refuse


def _enum_reader(kind: type[Enum]) -> _Step:
    members = {member.value: member for member in kind}

    def read(data: Any) -> Any:
        # calling the class finds aliases and names what fits none, at ten times the cost
        return members.get(data) if type(data) is str and data in members else kind(data)

    return read


def _exact_reader(kind: Any) -> _Step:
    def read(data: Any) -> Any:
        if type(data) is not kind:
            # str(None) or int(1.5) would make a wrong value of a wrong entry
            raise TypeError(f"{kind.__name__} is expected, not {type(data).__name__}")
        return data

    return read


def _object_reader(kind: Any) -> _Step:
    readers: dict[str, tuple[Any, _Step]] = {}

    def read(data: Any) -> Any:
        if not readers:  # not before: a class may hold itself
            readers.update(_field_readers(kind))
        if type(data) is not dict:
            _check_object(kind, data)
        return kind(
            **{
                name: one if type(one) is (known := readers[name])[0] else known[1](one)
                for name, one in data.items()
                if name in readers
            }
        )

    return read


def _field_readers(kind: Any) -> dict[str, tuple[Any, _Step]]:
    """Return for each field the type that is taken as it is, if any, and what reads everything else."""
    hints = get_type_hints(kind)
    exact = {str, bool, int, float}
    return {
        f.name: (hints[f.name] if hints[f.name] in exact else None, _reader(hints[f.name]))
        for f in dataclasses.fields(kind)
    }


def _member(kind: type[IntEnum], data: Any) -> IntEnum:
    try:
        return kind[str(data).upper()]
    except KeyError:
        raise ValueError(f"{data!r} is no {kind.__name__}") from None


def _check_object(kind: type, data: Any) -> None:
    if not isinstance(data, Mapping):
        raise TypeError(f"{kind.__name__} is read from an object, not from {type(data).__name__}")
