"""A compiled project, real tools, and stages wired as the application wires them."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from chainops.artifacts.model import Artifact
from chainops.chains.embedded import LocalChainAccess
from chainops.chains.journals import FileJournals
from chainops.core.config_text import Document, parse_document
from chainops.core.hashing import digest_bytes
from chainops.core.process import LocalProcessRunner
from chainops.core.references import Resolver
from chainops.core.serial import to_json
from chainops.core.service import LocalServiceStarter
from chainops.deploy.adapters.forge_script import ForgeScriptRunner
from chainops.pipeline.model import Outcome, StageContext, StageStatus
from chainops.stages.deploying import DeployPorts
from chainops.toolchains.adapters.foundry import FoundryToolchain
from chainops.toolchains.model import BuildResult
from chainops.toolchains.ports import ToolchainRequest
from chainops.tools.cache import default_cache_dir
from chainops.tools.toolbox import ProvisionedToolbox

PROJECTS = Path(__file__).parents[2] / "projects"


class KeptArtifacts:
    """Remembers what a stage put."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}

    def put_bytes(self, name: str, data: bytes, *, kind: str, media_type: str = "") -> Artifact:
        self.files[name] = data
        return Artifact(
            name=name, kind=kind, digest=digest_bytes(data), size_bytes=len(data), media_type=media_type
        )

    def put_file(self, name: str, path: Path, *, kind: str, media_type: str = "") -> Artifact:
        return self.put_bytes(name, path.read_bytes(), kind=kind, media_type=media_type)


@dataclass(kw_only=True)
class Bench:
    """A workspace with a compiled project."""

    root: Path
    build: BuildResult
    toolbox: ProvisionedToolbox
    upstream: dict[str, Outcome]
    run_id: str = "run-1"
    env: Mapping[str, str] = field(default_factory=dict)
    artifacts: KeptArtifacts = field(default_factory=KeptArtifacts)
    log: bytearray = field(default_factory=bytearray)
    attempts: int = 0

    def ports(self) -> DeployPorts:
        return DeployPorts(
            chains=self.chains(),
            journals=FileJournals(self.root / ".chainops" / "runs"),
            secrets=self.secrets(),
            scripts=ForgeScriptRunner(toolbox=self.toolbox, runner=LocalProcessRunner()),
            base=self.root,
            locks=self.root / "locks",
        )

    def secrets(self) -> Resolver:
        return Resolver(env=self.env, base=self.root)

    def chains(self) -> LocalChainAccess:
        return LocalChainAccess(toolbox=self.toolbox, services=LocalServiceStarter(), secrets=self.secrets())

    def toolchain(self) -> FoundryToolchain:
        return FoundryToolchain(toolbox=self.toolbox, runner=LocalProcessRunner())

    def context(self, stage: str) -> StageContext:
        self.attempts += 1
        scratch = self.root / ".chainops" / "scratch" / f"{stage}-{self.attempts}"
        scratch.mkdir(parents=True)
        return StageContext(
            run_id=self.run_id,
            stage=stage,
            attempt=self.attempts,
            workspace=self.root,
            scratch=scratch,
            marker=f"{self.run_id}/{stage}/{self.attempts}/",
            timeout_s=120,
            log=self.log.extend,
            upstream=self.upstream,
            artifacts=self.artifacts,
        )

    def document(self, text: str) -> Document:
        return parse_document(text, "chainops.yaml", base=self.root)


@pytest.fixture
def toolbox() -> ProvisionedToolbox:
    return ProvisionedToolbox(cache_dir=default_cache_dir(), runner=LocalProcessRunner())


async def _bench(
    root: Path,
    project: Path,
    toolbox: ProvisionedToolbox,
    *layers: Path,
    files: Mapping[str, str] | None = None,
) -> Bench:
    shutil.copytree(project, root, ignore=shutil.ignore_patterns("out", "cache", "broadcast", ".chainops"))
    for layer in layers:
        shutil.copytree(layer, root, dirs_exist_ok=True)
    for name, text in (files or {}).items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    scratch = root / ".chainops" / "scratch" / "build"
    scratch.mkdir(parents=True)
    request = ToolchainRequest(
        project_root=root,
        build_dir=root / ".chainops" / "build",
        scratch=scratch,
        home=root / ".chainops" / "home",
    )
    toolchain = FoundryToolchain(toolbox=toolbox, runner=LocalProcessRunner())
    printed = bytearray()
    build = await toolchain.build(request, printed.extend)
    assert build.ok, bytes(printed).decode()
    upstream = {
        "source-checkout": Outcome(status=StageStatus.SUCCESS, outputs={"project_root": str(root)}),
        "compilation": Outcome(
            status=StageStatus.SUCCESS,
            outputs={"contracts": to_json(build.contracts), "output_dir": build.output_dir},
        ),
    }
    return Bench(root=root, build=build, toolbox=toolbox, upstream=upstream)


@pytest.fixture
async def counter(tmp_path: Path, toolbox: ProvisionedToolbox) -> Bench:
    return await _bench(tmp_path / "counter", PROJECTS / "counter", toolbox)


@pytest.fixture
def variant(tmp_path: Path, toolbox: ProvisionedToolbox):
    async def make(name: str) -> Bench:
        layer = PROJECTS / "variants" / name
        return await _bench(tmp_path / name, PROJECTS / "counter", toolbox, layer)

    return make


@pytest.fixture
def project(tmp_path: Path, toolbox: ProvisionedToolbox):
    async def make(name: str, files: Mapping[str, str]) -> Bench:
        return await _bench(tmp_path / name, PROJECTS / "counter", toolbox, files=files)

    return make
