"""The fixture project and reports of real tools about it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from chainops.analysis.ports import AnalysisRequest
from chainops.core.process import Sink
from chainops.core.tooluse import ToolUse
from chainops.tools.ports import Tool

FIXTURES = Path(__file__).parents[2] / "fixtures"


@pytest.fixture(scope="session")
def fixtures() -> Path:
    return FIXTURES


@pytest.fixture
def bank(tmp_path: Path) -> Path:
    """A copy of the fixture project that a test may change."""
    root = tmp_path / "bank"
    shutil.copytree(FIXTURES / "bank", root)
    return root


class MemoryToolbox:
    """Knows every tool and installs nothing."""

    async def tool(self, name: str, sink: Sink | None = None) -> Tool:
        return Tool(use=ToolUse(name=name, version="1.2.3"), argv=(f"/tools/{name}/bin/{name}",))

    async def solc(self, version: str, sink: Sink | None = None) -> Tool:
        return await self.tool(f"solc-{version}")

    async def solc_home(self, versions: tuple[str, ...], home: Path, sink: Sink | None = None) -> None:
        return None

    def known_solc_versions(self) -> tuple[str, ...]:
        return ("0.8.30",)


@pytest.fixture
def toolbox() -> MemoryToolbox:
    return MemoryToolbox()


@pytest.fixture
def request_for(bank: Path, tmp_path: Path) -> AnalysisRequest:
    """A request about the fixture project's one source."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    return AnalysisRequest(
        project_root=bank,
        sources=("src/Bank.sol",),
        own_files=("test/Bank.t.sol",),
        scratch=scratch,
        marker="m",
        timeout_s=60,
    )
