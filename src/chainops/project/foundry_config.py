"""Reads foundry.toml as forge does, as far as the pipeline needs to know it."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from chainops.core.config_mistakes import nearest
from chainops.core.errors import InputError, Place
from chainops.core.recursion import recursion_bounded
from chainops.project.errors import BadProjectError
from chainops.project.model import Project, Remapping
from chainops.project.remappings import first_of_each, parse_remapping, parse_remappings_txt

CONFIG_NAME = "foundry.toml"
_AT = re.compile(r"\(at line (\d+), column (\d+)\)")


def read_foundry(root: Path, *, path: str = ".", profile: str = "") -> Project:
    """Return the project at `root`.

    Raises `BadProjectError` with the line, `InputError` for a profile that is not declared.
    """
    file = root / CONFIG_NAME
    text = _read(file)
    chosen = profile or "default"
    profiles = _profiles(_parse(file, chosen), file)
    if chosen not in profiles:
        close = nearest(chosen, profiles)
        raise InputError(
            f"{CONFIG_NAME} has no profile `{chosen}`",
            place=Place(str(file)),
            hint=f"did you mean `{close}`?" if close else "known: " + ", ".join(profiles),
            code="PRJ104",
        )
    values = _Values({**profiles["default"], **profiles[chosen]}, file, text)
    return Project(
        toolchain="foundry",
        root=root,
        path=path,
        profile=chosen,
        profiles=tuple(profiles),
        src=values.folder("src", _existing(root, "src", "contracts")),
        test=values.folder("test", "test"),
        script=values.folder("script", "script"),
        out=values.folder("out", "out"),
        cache=values.folder("cache_path", "cache"),
        libs=values.folders("libs", (_existing(root, "lib", "node_modules"),)),
        solc=values.text("solc") or values.text("solc_version"),
        evm_version=values.text("evm_version"),
        via_ir=values.flag("via_ir", default=False),
        optimizer=values.flag("optimizer", default=False),
        optimizer_runs=values.number("optimizer_runs", 200),
        ffi=values.flag("ffi", default=False),
        remappings=_remappings(root, values),
        auto_detect_remappings=values.flag("auto_detect_remappings", default=True),
    )


def profile_values(root: Path, profile: str = "") -> Mapping[str, Any]:
    """Return what foundry.toml sets for a profile, inheritance resolved; raises `BadProjectError`."""
    file = root / CONFIG_NAME
    profiles = _profiles(_parse(file, profile or "default"), file)
    return {**profiles["default"], **profiles.get(profile or "default", {})}


def _read(file: Path) -> str:
    try:
        return file.read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        line = file.read_bytes()[: error.start].count(b"\n") + 1
        raise BadProjectError(f"{file.name} is not UTF-8", place=Place(str(file), line)) from error
    except OSError as error:
        raise BadProjectError(f"cannot read {file.name}: {error.strerror}", place=Place(str(file))) from error


def _parse(file: Path, profile: str) -> Mapping[str, Any]:
    """Return a file laid over the one that `profile` extends: forge looks at no other profile's `extends`."""
    data = _load(file)
    profiles = data.get("profile")
    own = profiles.get(profile) if isinstance(profiles, dict) else None
    extends = own.get("extends") if isinstance(own, dict) else None
    strategy = extends.get("strategy") if isinstance(extends, dict) else None
    target = extends.get("path") if isinstance(extends, dict) else extends
    if isinstance(target, str) and (below := file.parent / target).is_file() and below != file:
        return _merged(_load(below), data, join_lists=strategy != "replace-arrays")
    return data


def _load(file: Path) -> dict[str, Any]:
    try:
        with recursion_bounded():
            return tomllib.loads(_read(file))
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        at = _AT.search(str(error))
        place = Place(str(file), int(at[1]), int(at[2])) if at else Place(str(file))
        is_deep = isinstance(error, RecursionError)
        what = "nested too deep" if is_deep else str(error).partition(" (at ")[0]
        raise BadProjectError(f"not valid TOML: {what}", place=place) from error


def _merged(below: Mapping[str, Any], above: Mapping[str, Any], *, join_lists: bool) -> dict[str, Any]:
    """Lay `above` over `below`, table by table (Foundry's `extends`); lists are joined by default."""
    merged = dict(below)
    for key, value in above.items():
        old = merged.get(key)
        if isinstance(old, dict) and isinstance(value, dict):
            merged[key] = _merged(old, value, join_lists=join_lists)
        elif join_lists and isinstance(old, list) and isinstance(value, list):
            merged[key] = [*old, *value]
        else:
            merged[key] = value
    return merged


def _profiles(data: Mapping[str, Any], file: Path) -> dict[str, Mapping[str, Any]]:
    declared = data.get("profile", {})
    if not isinstance(declared, dict):
        raise BadProjectError("`profile` should be a table: [profile.default]", place=Place(str(file)))
    # before 0.2 profiles stood at the top: [default]
    old = data.get("default")
    found: dict[str, Mapping[str, Any]] = {"default": old if isinstance(old, dict) else {}}
    for name, values in declared.items():
        if not isinstance(values, dict):
            raise BadProjectError(f"`profile.{name}` should be a table", place=Place(str(file)))
        found[name] = values
    return found


def _existing(root: Path, usual: str, other: str) -> str:
    """Return the usual folder unless only the other exists, as forge does."""
    return other if not (root / usual).is_dir() and (root / other).is_dir() else usual


def _remappings(root: Path, values: _Values) -> tuple[Remapping, ...]:
    found: list[Remapping] = []
    file = root / "remappings.txt"
    if file.is_file():
        found += parse_remappings_txt(_read(file), "remappings.txt")
    for text in values.texts("remappings"):
        remapping = parse_remapping(text, CONFIG_NAME)
        if remapping is None:
            raise values.wrong("remappings", f"`{text}` is not of the form prefix=target")
        found.append(remapping)
    return first_of_each(found)


class _Values:
    """A profile's values with their types checked."""

    def __init__(self, values: Mapping[str, Any], file: Path, source: str) -> None:
        self._values = values
        self._file = file
        self._source = source

    def wrong(self, key: str, why: str) -> BadProjectError:
        match = re.search(rf"^\s*{re.escape(key)}\s*=", self._source, re.MULTILINE)
        line = self._source.count("\n", 0, match.end()) + 1 if match else 0
        return BadProjectError(f"`{key}`: {why}", place=Place(str(self._file), line))

    def text(self, key: str, default: str = "") -> str:
        value = self._values.get(key, default)
        if not isinstance(value, str):
            raise self.wrong(key, "should be text")
        return value

    def texts(self, key: str, default: tuple[str, ...] = ()) -> tuple[str, ...]:
        value = self._values.get(key, default)
        if not isinstance(value, list | tuple) or not all(isinstance(v, str) for v in value):
            raise self.wrong(key, "should be a list of texts")
        return tuple(value)

    def folder(self, key: str, default: str) -> str:
        return _tidy(self.text(key, default))

    def folders(self, key: str, default: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(_tidy(folder) for folder in self.texts(key, default))

    def flag(self, key: str, *, default: bool) -> bool:
        value = self._values.get(key, default)
        if not isinstance(value, bool):
            raise self.wrong(key, "should be true or false")
        return value

    def number(self, key: str, default: int) -> int:
        value = self._values.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int):
            raise self.wrong(key, "should be a whole number")
        return value


def _tidy(folder: str) -> str:
    parts = [part for part in folder.replace("\\", "/").split("/") if part not in ("", ".")]
    return ("/" if folder.startswith("/") else "") + "/".join(parts) or "."
