"""Chooses the compiler outputs that describe the sources as they are now, among all that a build left."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from json import JSONDecoder
from pathlib import Path

from chainops.analysis.errors import AnalyzerError
from chainops.core.text import decode

_FIRST_READ_BYTES = 1 << 20
_VERSION = re.compile(r'"input":\{"version":"([^"]*)"')


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildInfo:
    """What a build-info file says of its input."""

    path: Path
    #: sources that were compiled, with the text they had then
    sources: Mapping[str, str]
    #: the compiler's; several compilers leave several files
    version: str = ""


def choose_builds(
    infos: Iterable[BuildInfo],
    wanted: Collection[str],
    present: Callable[[str], str | None],
    *,
    unread: Collection[str] = (),
    whole: bool = False,
) -> tuple[Path, ...]:
    """Return the fewest builds that describe every wanted source as it is now; nothing when they cannot.

    `infos` come newest first. An incremental build holds what changed and what that imports, so an older one
    still describes the rest, as long as every text in it is present (`present`: a path's text, None when the
    file is gone). Files that the wanted ones do not import (`unread`: tests) may have changed. Two builds by
    one compiler must not both hold a wanted source: each would show it without what uses it in the other, and
    an analyzer would find unused what is used. `whole` says that the builds are parts of one compilation.
    """
    needed = frozenset(wanted)
    fresh: list[tuple[frozenset[str], BuildInfo]] = []
    for info in infos:
        described = needed.intersection(info.sources)
        if described and all(present(p) == text for p, text in info.sources.items() if p not in unread):
            fresh.append((described, BuildInfo(path=info.path, sources={}, version=info.version)))
            if described == needed:
                break
    chosen: dict[Path, tuple[str, frozenset[str]]] = {}
    for described, info in sorted(fresh, key=lambda pair: -len(pair[0])):
        missing = needed.difference(*(held for _, held in chosen.values()))
        if not described & missing:
            continue
        same = [held for version, held in chosen.values() if version == info.version]
        if not whole and any(held & described for held in same):
            return ()
        chosen[info.path] = (info.version, described)
    return () if needed.difference(*(held for _, held in chosen.values())) else tuple(chosen)


def read_build_infos(folder: Path) -> Iterator[BuildInfo]:
    """Yield what lies in a build-info folder, newest first; raises `AnalyzerError` for an unreadable one."""
    try:
        for file in sorted(folder.glob("*.json"), key=lambda f: (-f.stat().st_mtime_ns, f.name)):
            version, sources = _read_input(file)
            yield BuildInfo(path=file, sources=sources, version=version)
    except (OSError, ValueError, RecursionError) as error:
        raise AnalyzerError(
            f"cannot read the build-info in {folder}: {error}", hint="run the compilation stage again"
        ) from error


def read_text(root: Path, path: str) -> str | None:
    """Return a source's text as a compiler is given it; None when there is no such file."""
    try:
        # as bytes: universal newlines would change it
        return decode((root / path).read_bytes())
    except OSError:
        return None


def _read_input(file: Path) -> tuple[str, dict[str, str]]:
    """Read version and sources from a file's beginning: what follows, the output, may be 100 MB long."""
    size = file.stat().st_size
    length = _FIRST_READ_BYTES
    with file.open("rb") as stream:
        while True:
            stream.seek(0)
            head = decode(stream.read(length))
            found = _input_in(head)
            if found is not None:
                return found
            if length >= size:
                break
            length *= 4
    whole = json.loads(file.read_bytes())
    given = whole.get("input") if isinstance(whole, dict) else None
    if not isinstance(given, dict):
        return "", {}
    return str(given.get("version", "")), _texts(given.get("sources"))


def _input_in(head: str) -> tuple[str, dict[str, str]] | None:
    """Return version and sources when `head` holds all of them in the order in which forge writes."""
    begin = head.find('"input":{')
    start = head.find('"sources":', begin) if begin >= 0 else -1
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
    version = _VERSION.match(head, begin)
    texts = {path: text for path, text in _texts(given).items() if path in compiled_paths}
    return (version[1] if version else ""), texts


def _texts(given: object) -> dict[str, str]:
    if not isinstance(given, dict):
        return {}
    return {
        path: entry["content"]
        for path, entry in given.items()
        if isinstance(entry, dict) and isinstance(entry.get("content"), str)
    }
