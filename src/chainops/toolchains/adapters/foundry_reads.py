"""Tells which files a build read: forge's index lists every source that it gave to a compiler."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from chainops.core.recursion import recursion_bounded
from chainops.toolchains.adapters.foundry_build import CACHE_FILE
from chainops.toolchains.errors import ToolchainOutputError
from chainops.toolchains.model import CompiledSource


def compiled_sources(build_dir: Path) -> tuple[CompiledSource, ...]:
    """Return what the build in a folder (with `out` and `cache`) was made of, by path.

    Raises `ToolchainOutputError` when there is no index or it cannot be read.
    """
    path = build_dir / "cache" / CACHE_FILE
    try:
        with recursion_bounded():
            files = json.loads(path.read_bytes())["files"]
        found = [
            CompiledSource(
                path=str(source),
                imports=tuple(map(str, file["imports"])),
                compiled_with=tuple(sorted(set(_compilers(file["artifacts"])))),
            )
            for source, file in files.items()
        ]
    except (OSError, ValueError, RecursionError, KeyError, TypeError, AttributeError) as error:
        raise ToolchainOutputError(
            f"forge's index of its build {path.name} cannot be read: {type(error).__name__}",
            hint="delete .chainops/build and run it again",
        ) from error
    return tuple(sorted(found, key=lambda one: one.path))


def _compilers(artifacts: Mapping[str, Any]) -> Iterator[str]:
    for versions in artifacts.values():
        for version, profiles in versions.items():
            yield from (f"{version} {profile}" for profile in profiles)
