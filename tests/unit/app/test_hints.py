"""What a hint tells the user to write into the config is something that the config takes."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import chainops
from chainops.app.config import load_config

SOURCES = Path(chainops.__file__).parent
_SETTING = re.compile(r"`([a-z_]+: \{[^`]*\})`")
#: what stands for the names that a text is given when it is made
_SAMPLES = {"name": "forge", "%s": "gas"}


def texts(tree: ast.AST) -> Iterator[str]:
    """Every text of a module as a user would see it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield "".join(map(_part, node.values))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            # doubled braces stand in what is formatted later
            yield node.value.replace("%s", _SAMPLES["%s"]).replace("{{", "{").replace("}}", "}")


def _part(value: ast.expr) -> str:
    if isinstance(value, ast.Constant):
        return str(value.value)
    return _SAMPLES.get(ast.unparse(value).strip("{}"), "x")


def settings() -> dict[str, str]:
    """Each setting that some text names, with the file that does."""
    found: dict[str, str] = {}
    for path in sorted(SOURCES.rglob("*.py")):
        for text in texts(ast.parse(path.read_text())):
            found.update(dict.fromkeys(_SETTING.findall(text), path.name))
    return found


NAMED = settings()


def test_hints_name_settings() -> None:
    assert "foundry: {allow_ffi: true}" in NAMED
    assert "tools: {forge: system}" in NAMED


@pytest.mark.parametrize("setting", NAMED)
def test_every_setting_that_a_text_names_loads(setting: str, tmp_path: Path) -> None:
    (tmp_path / "chainops.yaml").write_text(setting + "\n")
    loaded = load_config(tmp_path)
    assert loaded.config.model_fields_set, f"{NAMED[setting]} advises {setting}"
