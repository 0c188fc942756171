"""Foundry as a toolchain, with the real forge and compilers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.integration.toolchains.conftest import Bench

from chainops.core.errors import Place
from chainops.core.hashing import digest_file
from chainops.core.process import Sink
from chainops.core.tooluse import ToolUse
from chainops.toolchains.errors import ToolchainConfigError
from chainops.toolchains.failures import group_failures
from chainops.toolchains.model import Ratio, TestStatus
from chainops.toolchains.ports import TestSelection
from chainops.toolchains.totals import coverage_totals
from chainops.tools.ports import Tool, Toolbox

pytestmark = pytest.mark.integration
UNIT = TestSelection(no_match_path="test/integration/**")
MakeBench = Callable[..., Bench]


def digests(folder: Path) -> dict[str, str]:
    return {str(p.relative_to(folder)): digest_file(p) for p in sorted(folder.rglob("*")) if p.is_file()}


async def test_a_project_is_built_tested_and_measured_side_by_side(bench: MakeBench) -> None:
    b = bench()
    tree = digests(b.root)
    build = await b.toolchain.build(b.request, b.sink)
    assert build.ok
    assert {c.fqn: c.runtime_size_bytes for c in build.contracts if c.deployable} == {
        "src/Bank.sol:Bank": 1017,
        "src/Counter.sol:Counter": 506,
        "src/Ratio.sol:Ratio": 339,
    }
    shared = digests(b.request.build_dir)
    suite, coverage, gas = await asyncio.gather(
        b.toolchain.test(b.request, UNIT, b.sink),
        b.toolchain.coverage(b.request, UNIT, b.sink),
        b.toolchain.gas(b.request, UNIT, b.sink),
    )
    assert (len(suite.cases), suite.count(TestStatus.PASSED)) == (17, 17)
    assert {case.kind for case in suite.cases} == {"unit", "fuzz", "invariant"}
    assert suite.cases[0].place == Place("test/Bank.invariant.t.sol", 42)
    totals = coverage_totals(coverage)
    assert totals.lines == Ratio(hit=32, total=32)
    assert totals.statements == Ratio(hit=34, total=34)
    assert totals.branches == Ratio(hit=7, total=7)
    assert totals.functions == Ratio(hit=9, total=9)
    assert {e.function for e in gas.entries if e.contract == "src/Counter.sol:Counter"} >= {
        "deployment",
        "increment()",
    }
    assert digests(b.request.build_dir) == shared  # nobody but build writes it
    assert digests(b.root) == tree  # and nobody the user's tree


async def test_documentation_comes_from_natspec(bench: MakeBench) -> None:
    b = bench()
    documents = await b.toolchain.documentation(await b.toolchain.build(b.request, b.sink))
    bank = next(document for document in documents if document.name == "src/Bank.sol.md")
    assert "Keeps ether for its depositors and gives it back." in bank.text
    assert "uint256 asked: The amount asked for, in wei." in bank.text


async def test_a_compile_error_has_its_place(bench: MakeBench) -> None:
    b = bench("variants/compile-error")
    build = await b.toolchain.build(b.request, b.sink)
    assert not build.ok
    assert build.failure == 'src/Counter.sol:52:18: Undeclared identifier. Did you mean "value"?'


async def test_a_missing_library_is_named(bench: MakeBench) -> None:
    b = bench("variants/missing-library")
    build = await b.toolchain.build(b.request, b.sink)
    assert build.limit == "missing-library"
    assert build.failure.startswith(
        "src/Bank.sol:4:1: the library of fixed-math/Fixed.sol is missing: "
        "the remapping fixed-math/=lib/fixed-math/src/ leads to lib/fixed-math/src/Fixed.sol"
    )


async def test_a_huge_contract_is_measured(bench: MakeBench) -> None:
    b = bench("variants/huge-contract")
    build = await b.toolchain.build(b.request, b.sink)
    sizes = {c.name: (c.runtime_size_bytes, c.init_size_bytes) for c in build.contracts}
    assert sizes["Sine"] == (30_179, 30_207)


async def test_a_failing_test_is_placed(bench: MakeBench) -> None:
    b = bench("variants/failing-test")
    suite = await b.toolchain.test(b.request, UNIT, b.sink)
    (failed,) = [case for case in suite.cases if case.status is TestStatus.FAILED]
    assert failed.reason == "assertion failed: 3334 != 3333"
    assert failed.place == Place("test/Ratio.t.sol", 8)


async def test_a_fuzz_counterexample_is_given_and_repeats(bench: MakeBench) -> None:
    b = bench("variants/fuzz-counterexample")
    found = []
    for _ in range(2):
        suite = await b.toolchain.test(b.request, UNIT, b.sink)
        (failed,) = [case for case in suite.cases if case.status is TestStatus.FAILED]
        found.append(failed.counterexample)
    assert found == ["2500", "2500"]
    assert failed.place == Place("test/Counter.t.sol", 47)


async def test_low_coverage_is_measured_with_what_no_test_touches(bench: MakeBench) -> None:
    b = bench("variants/low-coverage")
    totals = coverage_totals(await b.toolchain.coverage(b.request, UNIT, b.sink))
    assert totals.lines == Ratio(hit=13, total=32)
    assert totals.branches == Ratio(hit=2, total=7)


CHEATS = """// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

interface Cheats {
    function ffi(string[] calldata) external returns (bytes memory);
    function envString(string calldata) external returns (string memory);
    function writeFile(string calldata, string calldata) external;
}

contract CheatTest {
    Cheats constant VM = Cheats(0x7109709ECfa91a80626fF3989D68f67F5b1DD12D);

    /// forge-config: ci.fuzz.runs = 10
    function test_Ffi() public {
        string[] memory command = new string[](2);
        command[0] = "touch";
        command[1] = "ffi-ran";
        VM.ffi(command);
    }

    function test_Key() public {
        VM.envString("PRIVATE_KEY");
    }

    function test_Declared() public {
        require(bytes(VM.envString("DECLARED")).length == 5);
    }
}

contract SetUpTest {
    function setUp() public pure {
        revert("no setup");
    }

    function test_A() public pure {}

    function test_B() public pure {}
}

contract OldTest {
    function testFail_Old() public pure {
        revert("x");
    }

    function test_Fine() public pure {}
}
"""


async def test_what_tests_may_not_do_is_refused_and_told(
    bench: MakeBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PRIVATE_KEY", "0x1234")
    b = bench(env={"DECLARED": "value", "FOUNDRY_FFI": "true"})
    b.write("test/Cheat.t.sol", CHEATS)
    toml = b.root / "foundry.toml"
    toml.write_text(
        toml.read_text().replace('out = "out"', 'out = "out"\nffi = true') + "[profile.ci.fuzz]\nruns = 9\n"
    )
    build = await b.toolchain.build(b.request, b.sink)
    (refused,) = [d for d in build.diagnostics if d.code == "ffi-refused"]
    assert refused.place == Place("foundry.toml", 6, 1)
    suite = await b.toolchain.test(b.request, TestSelection(match_path="test/Cheat.t.sol"), b.sink)
    found = {f"{c.suite.rpartition(':')[2]}.{c.name.partition('(')[0]}": c for c in suite.cases}
    assert "FFI is disabled" in found["CheatTest.test_Ffi"].reason
    assert not list(b.root.rglob("ffi-ran"))
    assert '"PRIVATE_KEY" not found' in found["CheatTest.test_Key"].reason
    assert found["CheatTest.test_Declared"].status is TestStatus.PASSED
    assert found["SetUpTest.test_A"].reason == "setUp failed: no setup"
    assert found["SetUpTest.test_B"].status is TestStatus.FAILED
    assert found["OldTest.testFail_Old"].status is TestStatus.FAILED
    assert found["OldTest.test_Fine"].status is TestStatus.SKIPPED
    assert max(len(group.tests) for group in group_failures(suite.cases)) == 2
    assert not (b.root / "cache").exists()


READS = """// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

interface Files {
    function readFile(string calldata) external view returns (string memory);
    function writeFile(string calldata, string calldata) external;
}

contract ReadTest {
    Files constant VM = Files(0x7109709ECfa91a80626fF3989D68f67F5b1DD12D);

    function test_Elsewhere() public view {
        VM.readFile("/etc/passwd");
    }

    function test_Hook() public {
        VM.writeFile("./.git/hook", "x");
    }

    function test_Link() public view {
        VM.readFile("./linked/passwd");
    }

    function test_Own() public {
        VM.writeFile("./notes.txt", VM.readFile("./foundry.toml"));
    }
}
"""


@pytest.mark.parametrize("allowed", [False, True])
async def test_files_outside_the_project_are_out_of_reach(bench: MakeBench, *, allowed: bool) -> None:
    b = bench(allow_fs=allowed)
    b.write("test/Read.t.sol", READS)
    (b.root / ".git").mkdir()
    (b.root / "linked").symlink_to("/etc")
    wish = 'fs_permissions = [{access = "read-write", path = "/"}, {access = "read-write", path = "./"}]\n'
    toml = b.root / "foundry.toml"
    toml.write_text(toml.read_text().replace('out = "out"\n', 'out = "out"\n' + wish))
    build = await b.toolchain.build(b.request, b.sink)
    refused = [d for d in build.diagnostics if d.code == "fs-refused"]
    suite = await b.toolchain.test(b.request, TestSelection(match_path="test/Read.t.sol"), b.sink)
    found = {case.name: case for case in suite.cases}
    assert found["test_Own()"].status is TestStatus.PASSED
    others = [found[f"test_{name}()"] for name in ("Elsewhere", "Hook", "Link")]
    if allowed:
        assert not refused
        assert {case.status for case in others} == {TestStatus.PASSED}
    else:
        assert refused[0].place == Place("foundry.toml", 6, 1)
        assert b"/ (read-write)" in b.log
        assert all("not allowed to be accessed" in case.reason for case in others), others


async def test_allowed_ffi_runs(bench: MakeBench) -> None:
    b = bench(allow_ffi=True)
    b.write("test/Cheat.t.sol", CHEATS)
    toml = b.root / "foundry.toml"
    toml.write_text(toml.read_text() + "[profile.ci.fuzz]\nruns = 9\n")
    suite = await b.toolchain.test(b.request, TestSelection(match_path="test/Cheat.t.sol"), b.sink)
    assert next(c for c in suite.cases if c.name == "test_Ffi()").status is TestStatus.PASSED
    assert (b.root / "ffi-ran").exists()


WARNS = """// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

contract Warns {
    function f(uint256 unused) public pure returns (uint256) {
        return 1;
    }
}
"""


async def test_a_build_that_finds_nothing_changed_keeps_its_warnings(bench: MakeBench) -> None:
    b = bench()
    b.write("src/Warns.sol", WARNS)
    first = await b.toolchain.build(b.request, b.sink)
    second = await b.toolchain.build(b.request, b.sink)
    assert [str(d.place) for d in first.diagnostics] == ["src/Warns.sol:5:16"]
    assert second.diagnostics == first.diagnostics
    b.write("src/Warns.sol", WARNS.replace("uint256 unused", "uint256"))
    assert (await b.toolchain.build(b.request, b.sink)).diagnostics == ()


async def test_sources_without_a_common_compiler_get_one_each(bench: MakeBench) -> None:
    b = bench()
    toml = b.root / "foundry.toml"
    toml.write_text(toml.read_text().replace('solc = "0.8.30"\n', ""))
    b.write("src/Old.sol", "// SPDX-License-Identifier: MIT\npragma solidity 0.5.16;\ncontract Old {}\n")
    build = await b.toolchain.build(b.request, b.sink)
    assert build.ok, build.failure
    assert build.solc_versions == ("0.5.16", "0.8.30")


@pytest.mark.parametrize("project", ["pinned-0.5.16", "pinned-0.8.15"])
async def test_older_compilers_serve_build_tests_coverage_and_gas(bench: MakeBench, project: str) -> None:
    b = bench(project)
    build = await b.toolchain.build(b.request, b.sink)
    assert build.solc_versions == (project.removeprefix("pinned-"),)
    suite = await b.toolchain.test(b.request, UNIT, b.sink)
    assert suite.count(TestStatus.PASSED) == len(suite.cases) > 0
    lines = coverage_totals(await b.toolchain.coverage(b.request, UNIT, b.sink)).lines
    assert lines is not None
    assert lines.value == 1.0
    assert (await b.toolchain.gas(b.request, UNIT, b.sink)).entries


DEEP = """// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

contract Deep {
    function f(uint256 a, uint256 b, uint256 c, uint256 d, uint256 e, uint256 g, uint256 h, uint256 i)
        public pure returns (uint256)
    {
        uint256 j = a + b; uint256 k = c + d; uint256 l = e + g; uint256 m = h + i;
        uint256 n = a * d; uint256 o = b * c; uint256 p = g * h;
        if (j > 100) j = 100;
        return a + b + c + d + e + g + h + i + j + k + l + m + n + o + p;
    }
}

contract DeepTest {
    function test_Deep() public { require(new Deep().f(1, 2, 3, 4, 5, 6, 7, 8) > 0); }
}
"""


async def test_coverage_falls_back_where_only_via_ir_compiles(bench: MakeBench) -> None:
    b = bench()
    b.write("src/Deep.sol", DEEP.partition("contract DeepTest")[0])
    b.write(
        "test/Deep.t.sol", DEEP.replace("contract Deep {", 'import "../src/Deep.sol";\nabstract contract X {')
    )
    toml = b.root / "foundry.toml"
    toml.write_text(toml.read_text().replace("via_ir = false", "via_ir = true"))
    build = await b.toolchain.build(b.request, b.sink)
    assert build.ok, build.failure
    coverage = await b.toolchain.coverage(b.request, UNIT, b.sink)
    assert coverage.failure == ""
    assert "--ir-minimum" in coverage.accuracy
    assert "src/Deep.sol" in {file.path for file in coverage.files}


async def test_stack_too_deep_in_the_build_is_named(bench: MakeBench) -> None:
    b = bench()
    b.write("src/Deep.sol", DEEP.partition("contract DeepTest")[0])
    build = await b.toolchain.build(b.request, b.sink)
    assert build.limit == "stack-too-deep"
    assert build.failure.startswith("src/Deep.sol:")
    assert "via_ir" in build.hint


class ExhaustedToolbox:
    """Its compilers run out of memory, as WebAssembly does on a large project."""

    def __init__(self, inner: Toolbox) -> None:
        self._inner = inner

    async def tool(self, name: str, sink: Sink | None = None) -> Tool:
        return await self._inner.tool(name, sink)

    async def solc(self, version: str, sink: Sink | None = None) -> Tool:
        return Tool(use=ToolUse(name="solc", version=version), argv=("solc",))

    async def solc_home(self, versions: tuple[str, ...], home: Path, sink: Sink | None = None) -> None:
        for version in versions:
            program = home / ".svm" / version / f"solc-{version}"
            program.parent.mkdir(parents=True, exist_ok=True)
            program.write_text(
                '#!/bin/sh\n[ "$1" = --version ] && exec echo "Version: '
                f'{version}+commit.73712a01.Linux.g++"\ncat > /dev/null\n'
                'echo "RuntimeError: memory access out of bounds" >&2\nexit 7\n'
            )
            program.chmod(0o755)

    def known_solc_versions(self) -> tuple[str, ...]:
        return self._inner.known_solc_versions()


async def test_a_compiler_out_of_memory_is_a_limit(bench: MakeBench, toolbox: Toolbox) -> None:
    b = bench(tools=ExhaustedToolbox(toolbox))
    build = await b.toolchain.build(b.request, b.sink)
    assert build.limit == "solc-memory"
    suite = await b.toolchain.test(b.request, UNIT, b.sink)
    assert suite.limit == "solc-memory"
    assert "memory is used up" in (await b.toolchain.coverage(b.request, UNIT, b.sink)).failure


async def test_a_broken_foundry_toml_is_named_with_its_line(bench: MakeBench) -> None:
    b = bench()
    b.write("foundry.toml", '[profile.default]\nsolc = "0.8.30\n')
    with pytest.raises(ToolchainConfigError) as caught:
        await b.toolchain.build(b.request, b.sink)
    assert caught.value.place is not None
    assert caught.value.place.line == 2


async def test_a_chain_that_does_not_answer_is_no_pass(bench: MakeBench) -> None:
    b = bench()
    selection = TestSelection(match_path="test/integration/**", rpc_url="http://127.0.0.1:9")
    suite = await b.toolchain.test(b.request, selection, b.sink)
    assert suite.limit == "network"
    assert suite.cases == ()


async def test_no_tests_is_an_empty_suite(bench: MakeBench) -> None:
    b = bench()
    suite = await b.toolchain.test(b.request, TestSelection(match_path="nothing/**"), b.sink)
    assert (suite.cases, suite.failure) == ((), "")
