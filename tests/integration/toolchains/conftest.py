"""The real forge on copies of the test projects."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from chainops.core.process import LocalProcessRunner
from chainops.toolchains.adapters.foundry import FoundryToolchain
from chainops.toolchains.ports import ToolchainRequest
from chainops.toolchains.settings import FoundrySettings
from chainops.tools.cache import default_cache_dir
from chainops.tools.ports import Toolbox
from chainops.tools.toolbox import ProvisionedToolbox

PROJECTS = Path(__file__).parents[2] / "projects"
_MADE = shutil.ignore_patterns("out", "cache", "broadcast", "NOTES.md", "DELETE")


def copy_project(name: str, to: Path) -> Path:
    """Copy a test project; a variant is laid over the base it varies."""
    if not name.startswith("variants/"):
        shutil.copytree(PROJECTS / name, to, ignore=_MADE)
        return to
    shutil.copytree(PROJECTS / "counter", to, ignore=_MADE)
    variant = PROJECTS / name
    shutil.copytree(variant, to, ignore=_MADE, dirs_exist_ok=True)
    if (variant / "DELETE").exists():
        for gone in (variant / "DELETE").read_text().split():
            (to / gone).unlink()
    return to


@dataclass(kw_only=True)
class Bench:
    """A toolchain and a request for one project."""

    toolchain: FoundryToolchain
    request: ToolchainRequest
    log: bytearray = field(default_factory=bytearray)

    def sink(self, data: bytes) -> None:
        self.log += data

    @property
    def root(self) -> Path:
        return self.request.project_root

    def write(self, name: str, text: str) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


@pytest.fixture(scope="session")
def toolbox() -> ProvisionedToolbox:
    return ProvisionedToolbox(cache_dir=default_cache_dir(), runner=LocalProcessRunner())


@pytest.fixture
def bench(tmp_path: Path, toolbox: Toolbox) -> Callable[..., Bench]:
    """Return a bench for a project, in a folder whose name is awkward."""

    def make(
        project: str = "counter",
        *,
        tools: Toolbox | None = None,
        env: dict[str, str] | None = None,
        **settings: object,
    ) -> Bench:
        root = copy_project(project, tmp_path / "mein Projekt ü")
        return Bench(
            toolchain=FoundryToolchain(
                toolbox=tools or toolbox,
                runner=LocalProcessRunner(),
                settings=FoundrySettings.model_validate(settings),
            ),
            request=ToolchainRequest(
                project_root=root,
                build_dir=tmp_path / "state" / "build",
                scratch=tmp_path / "state" / "scratch",
                timeout_s=300,
                env=env or {},
            ),
        )

    return make
