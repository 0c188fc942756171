"""Says which program a tool's name stands for on this machine without starting or installing it.

What is installed from the lock is what the lock says: the toolbox refuses a tool that differs from its
receipt when it starts it. So its digest stands for the tool, and no binary of 100 MB has to be read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from chainops.core.hashing import digest_json
from chainops.tools.lockfile import locked_tool, solc_table
from chainops.tools.system import npm_script, on_path

_SCRIPT = b"#!"


class ToolIdentities:
    """One text for each tool; two programs that may behave differently have different ones."""

    def __init__(self, *, overrides: Mapping[str, str], digest: Callable[[Path], str]) -> None:
        """`overrides` as the toolbox takes them; `digest` gives that of a file."""
        self._overrides = dict(overrides)
        self._digest = digest

    def of(self, name: str) -> str:
        """Return a tool's identity; empty when it cannot be told, as for a script that starts others.

        `solc` stands for every compiler that there is: sources and settings decide which ones are asked for,
        and a compiler of the machine counts only when it is byte for byte the published one.
        """
        if name == "solc":
            return f"{digest_json({v: dict(e) for v, e in solc_table().items()})} on {self.of('node')}"
        if name == "node":
            return self._node()
        if self._overrides.get(name) == "system":
            return self._own(name)
        return locked_tool(name).digest

    def _node(self) -> str:
        found = on_path("node") if self._overrides.get("node") != "locked" else None
        if found and npm_script(found):
            return self._digest(found)
        return locked_tool("node").digest

    def _own(self, name: str) -> str:
        found = on_path(name)
        if found is None:
            return ""
        with found.open("rb") as file:
            if file.read(len(_SCRIPT)) == _SCRIPT:
                return ""
        return self._digest(found)
