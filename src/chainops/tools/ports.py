"""What the rooms above ask of the tool provisioning."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from chainops.core.sink import Sink
from chainops.core.tooluse import ToolUse


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """An installed and verified program, ready to be started.

    `argv` is the beginning of the command line (an interpreter and a script, or one binary); `env` must be
    added to the child's environment, with `path` entries put in front of PATH.
    """

    use: ToolUse
    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    path: tuple[Path, ...] = ()
    #: programs that take part when it runs (its interpreter), and those that fetched it in this run
    stands_on: tuple[ToolUse, ...] = ()

    @property
    def uses(self) -> tuple[ToolUse, ...]:
        """Every program that takes part, the tool itself first."""
        return (self.use, *self.stands_on)


class Toolbox(Protocol):
    """Provides tools by name, installing them when they are missing."""

    async def tool(self, name: str, sink: Sink | None = None) -> Tool:
        """Return `forge`, `anvil`, `cast`, `node`, `npm`, `slither`, `solhint` … at its locked version.

        Raises `ToolError` (a MachineError) when it is unknown, cannot be installed or fails verification.
        """

    async def solc(self, version: str, sink: Sink | None = None) -> Tool:
        """Return a solc of exactly `version` (such as `0.8.30`) that answers as the native program does."""

    async def solc_home(self, versions: tuple[str, ...], home: Path, sink: Sink | None = None) -> None:
        """Make `home` a HOME in which forge finds each of `versions` (`.svm/X.Y.Z/solc-X.Y.Z`)."""

    def known_solc_versions(self) -> tuple[str, ...]:
        """Return every solc release that can be provided, oldest first."""
