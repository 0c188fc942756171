"""The documentation says what the program says."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from acceptance.harness import ROOT

pytestmark = pytest.mark.acceptance


def test_the_command_reference_is_what_the_commands_say() -> None:
    made = subprocess.run(
        [sys.executable, "scripts/cli_reference.py"], cwd=ROOT, check=True, capture_output=True, text=True
    )
    assert (ROOT / "docs" / "reference" / "cli.md").read_text() == made.stdout


@pytest.mark.parametrize(
    "page", [*sorted(ROOT.glob("docs/**/*.md")), ROOT / "README.md"], ids=lambda p: p.name
)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?://|#)([^)#]+)", page.read_text()):
        assert (page.parent / target).exists(), target


def test_the_architecture_names_every_room() -> None:
    rooms = {p.name for p in (ROOT / "src" / "chainops").iterdir() if (p / "__init__.py").exists()}
    text = (ROOT / "docs" / "architecture.md").read_text()
    assert {room for room in rooms if f"  {room}/" not in text} == set()
