"""What every toolchain promises to the stages, kept by the real one and by its memory twin alike."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from tests.integration.toolchains.conftest import Bench, copy_project

from chainops.core.errors import Place
from chainops.core.hashing import digest_file
from chainops.toolchains.memory import MemoryToolchain
from chainops.toolchains.model import (
    BuildResult,
    ContractBuild,
    Coverage,
    Diagnostic,
    Document,
    FileCoverage,
    GasEntry,
    GasReport,
    Ratio,
    SuiteResult,
    TestCase,
    TestStatus,
)
from chainops.toolchains.ports import TestSelection, Toolchain, ToolchainRequest

pytestmark = pytest.mark.integration
UNIT = TestSelection(no_match_path="test/integration/**")
PASSING, BROKEN, FAILING = "counter", "variants/compile-error", "variants/failing-test"


@dataclass(kw_only=True)
class Subject:
    """A toolchain with a project that it can work on."""

    toolchain: Toolchain
    request: ToolchainRequest
    heard: bytearray = field(default_factory=bytearray)

    def sink(self, data: bytes) -> None:
        self.heard += data

    def line(self, place: Place) -> str:
        """The line that a place points to; a place outside of the project fails."""
        assert not Path(place.path).is_absolute()
        assert place.line > 0
        return (self.request.project_root / place.path).read_text().splitlines()[place.line - 1]


def prepared(project: str, out: Path) -> MemoryToolchain:
    """A twin that answers as a toolchain would for that project."""
    error = Diagnostic(
        severity="error", code="7576", message="Undeclared identifier.", place=Place("src/Counter.sol", 52)
    )
    if project == BROKEN:
        failure = "src/Counter.sol:52: Undeclared identifier."
        return MemoryToolchain(
            builds=(BuildResult(ok=False, diagnostics=(error,), failure=failure),),
            suite=SuiteResult(failure=failure),
            coverage=Coverage(failure=failure),
            gas=GasReport(failure=failure),
            documents=(Document(name="src/Counter.sol.md", text="# Counter"),),
        )
    case = TestCase(
        suite="test/Counter.t.sol:CounterTest",
        name="test_A()",
        status=TestStatus.FAILED if project == FAILING else TestStatus.PASSED,
        kind="unit",
        reason="assertion failed" if project == FAILING else "",
        place=Place("test/Counter.t.sol", 10),
    )
    counter = ContractBuild(
        path="src/Counter.sol",
        name="Counter",
        runtime_size_bytes=506,
        init_size_bytes=600,
        runtime_digest="sha256:0",
        artifact="Counter.sol/Counter.json",
        line=6,
    )
    gas = GasEntry(
        contract="src/Counter.sol:Counter",
        function="increment()",
        calls=3,
        min_gas=1,
        mean_gas=2,
        median_gas=2,
        max_gas=3,
        place=Place("src/Counter.sol", 34),
    )
    (out / "Counter.sol").mkdir(parents=True)
    (out / counter.artifact).write_text("{}")
    ratio = Ratio(hit=1, total=1)
    file = FileCoverage(path="src/Counter.sol", lines=ratio, branches=ratio, functions=ratio)
    return MemoryToolchain(
        builds=(BuildResult(ok=True, contracts=(counter,), output_dir=str(out), solc_versions=("0.8.30",)),),
        suite=SuiteResult(cases=(case,), seed="0x1"),
        coverage=Coverage(files=(file,), lcov="SF:src/Counter.sol\nend_of_record\n"),
        gas=GasReport(entries=(gas,)),
        documents=(Document(name="src/Counter.sol.md", text="# Counter"),),
    )


@pytest.fixture(params=["foundry", "memory"])
def subject(
    request: pytest.FixtureRequest, bench: Callable[..., Bench], tmp_path: Path
) -> Callable[[str], Subject]:
    def make(project: str) -> Subject:
        if request.param == "foundry":
            real = bench(project)
            return Subject(toolchain=real.toolchain, request=real.request)
        return Subject(
            toolchain=prepared(project, tmp_path / "out"),
            request=ToolchainRequest(
                project_root=copy_project(project, tmp_path / "project"),
                build_dir=tmp_path / "build",
                scratch=tmp_path / "scratch",
            ),
        )

    return make


MakeSubject = Callable[[str], Subject]


async def test_it_names_itself_and_its_tools(subject: MakeSubject) -> None:
    s = subject(PASSING)
    assert s.toolchain.name
    uses = await s.toolchain.tools()
    assert uses
    assert all(use.name and use.version for use in uses)


async def test_a_project_is_built_and_measured(subject: MakeSubject) -> None:
    s = subject(PASSING)
    tree = {path: digest_file(path) for path in s.request.project_root.rglob("*") if path.is_file()}
    build = await s.toolchain.build(s.request, s.sink)
    assert s.heard
    check_build(s, build)
    assert all(d.name and d.text for d in await s.toolchain.documentation(build))
    suite, coverage, gas = await asyncio.gather(
        s.toolchain.test(s.request, UNIT, s.sink),
        s.toolchain.coverage(s.request, UNIT, s.sink),
        s.toolchain.gas(s.request, UNIT, s.sink),
    )
    check_suite(s, suite)
    assert suite.count(TestStatus.PASSED) == len(suite.cases)
    check_coverage(s, coverage)
    check_gas(s, gas, {contract.fqn for contract in build.contracts if contract.own})
    now = {path: digest_file(path) for path in s.request.project_root.rglob("*") if path.is_file()}
    assert now == tree


async def test_a_mistake_in_the_code_is_a_result_of_every_call(subject: MakeSubject) -> None:
    s = subject(BROKEN)
    build = await s.toolchain.build(s.request, s.sink)
    assert not build.ok
    assert build.failure.startswith("src/Counter.sol:52")
    error = next(d for d in build.diagnostics if d.severity == "error")
    assert error.place
    assert s.line(error.place)
    assert await s.toolchain.documentation(build) == ()
    suite = await s.toolchain.test(s.request, UNIT, s.sink)
    assert (suite.cases, bool(suite.failure)) == ((), True)
    assert (await s.toolchain.coverage(s.request, UNIT, s.sink)).failure
    assert (await s.toolchain.gas(s.request, UNIT, s.sink)).failure


async def test_failing_tests_are_a_result_with_reason_and_place(subject: MakeSubject) -> None:
    s = subject(FAILING)
    assert (await s.toolchain.build(s.request, s.sink)).ok
    suite = await s.toolchain.test(s.request, UNIT, s.sink)
    check_suite(s, suite)
    failed = [case for case in suite.cases if case.status is TestStatus.FAILED]
    assert failed
    assert all(case.reason for case in failed)


def check_build(s: Subject, build: BuildResult) -> None:
    assert build.ok
    assert (build.failure, build.limit) == ("", "")
    assert build.solc_versions
    fqns = [contract.fqn for contract in build.contracts]
    assert len(fqns) == len(set(fqns))
    deployable = [contract for contract in build.contracts if contract.deployable]
    assert deployable
    for contract in deployable:
        assert contract.own
        assert 0 < contract.runtime_size_bytes < contract.init_size_bytes
        assert contract.runtime_digest.startswith("sha256:")
        assert (Path(build.output_dir) / contract.artifact).is_file()
        assert contract.name in s.line(Place(contract.path, contract.line))


def check_suite(s: Subject, suite: SuiteResult) -> None:
    assert suite.failure == ""
    assert suite.seed
    assert len({(case.suite, case.name) for case in suite.cases}) == len(suite.cases) > 0
    for case in suite.cases:
        assert not case.suite.startswith("test/integration/")
        assert case.place
        assert s.line(case.place)


def check_coverage(s: Subject, coverage: Coverage) -> None:
    assert coverage.failure == ""
    assert coverage.files
    for file in coverage.files:
        assert (s.request.project_root / file.path).is_file()
        assert file.path.startswith("src/")
        assert f"SF:{file.path}\n" in coverage.lcov
        assert all(0 <= r.hit <= r.total for r in (file.lines, file.branches, file.functions))


def check_gas(s: Subject, gas: GasReport, own: set[str]) -> None:
    assert gas.failure == ""
    assert gas.entries
    for entry in gas.entries:
        assert entry.contract in own
        assert entry.min_gas <= entry.median_gas <= entry.max_gas
        assert entry.place
        name = entry.function.partition("(")[0]
        assert ("constructor" if name == "deployment" else name) in s.line(entry.place) or (
            # no constructor of its own: the contract's line
            name == "deployment" and entry.contract.rpartition(":")[2] in s.line(entry.place)
        )
