"""Stages that do as forge and the analyzers do, without them: each says exactly what it found in the tree.

They leave an index of the build in forge's form, so that the reader of the real one is used; and what they
say is made of every byte that they read, so that a result taken wrongly cannot look right.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from chainops.analysis.settings import AnalysisSettings
from chainops.artifacts.manifest import MemoryManifest
from chainops.artifacts.run import RunArtifacts
from chainops.artifacts.store import LocalArtifactStore
from chainops.core.clock import MemoryClock
from chainops.core.hashing import digest_bytes, digest_json
from chainops.core.secrets import Masker
from chainops.pipeline.cache.digests import FileDigests
from chainops.pipeline.cache.prune import Limits
from chainops.pipeline.cache.stage import CachedStage, StageCache
from chainops.pipeline.cache.store import CacheStore
from chainops.pipeline.model import Outcome, StageContext, StageStatus
from chainops.pipeline.ports import Stage
from chainops.project.detect import detect
from chainops.project.files import find_files
from chainops.stages.common import (
    COMPILATION,
    INTEGRATION_TESTS,
    SECURITY_SCAN,
    SOURCE_CHECKOUT,
    STATIC_ANALYSIS,
    UNIT_TESTS,
    build_dir,
)
from chainops.stages.project_reads import MARKS
from chainops.stages.stage_reads import (
    CompilationReads,
    IntegrationTestsReads,
    ReadsBase,
    ReadsSettings,
    SecurityScanReads,
    StaticAnalysisReads,
    UnitTestsReads,
)
from chainops.toolchains.adapters.foundry_reads import compiled_sources
from chainops.toolchains.adapters.foundry_sources import resolve_import
from chainops.toolchains.foundry_config import FoundryConfig
from chainops.toolchains.settings import FoundrySettings

_IMPORT = re.compile(r'import "([^"]+)"')
READS: dict[str, type[ReadsBase]] = {
    COMPILATION: CompilationReads,
    STATIC_ANALYSIS: StaticAnalysisReads,
    UNIT_TESTS: UnitTestsReads,
    SECURITY_SCAN: SecurityScanReads,
    INTEGRATION_TESTS: IntegrationTestsReads,
}


@dataclass
class Policy:
    """What a run may take and leave."""

    scopes: tuple[str, ...] = ("trusted",)
    scope: str = "trusted"
    why: str = ""

    def reads(self) -> tuple[str, ...]:
        return self.scopes

    def writes(self) -> str:
        return self.scope

    def why_not_read(self, stage: str) -> str:
        return self.why


@dataclass
class Forge:
    """Finds what is imported, as forge does; `during` is done while a stage runs."""

    root: Path
    ran: list[str] = field(default_factory=list)
    during: dict[str, Callable[[], None]] = field(default_factory=dict)

    def config(self) -> FoundryConfig:
        project = detect(self.root)
        return FoundryConfig(
            src=project.src, test=project.test, script=project.script, libs=list(project.libs),
            remappings=[str(r) for r in project.remappings],
        )  # fmt: skip

    def graph(self) -> dict[str, tuple[str, ...]]:
        """Return every compiled file with what it imports."""
        files = find_files(detect(self.root))
        config, found = self.config(), dict[str, tuple[str, ...]]()
        waiting = [*files.sources, *files.mocks, *files.tests, *files.scripts]
        while waiting:
            path = waiting.pop()
            if path in found:
                continue
            text = (self.root / path).read_text()
            targets = (resolve_import(self.root, config, path, name) for name in _IMPORT.findall(text))
            found[path] = tuple(sorted({t for t in targets if t}))
            waiting += found[path]
        return found

    def closure(self, paths: list[str]) -> dict[str, str]:
        graph, found, waiting = self.graph(), dict[str, str](), list(paths)
        while waiting:
            path = waiting.pop()
            if path not in found:
                found[path] = (self.root / path).read_text()
                waiting += graph[path]
        return dict(sorted(found.items()))

    def settings(self) -> str:
        names = ("foundry.toml", "remappings.txt")
        return "".join((self.root / n).read_text() for n in names if (self.root / n).exists())


@dataclass
class Scripted:
    """One stage."""

    name: str
    forge: Forge
    outcome: Outcome | None = None

    async def run(self, context: StageContext) -> Outcome:
        self.forge.ran.append(self.name)
        context.say(f"{self.name} at work")
        files = find_files(detect(self.forge.root))
        own = [*files.sources, *files.mocks, *files.tests, *files.scripts]
        seen: Any = self.forge.closure(list(files.sources) if self.name == SECURITY_SCAN else own)
        if self.name == STATIC_ANALYSIS:
            seen = {path: text for path, text in seen.items() if path in own}
        if self.name == COMPILATION:
            self._build(context, seen)
        elif self.name != STATIC_ANALYSIS:
            (build_dir(context) / "out" / "all.json").read_bytes()
        if then := self.forge.during.get(self.name):
            then()
        if self.outcome:
            return self.outcome
        found = digest_json([seen, self.forge.settings()])
        if self.name == COMPILATION:
            found = digest_bytes((build_dir(context) / "out" / "all.json").read_bytes())
        kept = context.artifacts.put_bytes(f"{self.name}/found.txt", found.encode(), kind="report")
        outputs: dict[str, Any] = {"found": found, "files": sorted(seen)}
        if self.name == INTEGRATION_TESTS:
            outputs["chain"] = {"kind": "anvil"}
        return Outcome(status=StageStatus.SUCCESS, reason=found, outputs=outputs, artifacts=(kept,))

    def _build(self, context: StageContext, seen: dict[str, str]) -> None:
        folder, graph = build_dir(context), self.forge.graph()
        for name in ("out", "cache"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        index = {
            path: {"imports": list(graph[path]), "artifacts": {"A": {"0.8.30": {"default": {}}}}}
            for path in seen
        }
        (folder / "cache" / "solidity-files-cache.json").write_text(json.dumps({"files": index}))
        units = folder / "out" / "all.json"
        before = json.loads(units.read_text()) if units.exists() else {}
        # what has not changed is not compiled again, and keeps the settings that it was compiled with
        made = {path: [self.forge.closure([path]), self.forge.settings()] for path in seen}
        for path, unit in made.items():
            if path in before and before[path][0] == unit[0]:
                made[path] = before[path]
        units.write_text(json.dumps(made))


@dataclass
class Bench:
    """A workspace with its cache; `run` runs the five stages one after the other."""

    workspace: Path
    policy: Policy = field(default_factory=Policy)
    foundry: FoundrySettings = field(default_factory=FoundrySettings)
    env: dict[str, str] = field(default_factory=dict)
    masker: Masker = field(default_factory=Masker)
    limits: Limits = field(default_factory=Limits)
    stages: tuple[str, ...] = tuple(READS)
    code: str = "1"
    fork_url: str = ""
    cell: dict[str, str] = field(default_factory=dict)
    log: bytearray = field(default_factory=bytearray)
    runs: int = 0

    def __post_init__(self) -> None:
        self.root = self.workspace / "project"
        self.forge = Forge(self.root)
        self.manifest = MemoryManifest()
        self.digests = FileDigests(self.workspace / ".chainops" / "digests.json", MARKS)
        self.store = CacheStore(self.workspace / ".chainops" / "cache")
        self.artifacts = LocalArtifactStore(self.workspace / ".chainops" / "artifacts", durable=False)

    def run(self, *, cached: bool = True, name: str = "") -> dict[str, Outcome]:
        """Run all stages; return their outcomes."""
        self.runs += 1
        return asyncio.run(self._run(name or f"run-{self.runs}", cached=cached))

    async def _run(self, run_id: str, *, cached: bool) -> dict[str, Outcome]:
        files = find_files(detect(self.root))
        outputs = {"project_root": str(self.root), "sources": list(files.sources), "tests": list(files.tests)}
        done = {SOURCE_CHECKOUT: Outcome(status=StageStatus.SUCCESS, outputs=outputs)}
        for name in self.stages:
            if COMPILATION in done and done[COMPILATION].status is not StageStatus.SUCCESS:
                break
            stage: Stage = Scripted(name, self.forge)
            stage = self.cached(stage) if cached else stage
            done[name] = await stage.run(self.context(name, run_id, done))
        del done[SOURCE_CHECKOUT]
        return done

    def cached(self, stage: Stage) -> CachedStage:
        settings = ReadsSettings(
            foundry=self.foundry,
            analysis=AnalysisSettings(),
            env=self.env,
            tools=lambda tool: f"{tool} 1",
            compiled=compiled_sources,
            keyed=lambda value: digest_bytes(b"key" + value.encode()),
            own_code=lambda: self.code,
            fork_url=self.fork_url,
        )
        cache = StageCache(
            store=self.store,
            digests=self.digests,
            artifacts=self.artifacts,
            adopt=lambda context, artifact: self.sink(context.stage).adopt(artifact),
            policy=self.policy,
            masker=self.masker,
            clock=MemoryClock(),
            limits=self.limits,
        )
        return CachedStage(stage=stage, reads=READS[stage.name](settings), cache=cache)

    def sink(self, stage: str) -> RunArtifacts:
        return RunArtifacts(store=self.artifacts, manifest=self.manifest, stage=stage)

    def context(self, stage: str, run_id: str, upstream: dict[str, Outcome]) -> StageContext:
        return StageContext(
            run_id=run_id,
            stage=stage,
            attempt=1,
            workspace=self.workspace,
            scratch=self.workspace / "scratch",
            marker="",
            timeout_s=60,
            log=self.log.extend,
            upstream=dict(upstream),
            artifacts=self.sink(stage),
            cell=self.cell,
        )


FILES = {
    "foundry.toml": '[profile.default]\nlibs = ["lib", "deps"]\nsolc = "0.8.30"\n',
    "remappings.txt": "oz/=lib/oz/\n",
    "README.md": "# A project\n",
    "src/Vault.sol": 'import "oz/Token.sol";\nimport "./Math.sol";\ncontract Vault {}\n',
    "src/Math.sol": 'import "util/Bits.sol";\nlibrary Math {}\n',
    "test/Vault.t.sol": 'import "../src/Vault.sol";\nimport "std/Test.sol";\ncontract VaultTest {}\n',
    "test/Math.t.sol": 'import "../src/Math.sol";\ncontract MathTest {}\n',
    "script/Deploy.s.sol": 'import "../src/Vault.sol";\ncontract Deploy {}\n',
    "lib/oz/Token.sol": 'import "./Base.sol";\ncontract Token {}\n',
    "lib/oz/Base.sol": "contract Base {}\n",
    "lib/oz/Unused.sol": "contract Unused {}\n",
    "deps/util/Bits.sol": "library Bits {}\n",
    "lib/std/Test.sol": "contract Test {}\n",
}


def make_project(workspace: Path) -> Bench:
    """Write the example project into a workspace."""
    for name, text in FILES.items():
        write(workspace / "project" / name, text)
    return Bench(workspace)


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def taken(outcomes: dict[str, Outcome]) -> set[str]:
    """Return the stages that were taken from the cache."""
    return {name for name, outcome in outcomes.items() if outcome.cached_from}
