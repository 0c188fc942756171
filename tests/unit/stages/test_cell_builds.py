"""A cell works with the build that its values ask for, and with no other."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from chainops.artifacts.run import MemoryArtifacts
from chainops.pipeline.model import FailureKind, Outcome, StageContext, StageStatus
from chainops.stages.cell_builds import not_as_asked, own_build
from chainops.stages.common import build_dir, builds_itself, compiler_choice
from chainops.stages.compilation import CompilationStage
from chainops.stages.security_scan import SecurityScanStage
from chainops.stages.suites import toolchain_request
from chainops.stages.unit_tests import UnitTestsStage
from chainops.toolchains.memory import MemoryToolchain
from chainops.toolchains.model import BuildResult, ContractBuild
from chainops.toolchains.settings import FoundrySettings

OLD = {"solc": "0.8.26"}
SETTINGS = FoundrySettings()


def contract(evm_version: str = "paris") -> ContractBuild:
    return ContractBuild(
        path="src/A.sol",
        name="A",
        runtime_size_bytes=1,
        init_size_bytes=1,
        runtime_digest="",
        artifact="A.json",
        evm_version=evm_version,
        deployable=False,
        own=False,
    )


def context(tmp_path: Path, stage: str, cell: Mapping[str, str], compiled: Mapping[str, str]) -> StageContext:
    upstream = {
        "source-checkout": Outcome(
            status=StageStatus.SUCCESS, outputs={"project_root": str(tmp_path), "sources": []}
        ),
        "compilation": Outcome(
            status=StageStatus.SUCCESS, outputs={"compiler": dict(compiled), "output_dir": str(tmp_path)}
        ),
    }
    return StageContext(
        run_id="r",
        stage=stage,
        attempt=1,
        workspace=tmp_path,
        scratch=tmp_path / "scratch",
        marker="",
        timeout_s=10,
        log=lambda _: None,
        upstream=upstream,
        artifacts=MemoryArtifacts(stage=stage),
        cell=cell,
    )


@pytest.mark.parametrize(
    ("stage", "cell", "compiled", "folder"),
    [
        ("compilation", {}, {}, "build"),
        ("compilation[solc=0.8.26]", OLD, {}, "builds/compilation+solc-0.8.26"),
        ("unit-tests", {}, {}, "build"),
        # the whole stage stands on the cell that the join stands for
        ("unit-tests", {}, OLD, "builds/compilation+solc-0.8.26"),
        ("unit-tests[solc=0.8.26]", OLD, OLD, "builds/compilation+solc-0.8.26"),
        ("unit-tests[solc=0.8.26]", OLD, {}, "builds/unit-tests+solc-0.8.26"),
        ("contract-deploy[network=a]", {"network": "a"}, {}, "build"),
    ],
)
def test_every_build_has_its_folder(
    tmp_path: Path, stage: str, cell: dict[str, str], compiled: dict[str, str], folder: str
) -> None:
    found = context(tmp_path, stage, cell, compiled)
    assert build_dir(found) == tmp_path / ".chainops" / folder
    assert builds_itself(found) is (
        folder.startswith("builds/") and folder.split("/")[1].startswith(stage.partition("[")[0])
    )


def test_a_cell_adds_its_values_to_those_of_its_compilation(tmp_path: Path) -> None:
    found = context(tmp_path, "unit-tests[evm_version=paris]", {"evm_version": "paris"}, OLD)
    assert compiler_choice(found) == {"solc": "0.8.26", "evm_version": "paris"}
    request = toolchain_request(found, SETTINGS, {})
    assert (request.solc, request.evm_version) == ("0.8.26", "paris")


async def test_a_cell_that_nobody_compiled_for_compiles_first(tmp_path: Path) -> None:
    build = BuildResult(ok=True, solc_versions=("0.8.26",), contracts=(contract(),))
    toolchain = MemoryToolchain(builds=(build,))
    outcome = await UnitTestsStage(toolchain=toolchain).run(
        context(tmp_path, "unit-tests[solc=0.8.26]", OLD, {})
    )
    assert next(name for name, _, _ in toolchain.requests) == "build"
    assert {r.solc for _, r, _ in toolchain.requests} == {"0.8.26"}
    assert {r.build_dir.name for _, r, _ in toolchain.requests} == {"unit-tests+solc-0.8.26"}
    assert outcome.outputs["compiler"] == OLD


async def test_a_cell_that_was_compiled_for_does_not_compile(tmp_path: Path) -> None:
    toolchain = MemoryToolchain()
    await UnitTestsStage(toolchain=toolchain).run(context(tmp_path, "unit-tests[solc=0.8.26]", OLD, OLD))
    assert "build" not in [name for name, _, _ in toolchain.requests]


async def test_what_does_not_compile_with_the_cells_values_fails_it(tmp_path: Path) -> None:
    broken = MemoryToolchain(builds=(BuildResult(ok=False, failure="the pragma excludes it"),))
    found = context(tmp_path, "unit-tests[solc=0.8.26]", OLD, {})
    outcome = await own_build(broken, toolchain_request(found, SETTINGS, {}), found)
    assert outcome is not None
    assert (outcome.status, outcome.failure, outcome.code) == (
        StageStatus.FAILED,
        FailureKind.PROJECT,
        "CMP208",
    )
    assert outcome.reason == "it does not compile with solc 0.8.26: the pragma excludes it"


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (BuildResult(ok=True, solc_versions=("0.8.30",)), "solc 0.8.30 and not 0.8.26"),
        (
            BuildResult(ok=True, solc_versions=("0.8.26",), contracts=(contract("shanghai"),)),
            "code for shanghai and not for paris",
        ),
    ],
)
async def test_a_compiler_that_took_something_else_fails_the_cell(
    tmp_path: Path, build: BuildResult, words: str
) -> None:
    cell = {"solc": "0.8.26", "evm_version": "paris"}
    found = context(tmp_path, "compilation[evm_version=paris,solc=0.8.26]", cell, {})
    outcome = await CompilationStage(toolchain=MemoryToolchain(builds=(build,))).run(found)
    assert (outcome.status, outcome.code) == (StageStatus.FAILED, "CMP207")
    assert words in outcome.reason


def test_a_build_that_is_as_asked_passes(tmp_path: Path) -> None:
    cell = {"solc": "0.8.26", "evm_version": "paris"}
    request = toolchain_request(context(tmp_path, "compilation[x=y]", cell, {}), SETTINGS, {})
    build = BuildResult(ok=True, solc_versions=("0.8.26",), contracts=(contract(), contract("")))
    assert not_as_asked(build, request) is None


async def test_a_scan_of_a_build_that_nobody_made_is_refused(tmp_path: Path) -> None:
    from chainops.analysis.memory import MemoryAnalyzer
    from chainops.analysis.settings import AnalysisSettings

    stage = SecurityScanStage(analyzers=[MemoryAnalyzer("twin")], settings=AnalysisSettings())
    outcome = await stage.run(context(tmp_path, "security-scan[solc=0.8.26]", OLD, {}))
    assert (outcome.status, outcome.failure) == (StageStatus.FAILED, FailureKind.CONFIG)
    assert "no compilation of this run used solc 0.8.26" in outcome.reason
