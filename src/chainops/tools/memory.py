"""A toolbox without downloads, for the tests of the rooms that use tools."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from chainops.core.sink import Sink
from chainops.core.tooluse import ToolUse
from chainops.tools.launcher import place_solc
from chainops.tools.lockfile import solc_table, tool_names, unknown_solc, unknown_tool
from chainops.tools.ports import Tool


class MemoryToolbox:
    """Hands out tools whose command is their name; nothing is installed or started.

    `missing` names the tools (`slither`, `solc@0.8.30`) that are to be refused as an installation that fails.
    """

    def __init__(self, *, missing: Iterable[str] = (), versions: dict[str, str] | None = None) -> None:
        self._missing = frozenset(missing)
        self._versions = versions or {}
        #: what was asked for, in order
        self.asked: list[str] = []

    async def tool(self, name: str, sink: Sink | None = None) -> Tool:  # noqa: ARG002 - the port's signature
        """Return a tool that is started by its bare name. Raises `UnknownToolError`, `InstallError`."""
        if name not in (*tool_names(), "npm"):
            raise unknown_tool(name)
        return self._give(name, self._versions.get(name, "1.0.0"), (name,), name)

    async def solc(self, version: str, sink: Sink | None = None) -> Tool:  # noqa: ARG002 - as above
        """Return a compiler that is started as `solc-<version>`."""
        if version not in solc_table():
            raise unknown_solc(version)
        return self._give("solc", version, (f"solc-{version}",), f"solc@{version}")

    async def solc_home(self, versions: tuple[str, ...], home: Path, sink: Sink | None = None) -> None:
        """Put links that lead to no program where forge would look."""
        for version in versions:
            tool = await self.solc(version, sink)
            place_solc(home, version, Path("/nonexistent") / tool.argv[0])

    def known_solc_versions(self) -> tuple[str, ...]:
        """Return the releases of the real table, oldest first."""
        return tuple(solc_table())

    def _give(self, name: str, version: str, argv: tuple[str, ...], key: str) -> Tool:
        from chainops.tools.errors import InstallError

        self.asked.append(key)
        if key in self._missing:
            raise InstallError(f"npm pack {name} failed (exit code 1): the registry cannot be reached")
        return Tool(use=ToolUse(name=name, version=version, origin="memory"), argv=argv)
