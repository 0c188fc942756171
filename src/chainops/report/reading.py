"""Reads a result document that may lack anything: a stage that was skipped left no outputs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from chainops.core.text import clean

Document = Mapping[str, Any]


def cleaned(value: Any) -> Any:
    """Return `value` with every string freed of escapes, control signs and direction overrides.

    Tools, repositories and chains wrote these strings. Invalid surrogates become question marks.
    """
    if isinstance(value, str):
        return clean(value).encode("utf-8", errors="replace").decode()
    if isinstance(value, Mapping):
        return {cleaned(str(key)): cleaned(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [cleaned(item) for item in value]
    return value


def dig(value: Any, *path: str) -> Any:
    """Return what lies at `path`, None where the way ends."""
    for key in path:
        if not isinstance(value, Mapping):
            return None
        value = value.get(key)
    return value


def text(value: Any, *path: str) -> str:
    """Return the string at `path`, empty when there is none."""
    found = dig(value, *path)
    return "" if found is None or isinstance(found, Mapping | list) else str(found)


def number(value: Any, *path: str) -> float | None:
    """Return the number at `path`, also one written as a string (amounts of wei), or None."""
    found = dig(value, *path)
    if isinstance(found, bool) or not isinstance(found, int | float | str):
        return None
    try:
        return float(found)
    except ValueError:
        return None


def integer(value: Any, *path: str) -> int:
    """Return the whole number at `path` without losing a digit, 0 when there is none."""
    found = dig(value, *path)
    if isinstance(found, bool) or not isinstance(found, int | float | str):
        return 0
    try:
        return int(found)
    except (ValueError, OverflowError):
        return 0


def rows(value: Any, *path: str) -> list[Mapping[str, Any]]:
    """Return the objects in the list at `path`, none when there is no list."""
    found = dig(value, *path)
    return [item for item in found if isinstance(item, Mapping)] if isinstance(found, list | tuple) else []


def strings(value: Any, *path: str) -> list[str]:
    """Return the list of strings at `path`."""
    found = dig(value, *path)
    return [str(item) for item in found] if isinstance(found, list | tuple) else []


def stage(document: Document, name: str) -> Document:
    """Return a stage by name, an empty object when there is none."""
    return next((s for s in rows(document, "stages") if s.get("name") == name), {})


def outputs(document: Document, name: str) -> Document:
    """Return a stage's outputs, an empty object when it left none."""
    found = dig(stage(document, name), "outputs")
    return found if isinstance(found, Mapping) else {}


def parts(document: Document, name: str) -> list[str]:
    """Return the cells of a stage that fanned out, otherwise the stage alone."""
    names = (text(each, "name") for each in rows(document, "stages"))
    return [one for one in names if one.startswith(f"{name}[")] or [name]


def short_name(name: str) -> str:
    """Return a cell's name with its values only: `unit-tests[paris,0.8.30]`; of any other stage its name."""
    stage, bracket, values = name.partition("[")
    if not bracket:
        return name
    return f"{stage}[{','.join(part.partition('=')[2] or part for part in values.split(','))}"


def metric(document: Document, name: str) -> float | None:
    """Return the first measurement called `name`."""
    for each in rows(document, "stages"):
        for measured in rows(each, "metrics"):
            if measured.get("name") == name:
                return number(measured, "value")
    return None


def place(value: Any) -> str:
    """Return `path:line:column` of a place, as far as it is known."""
    found = text(value, "path")
    for key in ("line", "column"):
        position = integer(value, key)
        if not position:
            break
        found += f":{position}"
    return found


def first_place(value: Any) -> str:
    """Return the first of an object's places."""
    return next((place(p) for p in rows(value, "places")), "")


def findings(document: Document) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield every finding with the name of its stage; what several cells of one found, only once."""
    seen: set[tuple[str, str]] = set()
    for each in rows(document, "stages"):
        name = text(each, "name")
        stage, cell, _ = name.partition("[")
        for finding in rows(each, "findings"):
            key = (stage, text(finding, "fingerprint"))
            if not (cell and key[1] and key in seen):
                yield name, finding
            seen.add(key)
