"""The section `tools:` of the config."""

from __future__ import annotations

from typing import Literal

from pydantic import RootModel, field_validator

from chainops.tools.lockfile import tool_names, unknown_tool


class ToolsSettings(RootModel[dict[str, Literal["locked", "system"]]]):
    """Which tools are the user's own (`system`, found on PATH) instead of the locked ones."""

    root: dict[str, Literal["locked", "system"]] = {}

    @field_validator("root")
    @classmethod
    def _known(cls, value: dict[str, str]) -> dict[str, str]:
        for name in value:
            if name not in tool_names():
                error = unknown_tool(name)
                raise ValueError(f"{error.message}; {error.hint}")
        return value

    def overrides(self) -> dict[str, str]:
        """Return the choices in the form that the toolbox takes."""
        return dict(self.root)
