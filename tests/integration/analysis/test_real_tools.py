"""The analyzers against the locked tools and the fixture project."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from chainops.analysis.adapters.forge_fmt import ForgeFmtAnalyzer
from chainops.analysis.adapters.forge_lint import ForgeLintAnalyzer
from chainops.analysis.adapters.slither import SlitherAnalyzer
from chainops.analysis.adapters.solhint import SolhintAnalyzer
from chainops.analysis.errors import AnalyzerError
from chainops.analysis.ports import AnalysisRequest
from chainops.app.compilers import FoundryCompilers
from chainops.core.process import Command, LocalProcessRunner, clean_environment
from chainops.toolchains.settings import FoundrySettings
from chainops.tools.cache import default_cache_dir
from chainops.tools.toolbox import ProvisionedToolbox

pytestmark = pytest.mark.integration
FIXTURES = Path(__file__).parents[2] / "fixtures"
RUNNER = LocalProcessRunner()
SETTINGS = FoundrySettings()


def nothing(data: bytes) -> None:
    """Drop the log."""


@pytest.fixture
def toolbox() -> ProvisionedToolbox:
    return ProvisionedToolbox(cache_dir=default_cache_dir(), runner=RUNNER)


@pytest.fixture
def given(tmp_path: Path) -> AnalysisRequest:
    """A request about a copy of the fixture project, in a folder with a space and a letter beyond ASCII."""
    root = tmp_path / "my bänk"
    shutil.copytree(FIXTURES / "bank", root)
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    return AnalysisRequest(
        project_root=root,
        sources=("src/Bank.sol",),
        own_files=("test/Bank.t.sol",),
        home=tmp_path / "home",
        scratch=scratch,
        marker="analysis-test",
        timeout_s=120,
    )


@pytest.fixture
async def built(given: AnalysisRequest, toolbox: ProvisionedToolbox) -> AnalysisRequest:
    """The same, built into a folder outside the project."""
    out = given.scratch.parent / "out"
    await build(given, toolbox, out)
    return replace(given, build_output=out)


async def build(given: AnalysisRequest, toolbox: ProvisionedToolbox, out: Path) -> None:
    assert given.home
    await FoundryCompilers(toolbox=toolbox, runner=RUNNER, settings=SETTINGS).provide(given, nothing)
    forge = await toolbox.tool("forge")
    env = clean_environment(given.home, {"FOUNDRY_OFFLINE": "true", "FOUNDRY_LINT_LINT_ON_BUILD": "false"})
    argv = (*forge.argv, "build", "--build-info", "--out", str(out), "--cache-path", f"{out}-cache")
    completed = await RUNNER.run(Command(argv=argv, cwd=given.project_root, env=env, timeout_s=120))
    assert completed.returncode == 0, completed.error_text


async def test_slither_finds_the_reentrancy_on_the_runs_build(
    built: AnalysisRequest, toolbox: ProvisionedToolbox
) -> None:
    before = sorted(built.project_root.rglob("*"))
    report = await SlitherAnalyzer(toolbox=toolbox, runner=RUNNER).analyze(built, nothing)
    found = {(f.rule, str(f.places[0]), f.symbol) for f in report.findings}
    assert ("reentrancy-eth", "src/Bank.sol:19:9", "Bank.withdraw") in found
    assert ("tx-origin", "src/Bank.sol:36:9", "Bank.destroy") in found
    assert not [f for f in report.findings if f.rule == "arbitrary-send-eth"], "suppressed in the source"
    assert {f.places[0].path for f in report.findings} == {"src/Bank.sol"}
    assert sorted(built.project_root.rglob("*")) == before, "nothing was written to the project"


async def test_fingerprints_stay_when_lines_are_inserted_and_the_project_is_built_again(
    built: AnalysisRequest, toolbox: ProvisionedToolbox
) -> None:
    assert built.build_output
    subject = SlitherAnalyzer(toolbox=toolbox, runner=RUNNER)
    before = await subject.analyze(built, nothing)
    source = built.project_root / "src/Bank.sol"
    text = source.read_text()
    source.write_text(text.replace("contract Bank", "// one\n// zwei: ü\n\ncontract Bank"))
    with pytest.raises(AnalyzerError, match="does not describe the sources as they are now"):
        await subject.analyze(built, nothing)
    await build(built, toolbox, built.build_output)
    after = await subject.analyze(built, nothing)
    assert [f.fingerprint for f in after.findings] == [f.fingerprint for f in before.findings]
    moved = [f.places[0].line for f in after.findings if f.rule == "reentrancy-eth"]
    assert moved == [f.places[0].line + 3 for f in before.findings if f.rule == "reentrancy-eth"]


async def test_slither_without_findings_is_a_clean_report(
    given: AnalysisRequest, toolbox: ProvisionedToolbox
) -> None:
    root = given.project_root
    (root / "test/Bank.t.sol").unlink()
    (root / "src/Bank.sol").write_text(
        "// SPDX-License-Identifier: MIT\npragma solidity 0.8.30;\n\nlibrary Clean {\n    error No();\n}\n"
    )
    shutil.rmtree(root / "lib")
    out = given.scratch.parent / "out"
    await build(given, toolbox, out)
    report = await SlitherAnalyzer(toolbox=toolbox, runner=RUNNER).analyze(
        replace(given, build_output=out), nothing
    )
    assert report.findings == ()
    assert report.details["detectors"] > 50


async def test_a_broken_build_info_is_a_failure(built: AnalysisRequest, toolbox: ProvisionedToolbox) -> None:
    assert built.build_output
    for file in (built.build_output / "build-info").iterdir():
        text = file.read_text()
        file.write_text(text[: len(text) // 2])
    with pytest.raises(AnalyzerError):
        await SlitherAnalyzer(toolbox=toolbox, runner=RUNNER).analyze(built, nothing)


async def test_forge_lint_needs_no_build_and_leaves_none_behind(
    given: AnalysisRequest, toolbox: ProvisionedToolbox
) -> None:
    before = sorted(given.project_root.rglob("*"))
    compilers = FoundryCompilers(toolbox=toolbox, runner=RUNNER, settings=SETTINGS)
    report = await ForgeLintAnalyzer(toolbox=toolbox, runner=RUNNER, compilers=compilers).analyze(
        given, nothing
    )
    assert ("unchecked-call", "src/Bank.sol:38:9") in {(f.rule, str(f.places[0])) for f in report.findings}
    assert sorted(given.project_root.rglob("*")) == before


async def test_forge_fmt_names_unformatted_files(given: AnalysisRequest, toolbox: ProvisionedToolbox) -> None:
    report = await ForgeFmtAnalyzer(toolbox=toolbox, runner=RUNNER).analyze(given, nothing)
    assert [str(f.places[0]) for f in report.findings] == ["src/Bank.sol:32", "test/Bank.t.sol:4"]


async def test_solhint_runs_with_our_rules(given: AnalysisRequest, toolbox: ProvisionedToolbox) -> None:
    report = await SolhintAnalyzer(toolbox=toolbox, runner=RUNNER).analyze(given, nothing)
    assert ("avoid-tx-origin", "src/Bank.sol:36:17") in {(f.rule, str(f.places[0])) for f in report.findings}
    assert report.details == {"rules": "default"}


@pytest.mark.parametrize("analyzer", [ForgeLintAnalyzer, SolhintAnalyzer])
async def test_a_syntax_error_is_left_to_the_compilation(
    given: AnalysisRequest,
    toolbox: ProvisionedToolbox,
    analyzer: type[ForgeLintAnalyzer] | type[SolhintAnalyzer],
) -> None:
    compilers = FoundryCompilers(toolbox=toolbox, runner=RUNNER, settings=SETTINGS)
    await compilers.provide(given, nothing)
    (given.project_root / "src/Bank.sol").write_text("contract X { function }")
    report = await analyzer(toolbox=toolbox, runner=RUNNER).analyze(given, nothing)
    assert report.not_run
    assert report.findings == ()


async def test_a_long_report_of_solhint_comes_whole(
    given: AnalysisRequest, toolbox: ProvisionedToolbox
) -> None:
    functions = "".join(f"  function f{n}() external {{}}\n" for n in range(1_500))
    (given.project_root / "src/Bank.sol").write_text(
        f"pragma solidity 0.8.30;\ncontract Bank {{\n{functions}}}\n"
    )
    report = await SolhintAnalyzer(toolbox=toolbox, runner=RUNNER).analyze(given, nothing)
    assert len(report.raw) > 192 << 10, "several times what a pipe takes"
    assert sum(f.rule == "no-empty-blocks" for f in report.findings) == 1_500
