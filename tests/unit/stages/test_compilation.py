"""The stage compilation, on a toolchain in memory."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from chainops.artifacts.run import MemoryArtifacts
from chainops.core.errors import Place
from chainops.pipeline.model import FailureKind, Outcome, StageContext, StageStatus
from chainops.stages.common import COMPILATION, SOURCE_CHECKOUT
from chainops.stages.compilation import CompilationStage
from chainops.toolchains.memory import MemoryToolchain
from chainops.toolchains.model import BuildResult, ContractBuild, Diagnostic, Document
from chainops.toolchains.settings import FoundrySettings


def contract(
    name: str, runtime: int, init: int, *, deployable: bool = True, own: bool = True
) -> ContractBuild:
    return ContractBuild(
        path=f"src/{name}.sol",
        name=name,
        runtime_size_bytes=runtime,
        init_size_bytes=init,
        runtime_digest=f"sha256:{name}",
        artifact=f"{name}.sol/{name}.json",
        solc_version="0.8.30",
        deployable=deployable,
        own=own,
        line=3,
    )


@pytest.fixture
def context(tmp_path: Path) -> StageContext:
    root = tmp_path / "project"
    (root / "src").mkdir(parents=True)
    (root / "src" / "Vault.sol").write_text("// first\n\ncontract Vault {\n}\n")
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    return StageContext(
        run_id="r",
        stage=COMPILATION,
        attempt=1,
        workspace=root,
        scratch=scratch,
        marker="r/compilation/1/",
        timeout_s=60,
        log=lambda data: None,
        upstream={SOURCE_CHECKOUT: Outcome(status=StageStatus.SUCCESS, outputs={"project_root": str(root)})},
        artifacts=MemoryArtifacts(stage=COMPILATION),
    )


@pytest.fixture
def built(tmp_path: Path) -> Callable[..., BuildResult]:
    """Return a build whose artifacts are on disk."""

    def make(*contracts: ContractBuild, diagnostics: tuple[Diagnostic, ...] = ()) -> BuildResult:
        out = tmp_path / "out"
        for item in contracts:
            path = out / item.artifact
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps({"name": item.name}))
        (out / "build-info").mkdir(parents=True, exist_ok=True)
        (out / "build-info" / "b.json").write_text("{}")
        return BuildResult(
            ok=True,
            contracts=contracts,
            diagnostics=diagnostics,
            output_dir=str(out),
            solc_versions=("0.8.30",),
            build_infos=("build-info/b.json",),
        )

    return make


WARNING = Diagnostic(severity="warning", code="2072", message="Unused.", place=Place("src/Vault.sol", 3, 1))


async def test_sizes_and_counts_are_measured(
    context: StageContext, built: Callable[..., BuildResult]
) -> None:
    build = built(
        contract("Vault", 7000, 8000),
        contract("Small", 100, 9000),
        contract("IVault", 0, 0, deployable=False),
        contract("VaultTest", 90_000, 90_000, deployable=False, own=False),
        diagnostics=(WARNING,),
    )
    outcome = await CompilationStage(toolchain=MemoryToolchain(builds=(build,))).run(context)
    assert outcome.status is StageStatus.SUCCESS
    found = {m.name: m for m in outcome.metrics}
    assert found["build.contracts"].value == 2
    assert found["build.warnings"].value == 1
    assert found["size.runtime_max_bytes"].value == 7000
    assert found["size.runtime_max_bytes"].subject == "src/Vault.sol:Vault"
    assert found["size.runtime_max_bytes"].place == Place("src/Vault.sol", 3)
    assert found["size.init_max_bytes"].subject == "src/Small.sol:Small"
    assert outcome.reason == "2 contracts · 1 warning · solc 0.8.30"


async def test_what_the_compiler_made_is_kept(
    context: StageContext, built: Callable[..., BuildResult]
) -> None:
    build = built(contract("Vault", 1, 2), contract("VaultTest", 1, 2, deployable=False, own=False))
    toolchain = MemoryToolchain(builds=(build,), documents=(Document(name="src/Vault.sol.md", text="# V"),))
    outcome = await CompilationStage(toolchain=toolchain).run(context)
    kept = {artifact.name: artifact.kind for artifact in outcome.artifacts}
    assert kept == {
        "contracts/Vault.sol/Vault.json": "contract",
        "build-info/b.json": "build-info",
        "docs/src/Vault.sol.md": "documentation",
        "sizes.json": "size-report",
    }
    assert isinstance(context.artifacts, MemoryArtifacts)
    (row,) = json.loads(context.artifacts.content("sizes.json"))
    assert (row["contract"], row["runtime_size_bytes"], row["init_size_bytes"]) == (
        "src/Vault.sol:Vault",
        1,
        2,
    )


async def test_outputs_are_json_that_later_stages_read(
    context: StageContext, built: Callable[..., BuildResult]
) -> None:
    build = built(contract("Vault", 1, 2), diagnostics=(WARNING,))
    outcome = await CompilationStage(toolchain=MemoryToolchain(builds=(build,))).run(context)
    outputs = json.loads(json.dumps(outcome.outputs))
    assert outputs["build_dir"] == str(context.workspace / ".chainops" / "build")
    assert outputs["output_dir"] == build.output_dir
    assert outputs["contracts"][0]["name"] == "Vault"
    assert outputs["diagnostics"][0]["place"]["line"] == 3
    assert outputs["solc_versions"] == ["0.8.30"]
    assert outputs["reproducible"] is None


async def test_documentation_can_be_left_out(
    context: StageContext, built: Callable[..., BuildResult]
) -> None:
    toolchain = MemoryToolchain(builds=(built(),), documents=(Document(name="a.md", text="x"),))
    stage = CompilationStage(toolchain=toolchain, settings=FoundrySettings(documentation=False))
    assert "documentation" not in {artifact.kind for artifact in (await stage.run(context)).artifacts}


async def test_a_compile_error_names_its_places(context: StageContext) -> None:
    error = Diagnostic(severity="error", code="7576", message="Undeclared.", place=Place("src/A.sol", 5, 16))
    build = BuildResult(ok=False, diagnostics=(WARNING, error), failure="src/A.sol:5:16: Undeclared.")
    outcome = await CompilationStage(toolchain=MemoryToolchain(builds=(build,))).run(context)
    assert (outcome.status, outcome.failure) == (StageStatus.FAILED, FailureKind.PROJECT)
    assert outcome.code == "CMP201"
    assert outcome.reason == "src/A.sol:5:16: Undeclared."
    assert outcome.places == (Place("src/A.sol", 5, 16),)
    assert len(outcome.outputs["diagnostics"]) == 2


@pytest.mark.parametrize(
    ("limit", "kind", "code"),
    [
        ("missing-library", FailureKind.PROJECT, "CMP202"),
        ("solc-version", FailureKind.PROJECT, "CMP204"),
        ("solc-memory", FailureKind.MACHINE, "CMP301"),
        ("network", FailureKind.MACHINE, "CMP302"),
    ],
)
async def test_limits_are_told_from_mistakes(
    context: StageContext, limit: str, kind: FailureKind, code: str
) -> None:
    build = BuildResult(ok=False, failure="f", limit=limit, hint="the way out")
    outcome = await CompilationStage(toolchain=MemoryToolchain(builds=(build,))).run(context)
    assert (outcome.failure, outcome.code, outcome.hint) == (kind, code, "the way out")


async def test_two_equal_builds_are_reproducible(
    context: StageContext, built: Callable[..., BuildResult]
) -> None:
    toolchain = MemoryToolchain(builds=(built(contract("Vault", 1, 2)),))
    outcome = await CompilationStage(toolchain=toolchain, settings=FoundrySettings(reproducible=True)).run(
        context
    )
    assert outcome.status is StageStatus.SUCCESS
    assert outcome.outputs["reproducible"] is True
    first, second = (request for name, request, _ in toolchain.requests if name == "build")
    assert second.build_dir.is_relative_to(context.scratch)
    assert first.build_dir != second.build_dir
    assert first.home == second.home


async def test_two_different_builds_fail_and_name_the_contract(
    context: StageContext, built: Callable[..., BuildResult]
) -> None:
    vault = contract("Vault", 1, 2)
    toolchain = MemoryToolchain(builds=(built(vault), built(replace(vault, runtime_digest="sha256:other"))))
    outcome = await CompilationStage(toolchain=toolchain, settings=FoundrySettings(reproducible=True)).run(
        context
    )
    assert (outcome.status, outcome.code) == (StageStatus.FAILED, "CMP205")
    assert outcome.reason.endswith("in 1 contract: src/Vault.sol:Vault")
    assert outcome.outputs["reproducible"] is False
    assert outcome.artifacts  # what was made is kept all the same


async def test_a_second_build_that_fails_is_not_a_reproduction(
    context: StageContext, built: Callable[..., BuildResult]
) -> None:
    failed = BuildResult(ok=False, failure="out of memory", limit="solc-memory", hint="h")
    toolchain = MemoryToolchain(builds=(built(contract("Vault", 1, 2)), failed))
    outcome = await CompilationStage(toolchain=toolchain, settings=FoundrySettings(reproducible=True)).run(
        context
    )
    assert (outcome.status, outcome.code) == (StageStatus.FAILED, "CMP301")
    assert outcome.reason == "the second build failed: out of memory"
