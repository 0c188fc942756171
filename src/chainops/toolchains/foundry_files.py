"""Decides which files of the machine a project's tests may reach: `fs_permissions` of foundry.toml, narrowed.

forge takes them from foundry.toml alone: no variable and no flag changes them (measured with 1.7.1).
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict

#: of the project's own tree, what is not the tests' business: the journal and builds, and the history
_KEPT_FROM_TESTS = (".chainops", ".git")
_BLOCK = re.compile(r"^\[\[profile\.[^\n]*fs_permissions\]\]\n(?:(?!\[)[^\n]*\n?)*", re.MULTILINE)


class FilePermission(BaseModel):
    """One entry of `fs_permissions` as forge resolves it; `access` is `read`, `write`, true or false."""

    model_config = ConfigDict(extra="ignore", defer_build=True, frozen=True)

    access: bool | str = False
    path: str = ""

    @property
    def words(self) -> str:
        """The access as one writes it in foundry.toml."""
        return self.access if isinstance(self.access, str) else "read-write" if self.access else "none"

    @property
    def allows(self) -> bool:
        """Whether it permits anything."""
        return self.access not in (False, "none")


def narrow(
    permissions: Sequence[FilePermission], root: Path
) -> tuple[tuple[FilePermission, ...], tuple[FilePermission, ...]]:
    """Return the permissions that stay, and those that are dropped for leading outside the project.

    Links are followed. Where one that stays encloses `.chainops` or `.git`, these are excepted: forge takes
    the entry whose path is the longest.
    """
    inside = root.resolve()
    closed = tuple(inside / name for name in _KEPT_FROM_TESTS)
    kept: list[FilePermission] = []
    dropped: list[FilePermission] = []
    for permission in permissions:
        target = (inside / permission.path).resolve()
        below = target.is_relative_to(inside) and not any(target.is_relative_to(c) for c in closed)
        (kept if below or not permission.allows else dropped).append(permission)
    enclosing = any(p.allows and inside.is_relative_to((inside / p.path).resolve()) for p in kept)
    excepted = [FilePermission(access=False, path=str(c)) for c in closed] if enclosing else []
    return (*kept, *excepted), tuple(dropped)


def write_permissions(resolved: str, permissions: Sequence[FilePermission], profile: str) -> str:
    """Return what `forge config` printed, with these permissions instead of its own."""
    own = "".join(
        f"\n[[profile.{json.dumps(profile)}.fs_permissions]]\n"
        f"access = {json.dumps(permission.access)}\npath = {json.dumps(permission.path)}\n"
        for permission in permissions
    )
    return _BLOCK.sub("", resolved) + own
