"""The committed baseline: accepted findings, gas and sizes, one entry a line so that a review can read it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, dataclass, fields
from json.decoder import JSONDecoder, JSONObject  # type: ignore[attr-defined]  # public in CPython, not typed
from json.scanner import py_make_scanner  # type: ignore[attr-defined]  # the one that tells offsets, not typed
from pathlib import Path
from typing import Any, TypeVar

from chainops.core.errors import ChainopsError, InputErrors, Place
from chainops.core.text import decode
from chainops.quality.errors import BaselineError

BASELINE_NAME = "chainops-baseline.json"
VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class AcceptedFinding:
    """A finding that somebody looked at. Without a reason it is listed and still counts."""

    path: str
    rule: str
    fingerprint: str
    tool: str = ""
    message: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class GasFigure:
    """Gas of a function or `deployment`: the median of the calls that the unit tests make."""

    contract: str
    function: str
    gas: int


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class SizeFigure:
    """Code sizes of a deployable contract, in bytes."""

    contract: str
    runtime_size_bytes: int
    init_size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """What a project compares itself with."""

    findings: tuple[AcceptedFinding, ...] = ()
    gas: tuple[GasFigure, ...] = ()
    sizes: tuple[SizeFigure, ...] = ()

    @property
    def accepted(self) -> Mapping[str, str]:
        """Reasons by fingerprint."""
        return {entry.fingerprint: entry.reason for entry in self.findings}


T = TypeVar("T", AcceptedFinding, GasFigure, SizeFigure)
_SECTIONS: dict[str, type] = {"findings": AcceptedFinding, "gas": GasFigure, "sizes": SizeFigure}


def render(baseline: Baseline) -> bytes:
    """Write a baseline: sorted, one entry a line, so that a diff shows exactly what a review must judge."""
    parts = [f'  "version": {VERSION}']
    for section in _SECTIONS:
        entries = sorted(getattr(baseline, section))
        lines = [f"    {json.dumps(_entry(entry), ensure_ascii=False)}" for entry in entries]
        body = "\n" + ",\n".join(lines) + "\n  " if lines else ""
        parts.append(f'  "{section}": [{body}]')
    return ("{\n" + ",\n".join(parts) + "\n}\n").encode()


def read_baseline(path: Path, shown: str = "") -> Baseline | None:
    """Read a baseline file, None when there is none; `shown` is what error messages call it.

    Raises `BaselineError` for what is no JSON, `InputErrors` with every mistake and its place otherwise.
    """
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise BaselineError(
            f"cannot read {path}: {error.strerror}", hint="check its owner and mode"
        ) from error
    return parse_baseline(raw, shown or path.name)


def parse_baseline(raw: bytes, shown: str = BASELINE_NAME) -> Baseline:
    """Read a baseline's bytes; see `read_baseline`."""
    text = decode(raw)
    document = _load(text, shown)
    reader = _Reader(text, shown)
    reader.check_top(document)
    sections: dict[str, Any] = {
        name: tuple(reader.section(document, name, kind)) for name, kind in _SECTIONS.items()
    }
    if reader.errors:
        raise InputErrors(tuple(reader.errors), what=shown)
    return Baseline(**sections)


def _entry(entry: Any) -> dict[str, Any]:
    return {f.name: getattr(entry, f.name) for f in fields(entry)}


class _Object(dict[str, Any]):
    """An object that knows where it began."""

    offset: int = 0


class _Decoder(JSONDecoder):
    """Decodes in Python instead of C, which tells where each object begins."""

    def __init__(self) -> None:
        super().__init__()
        self.parse_object = self._parse_object
        self.scan_once = py_make_scanner(self)

    @staticmethod
    def _parse_object(s_and_end: tuple[str, int], *rest: Any) -> tuple[_Object, int]:
        value, end = JSONObject(s_and_end, *rest)
        placed = _Object(value)
        placed.offset = s_and_end[1] - 1
        return placed, end


def _place(text: str, offset: int, shown: str) -> Place:
    line_start = text.rfind("\n", 0, offset) + 1
    return Place(shown, text.count("\n", 0, offset) + 1, offset - line_start + 1)


def _load(text: str, shown: str) -> _Object:
    try:
        document = _Decoder().decode(text)
    except json.JSONDecodeError as error:
        raise BaselineError(
            f"not JSON: {error.msg}",
            place=Place(shown, error.lineno, error.colno),
            hint="correct it, or restore the file from version control",
        ) from error
    except (RecursionError, ValueError) as error:
        raise BaselineError(
            "not a baseline: nested too deep or a number too long", place=Place(shown)
        ) from error
    if not isinstance(document, _Object):
        raise BaselineError("not a baseline: should be an object", place=Place(shown, 1, 1))
    return document


class _Reader:
    """Turns objects into entries and gathers every mistake on the way."""

    def __init__(self, text: str, shown: str) -> None:
        self._text = text
        self._shown = shown
        self.errors: list[ChainopsError] = []

    def check_top(self, document: _Object) -> None:
        """Complain about a version that we do not know and about unknown sections."""
        if document.get("version") != VERSION or isinstance(document.get("version"), bool):
            self._complain(f"`version` should be {VERSION}", document)
        for name in document:
            if name != "version" and name not in _SECTIONS:
                self._complain(f"`{name}` is unknown", document, f"known are version, {', '.join(_SECTIONS)}")

    def section(self, document: _Object, name: str, kind: type[T]) -> Iterable[T]:
        """Yield the entries of a section that are right, each identity once."""
        entries = document.get(name, [])
        if not isinstance(entries, list):
            self._complain(f"`{name}` should be a list", document)
            return
        seen: set[tuple[Any, ...]] = set()
        for entry in entries:
            built = self._build(entry, name, kind, document)
            if built is None:
                continue
            identity = _identity(built)
            if identity in seen:
                self._complain(f"`{name}` has this entry twice", entry)
            else:
                seen.add(identity)
                yield built

    def _build(self, entry: Any, section: str, kind: type[T], document: _Object) -> T | None:
        if not isinstance(entry, _Object):
            self._complain(f"an entry of `{section}` should be an object", document)
            return None
        before = len(self.errors)
        known = {f.name: f for f in fields(kind)}
        for name in entry:
            if name not in known:
                self._complain(f"`{name}` is unknown in `{section}`", entry, f"known are {', '.join(known)}")
        for name, field in known.items():
            wanted, check = _KINDS[str(field.type)]
            if name not in entry and field.default is MISSING:
                self._complain(f"`{name}` is missing in `{section}`", entry)
            elif name in entry and not check(entry[name]):
                self._complain(f"`{name}` should be {wanted}", entry)
        return kind(**entry) if len(self.errors) == before else None

    def _complain(self, message: str, at: Any, hint: str = "") -> None:
        place = _place(self._text, at.offset, self._shown)
        self.errors.append(BaselineError(message, place=place, hint=hint))


def _is_amount(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


_KINDS: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "str": ("text", lambda value: isinstance(value, str)),
    "int": ("a whole number from 0 on", _is_amount),
}


def _identity(entry: Any) -> tuple[Any, ...]:
    if isinstance(entry, AcceptedFinding):
        return (entry.fingerprint,)
    return (entry.contract, entry.function) if isinstance(entry, GasFigure) else (entry.contract,)
