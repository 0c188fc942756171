"""What `pip install .` gives is whole: every file that the package reads is in the wheel."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from acceptance.harness import CHAINOPS, ROOT, chainops
from chainops.cli.main import COMMANDS
from chainops.core.version import __version__

pytestmark = pytest.mark.acceptance


def test_the_wheel_holds_code_and_data_and_the_command(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    with zipfile.ZipFile(next(tmp_path.glob("*.whl"))) as wheel:
        names = set(wheel.namelist())
        entry = wheel.read(next(n for n in names if n.endswith("entry_points.txt"))).decode()
    source = ROOT / "src"
    needed = {
        path.relative_to(source).as_posix()
        for path in (source / "chainops").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert needed <= names
    assert "chainops = chainops.cli.entry:run" in entry


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command: str) -> None:
    ran = chainops(command, "--help")
    assert ran.code == 0
    assert "Usage: chainops " + command in ran.out


def test_the_version_is_the_packages() -> None:
    assert chainops("--version").out == f"chainops {__version__}\n"
    assert f'version = "{__version__}"' in (ROOT / "pyproject.toml").read_text()
    assert Path(CHAINOPS).is_file()
