"""The section `tools:` of the config."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, RootModel

from chainops.core.config_mistakes import mistake
from chainops.tools.lockfile import tool_names, unknown_tool


def _known(name: str) -> str:
    if name not in tool_names():
        raise mistake("unknown tool", hint=unknown_tool(name).hint.replace("'", "`"))
    return name


ToolName = Annotated[str, AfterValidator(_known)]


class ToolsSettings(RootModel[dict[ToolName, Literal["locked", "system"]]]):
    """Which tools are the user's own (`system`, found on PATH) instead of the locked ones."""

    root: dict[ToolName, Literal["locked", "system"]] = {}

    def overrides(self) -> dict[str, str]:
        """Return the choices in the form that the toolbox takes."""
        return dict(self.root)
