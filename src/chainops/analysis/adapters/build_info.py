"""Chooses the compiler outputs that describe the sources as they are now, among all that a build left."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from json import JSONDecoder
from pathlib import Path

from chainops.analysis.errors import AnalyzerError
from chainops.core.text import decode, plural

_FIRST_READ_BYTES = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildInfo:
    """What a build-info file says of its input."""

    path: Path
    #: sources that were compiled, with the text they had then
    sources: Mapping[str, str]


def choose_builds(
    infos: Iterable[BuildInfo], wanted: Iterable[str], present: Callable[[str], str | None]
) -> tuple[BuildInfo, ...]:
    """Return the fewest newest builds that hold every wanted source with the text it has now.

    `infos` come newest first: an incremental build compiles what changed and what needs it, so that an older
    output still describes the rest. One that holds an older text of any file describes the project no more.
    `present` gives a path's text, None when the file is gone.
    Raises `AnalyzerError` naming a source that no build describes.
    """
    missing = set(wanted)
    chosen = []
    for info in infos:
        described = missing.intersection(info.sources)
        if described and all(present(path) == text for path, text in info.sources.items()):
            chosen.append(info)
            missing -= described
    if missing:
        first = min(missing)
        rest = f" and {plural(len(missing) - 1, 'more source')}" if len(missing) > 1 else ""
        raise AnalyzerError(
            f"the run's build does not describe {first}{rest} as it is now",
            hint="run the compilation stage again; it writes the build-info that analyzers read",
        )
    return tuple(chosen)


def read_build_infos(folder: Path) -> tuple[BuildInfo, ...]:
    """Return what lies in a build-info folder, newest first; raises `AnalyzerError` for an unreadable one."""
    try:
        files = sorted(folder.glob("*.json"), key=lambda f: (-f.stat().st_mtime_ns, f.name))
        return tuple(BuildInfo(path=file, sources=_read_sources(file)) for file in files)
    except (OSError, ValueError, RecursionError) as error:
        raise AnalyzerError(
            f"cannot read the build-info in {folder}: {error}", hint="run the compilation stage again"
        ) from error


def _read_sources(file: Path) -> dict[str, str]:
    """Read the input's sources from a file's beginning: what follows, the output, may be 100 MB long."""
    size = file.stat().st_size
    length = _FIRST_READ_BYTES
    with file.open("rb") as stream:
        while True:
            stream.seek(0)
            head = decode(stream.read(length))
            found = _sources_in(head)
            if found is not None:
                return found
            if length >= size:
                break
            length *= 4
    whole = json.loads(file.read_bytes())
    given = whole.get("input") if isinstance(whole, dict) else None
    return _texts(given.get("sources")) if isinstance(given, dict) else {}


def _sources_in(head: str) -> dict[str, str] | None:
    """Return the sources when `head` holds all of them in the order in which forge writes."""
    start = head.find('"input":{')
    start = head.find('"sources":', start) if start >= 0 else -1
    compiled = head.find('"source_id_to_path":')
    if start < 0 or compiled < 0 or compiled > start:
        return None
    try:
        given, _ = JSONDecoder().raw_decode(head, start + len('"sources":'))
        by_id, _ = JSONDecoder().raw_decode(head, compiled + len('"source_id_to_path":'))
    except ValueError:
        return None
    if not isinstance(by_id, dict):
        return None
    compiled_paths = {path for path in by_id.values() if isinstance(path, str)}
    return {path: text for path, text in _texts(given).items() if path in compiled_paths}


def _texts(given: object) -> dict[str, str]:
    if not isinstance(given, dict):
        return {}
    return {
        path: entry["content"]
        for path, entry in given.items()
        if isinstance(entry, dict) and isinstance(entry.get("content"), str)
    }
