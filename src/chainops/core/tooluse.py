"""Which external program took part, exactly: the report names the versions and hashes of all that ran."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class ToolUse:
    """A program that ran. `digest` is the integrity of its package or binary; `origin` where it came from."""

    name: str
    version: str
    #: `sha512:…`, `sha256:…`; empty when only the user's own binary is known
    digest: str = ""
    #: `npm`, `pypi`, `system`
    origin: str = ""
