"""The section `tools:` names known tools only."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from chainops.tools.settings import ToolsSettings


def test_own_tools_are_chosen_by_name():
    assert ToolsSettings.model_validate({"forge": "system"}).overrides() == {"forge": "system"}
    assert ToolsSettings().overrides() == {}


def test_unknown_tool_gets_the_nearest_name():
    with pytest.raises(ValidationError, match="unknown tool") as caught:
        ToolsSettings.model_validate({"slitherr": "system"})
    assert caught.value.errors()[0]["ctx"]["hint"] == "did you mean `slither`?"


def test_other_choices_are_refused():
    with pytest.raises(ValidationError):
        ToolsSettings.model_validate({"forge": "latest"})
