"""Refuses comments of sources that let tests reach files elsewhere (`forge-config: default.fs_permissions`).

forge lays such comments over its configuration for one contract or one test, whatever foundry.toml says. All
of one comment's lines together are TOML, with `-` in keys read as `_` (foundry-config, `InlineConfig`).
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path

from pydantic import ValidationError

from chainops.core.errors import Place
from chainops.core.recursion import recursion_bounded
from chainops.core.text import decode, one_line
from chainops.toolchains.errors import ToolchainConfigError
from chainops.toolchains.foundry_files import FilePermission, narrow

_PREFIX = "forge-config:"
_PLAIN = re.compile(r"\s*([\w-]+(?:[ \t]*\.[ \t]*[\w-]+)+)[ \t]*=(.*)")
_NOT_SOURCES = frozenset({".git", ".chainops"})


def refuse_inline_permissions(root: Path, others: Iterable[Path] = ()) -> None:
    """Raise `ToolchainConfigError` when a comment below the folders asks for files that are not allowed.

    What is written in another way than `profile.key = value` is refused too: it could say the same.
    """
    for path in _sources((root, *others)):
        data = path.read_bytes()
        if _PREFIX.encode() not in data:
            continue
        for number, line in enumerate(re.split(r"\r\n|\r|\n", decode(data)), 1):
            if bad := next((said for said in line.split(_PREFIX)[1:] if not _is_harmless(said, root)), ""):
                name = path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)
                raise ToolchainConfigError(
                    f"a comment lets tests reach files outside the project: {_PREFIX}{one_line(bad, 120)}",
                    place=Place(name, number),
                    hint="remove it, or set `foundry: {allow_fs: true}` if you trust the project's tests",
                )


def _is_harmless(said: str, root: Path) -> bool:
    plain = _PLAIN.match(said)
    if plain is None:
        return "=" not in said and "[" not in said
    keys = [key.strip().replace("-", "_") for key in plain[1].split(".")]
    if "fs_permissions" not in keys:
        return True
    try:
        with recursion_bounded():
            held = tomllib.loads(f"value = {plain[2].strip().removesuffix('*/')}")["value"]
        asked = tuple(FilePermission.model_validate(entry) for entry in held)
    except (tomllib.TOMLDecodeError, ValidationError, TypeError, RecursionError):
        return False
    return narrow(asked, root) == (asked, ())


def _sources(folders: Iterable[Path]) -> Iterator[Path]:
    seen: set[tuple[int, int]] = set()
    for top in folders:
        for where, below, names in os.walk(top, followlinks=True):
            status = Path(where).stat()
            if (status.st_dev, status.st_ino) in seen:
                below.clear()
                continue
            seen.add((status.st_dev, status.st_ino))
            below[:] = [name for name in below if name not in _NOT_SOURCES]
            paths = (Path(where, name) for name in names if name.endswith(".sol"))
            yield from (path for path in paths if path.is_file())
