"""Foundry as a toolchain, on a scripted forge."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from chainops.core.errors import InputError
from chainops.core.process import Command, Completed, MemoryProcessRunner, ScriptedAnswer, Sink
from chainops.core.tooluse import ToolUse
from chainops.toolchains.adapters.foundry import FoundryToolchain
from chainops.toolchains.errors import ToolchainConfigError, ToolchainOutputError, ToolchainTimeoutError
from chainops.toolchains.model import TestStatus
from chainops.toolchains.ports import TestSelection, ToolchainRequest
from chainops.toolchains.settings import FoundrySettings
from chainops.tools.ports import Tool

Fixture = Callable[[str], bytes]


class MemoryToolbox:
    """Knows forge and a few compilers, and remembers which HOME it filled."""

    def __init__(self) -> None:
        self.homes: list[tuple[tuple[str, ...], Path]] = []

    async def tool(self, name: str, sink: object = None) -> Tool:
        return Tool(use=ToolUse(name=name, version="1.7.1"), argv=(f"/tools/{name}",))

    async def solc(self, version: str, sink: object = None) -> Tool:
        return Tool(use=ToolUse(name="solc", version=version), argv=(f"/tools/solc-{version}",))

    async def solc_home(self, versions: tuple[str, ...], home: Path, sink: object = None) -> None:
        self.homes.append((versions, home))

    def known_solc_versions(self) -> tuple[str, ...]:
        return ("0.5.16", "0.8.15", "0.8.30")


class Bench:
    """A toolchain, its request, and what it was answered."""

    def __init__(self, tmp_path: Path, config: bytes, *answers: ScriptedAnswer, **settings: object) -> None:
        self.runner = MemoryProcessRunner(ScriptedAnswer(when="config --json", stdout=config), *answers)
        self.toolbox = MemoryToolbox()
        self.toolchain = FoundryToolchain(
            toolbox=self.toolbox, runner=self.runner, settings=FoundrySettings.model_validate(settings)
        )
        root = tmp_path / "project"
        root.mkdir(exist_ok=True)
        self.request = ToolchainRequest(
            project_root=root, build_dir=tmp_path / "build", scratch=tmp_path / "scratch", timeout_s=60.0
        )
        self.log = bytearray()

    def sink(self, data: bytes) -> None:
        self.log += data

    def called(self, word: str) -> Command:
        return next(command for command in self.runner.commands if word in command.argv)


@pytest.fixture
def bench(tmp_path: Path, forge_output: Fixture) -> Callable[..., Bench]:
    def make(*answers: ScriptedAnswer, **settings: object) -> Bench:
        config = settings.pop("config", None) or forge_output("config.json")
        assert isinstance(config, bytes)
        return Bench(tmp_path, config, *answers, **settings)

    return make


def leave_build(forge_output: Fixture) -> Callable[[Command], None]:
    """Write what a build of the fixture leaves."""

    def effect(command: Command) -> None:
        cache = Path(command.env["FOUNDRY_CACHE_PATH"])
        cache.mkdir(parents=True)
        index = forge_output("cache-index.json")
        (cache / "solidity-files-cache.json").write_bytes(index)
        out = Path(command.env["FOUNDRY_OUT"])
        for file in json.loads(index)["files"].values():
            for versions in file["artifacts"].values():
                for profiles in versions.values():
                    for built in profiles.values():
                        path = out / built["path"]
                        path.parent.mkdir(parents=True, exist_ok=True)
                        code = {"object": "0x6001"}
                        path.write_text(json.dumps({"bytecode": code, "deployedBytecode": code}))
                        info = out / "build-info" / f"{built['build_id']}.json"
                        info.parent.mkdir(exist_ok=True)
                        info.write_bytes(forge_output("build-info-part.json"))

    return effect


async def test_a_build_gives_contracts_warnings_and_versions(
    bench: Callable[..., Bench], forge_output: Fixture
) -> None:
    b = bench(ScriptedAnswer(when="build --build-info", effect=leave_build(forge_output)))
    result = await b.toolchain.build(b.request, b.sink)
    assert result.ok
    assert {c.fqn for c in result.contracts if c.deployable} == {
        "src/Bank.sol:Bank",
        "src/Counter.sol:Counter",
        "src/Ratio.sol:Ratio",
        "src/Warn.sol:Warn",
    }
    assert [d.code for d in result.diagnostics] == ["2018", "5667", "2072"]
    assert result.solc_versions == ("0.8.30",)
    assert result.build_infos
    assert result.output_dir == str(b.request.build_dir / "out")
    assert b.toolbox.homes == [(("0.8.30",), b.request.build_dir.parent / "home")]
    assert await b.toolchain.tools() == (
        ToolUse(name="forge", version="1.7.1"),
        ToolUse(name="solc", version="0.8.30"),
    )


async def test_a_compile_error_is_a_result(bench: Callable[..., Bench], forge_output: Fixture) -> None:
    b = bench(ScriptedAnswer(when="build", stderr=forge_output("build-error.txt"), returncode=1))
    result = await b.toolchain.build(b.request, b.sink)
    assert not result.ok
    assert result.failure.startswith("src/Bad.sol:5:16: ")
    assert b"Undeclared identifier" in b.log


class FfiRunner(MemoryProcessRunner):
    """Resolves `ffi` as forge does: from the file that FOUNDRY_CONFIG names, whatever FOUNDRY_FFI says."""

    def __init__(self, config: bytes, *answers: ScriptedAnswer, obeys: bool = True) -> None:
        super().__init__(*answers)
        self._config = config
        self._obeys = obeys

    async def run(self, command: Command, sink: Sink | None = None) -> Completed:
        if "config" not in command.argv:
            return await super().run(command, sink)
        self.commands.append(command)
        file = command.env.get("FOUNDRY_CONFIG")
        off = self._obeys and file is not None and "ffi = false" in Path(file).read_text()
        wish = b"false" if off else b"true"
        output = self._config.replace(b'"ffi": false', b'"ffi": ' + wish)
        if "--json" not in command.argv:
            output = b'[profile.default]\nsrc = "src"\nffi = true\nlibs = []\n'
        return Completed(
            argv=command.argv,
            returncode=0,
            stdout=output,
            stderr_tail=b"",
            duration_s=0.0,
            stdout_bytes=len(output),
        )


async def test_ffi_is_refused_and_told(bench: Callable[..., Bench], forge_output: Fixture) -> None:
    b = bench()
    (b.request.project_root / "foundry.toml").write_text(
        '[profile.default]\nffi = true\nextends = "base.toml"\n[profile.ci]\nfuzz.runs = 3\n'
    )
    (b.request.project_root / "base.toml").write_text("[profile.pr.fuzz]\nruns = 9\n")
    runner = FfiRunner(
        forge_output("config.json"), ScriptedAnswer(when="build", effect=leave_build(forge_output))
    )
    toolchain = FoundryToolchain(toolbox=b.toolbox, runner=runner)
    result = await toolchain.build(b.request, b.sink)
    assert result.diagnostics[0].code == "ffi-refused"
    build = next(command for command in runner.commands if "build" in command.argv)
    file = Path(build.env["FOUNDRY_CONFIG"])
    assert file.read_text() == (
        '[profile.default]\nsrc = "src"\nffi = false\nlibs = []\n\n[profile."ci"]\n\n[profile."pr"]\n'
    )
    assert file.stat().st_mode & 0o777 == 0o600


async def test_a_forge_that_does_not_refuse_ffi_is_not_used(
    bench: Callable[..., Bench], forge_output: Fixture
) -> None:
    b = bench()
    runner = FfiRunner(forge_output("config.json"), ScriptedAnswer(when="test"), obeys=False)
    with pytest.raises(ToolchainConfigError, match="cannot be made to refuse"):
        await FoundryToolchain(toolbox=b.toolbox, runner=runner).test(b.request, TestSelection(), b.sink)
    assert all("test" not in command.argv for command in runner.commands)


async def test_allowed_ffi_is_on(bench: Callable[..., Bench], forge_output: Fixture) -> None:
    b = bench(
        ScriptedAnswer(when="test", stdout=b"No tests found in project!"),
        config=forge_output("config.json").replace(b'"ffi": false', b'"ffi": true'),
        allow_ffi=True,
    )
    await b.toolchain.test(b.request, TestSelection(), b.sink)
    command = b.called("test")
    assert "--ffi" in command.argv
    assert "/tools" in command.env["PATH"].split(":")  # where node lies
    assert "FOUNDRY_CONFIG" not in command.env


async def test_an_unknown_compiler_is_a_limit_before_forge_runs(
    bench: Callable[..., Bench], forge_output: Fixture
) -> None:
    b = bench(config=forge_output("config.json").replace(b'"0.8.30"', b'"0.8.99"'))
    result = await b.toolchain.build(b.request, b.sink)
    assert (result.ok, result.limit) == (False, "solc-version")
    assert (await b.toolchain.test(b.request, TestSelection(), b.sink)).limit == "solc-version"
    assert "0.8.99" in (await b.toolchain.coverage(b.request, TestSelection(), b.sink)).failure
    assert "0.8.99" in (await b.toolchain.gas(b.request, TestSelection(), b.sink)).failure


async def test_a_compiler_of_the_projects_own_is_never_started(
    bench: Callable[..., Bench], forge_output: Fixture
) -> None:
    config = forge_output("config.json").replace(b'"solc": "0.8.30"', b'"solc": "./evil.sh"')
    b = bench(config=config)
    assert (await b.toolchain.build(b.request, b.sink)).limit == "own-compiler"
    assert all("build" not in command.argv for command in b.runner.commands)
    trusted = bench(
        ScriptedAnswer(when="build", effect=leave_build(forge_output)), config=config, allow_ffi=True
    )
    assert (await trusted.toolchain.build(trusted.request, trusted.sink)).ok


async def test_a_broken_foundry_toml_is_the_users_mistake(
    bench: Callable[..., Bench], tmp_path: Path, forge_output: Fixture
) -> None:
    b = bench()
    b.toolchain = FoundryToolchain(
        toolbox=b.toolbox,
        runner=MemoryProcessRunner(
            ScriptedAnswer(when="config", stderr=forge_output("config-broken.txt"), returncode=1)
        ),
    )
    with pytest.raises(ToolchainConfigError):
        await b.toolchain.build(b.request, b.sink)


async def test_a_killed_forge_is_never_a_pass(bench: Callable[..., Bench], forge_output: Fixture) -> None:
    b = bench(ScriptedAnswer(when="test", stdout=forge_output("test-report.json"), returncode=-9))
    with pytest.raises(ToolchainOutputError, match="signal 9"):
        await b.toolchain.test(b.request, TestSelection(), b.sink)


async def test_a_time_limit_is_told(bench: Callable[..., Bench]) -> None:
    b = bench(ScriptedAnswer(when="test", returncode=-9, timed_out=True))
    with pytest.raises(ToolchainTimeoutError, match="60 s"):
        await b.toolchain.test(b.request, TestSelection(), b.sink)


async def test_a_cut_report_is_never_a_pass(bench: Callable[..., Bench], forge_output: Fixture) -> None:
    for returncode in (0, 1):
        b = bench(
            ScriptedAnswer(when="test", stdout=forge_output("test-report.json")[:5000], returncode=returncode)
        )
        with pytest.raises(ToolchainOutputError, match="cut off"):
            await b.toolchain.test(b.request, TestSelection(), b.sink)


async def test_a_failure_beside_a_green_report_is_never_a_pass(bench: Callable[..., Bench]) -> None:
    green = b'{"test/A.t.sol:A":{"test_results":{"t()":{"status":"Success","kind":{"Unit":{"gas":1}}}}}}'
    b = bench(ScriptedAnswer(when="test", stdout=green, stderr=b"Error: snapshot differs", returncode=1))
    suite = await b.toolchain.test(b.request, TestSelection(), b.sink)
    assert "exit code 1 although no test" in suite.failure
    assert "snapshot differs" in suite.failure


async def test_wrong_arguments_are_the_users_mistake(bench: Callable[..., Bench]) -> None:
    b = bench(ScriptedAnswer(when="test", stderr=b"error: invalid value '[' for ...", returncode=2))
    with pytest.raises(InputError, match="forge test does not take"):
        await b.toolchain.test(b.request, TestSelection(), b.sink)


async def test_tests_are_read_completed_and_placed(
    bench: Callable[..., Bench], forge_output: Fixture
) -> None:
    b = bench(
        ScriptedAnswer(when="--list", stdout=forge_output("test-list.json")),
        ScriptedAnswer(when="test --json", stdout=forge_output("test-report.json"), returncode=1),
        test_args=["--threads", "1"],
    )
    test = b.request.project_root / "test" / "Fail.t.sol"
    test.parent.mkdir()
    test.write_text("contract FailTest {\n\n  function test_Eq() public {}\n}\n")
    suite = await b.toolchain.test(b.request, TestSelection(match_path="test/**"), b.sink)
    named = {case.name: case for case in suite.cases}
    assert str(named["test_Eq()"].place) == "test/Fail.t.sol:3"
    assert named["test_B"].reason == "setUp failed: no setup"
    assert suite.count(TestStatus.FAILED) > 10
    assert suite.seed == "0x2a"
    assert b"traces" not in Path(suite.report_file).read_bytes()
    command = next(c for c in b.runner.commands if c.argv[1:3] == ("test", "--json"))
    assert command.argv[1:] == ("test", "--json", "--match-path", "test/**", "--threads", "1")
    assert b.log == b""  # a report is no log


async def test_a_seed_is_fixed_when_nobody_names_one(
    bench: Callable[..., Bench], forge_output: Fixture
) -> None:
    seedless = forge_output("config.json").replace(b'"seed": "0x2a"', b'"seed": null')
    b = bench(ScriptedAnswer(when="test", stdout=b"No tests found in project!"), config=seedless)
    suite = await b.toolchain.test(b.request, TestSelection(), b.sink)
    assert suite.seed == b.called("test").env["FOUNDRY_FUZZ_SEED"] == "0x1"


async def test_the_configs_seed_wins(bench: Callable[..., Bench]) -> None:
    b = bench(ScriptedAnswer(when="test", stdout=b"No tests found in project!"), fuzz_seed="7")
    assert (await b.toolchain.test(b.request, TestSelection(), b.sink)).seed == "7"


async def test_an_unreachable_chain_is_told(bench: Callable[..., Bench]) -> None:
    words = b"Error: could not instantiate forked environment with provider 127.0.0.1\n"
    b = bench(ScriptedAnswer(when="test", stderr=words, returncode=1))
    suite = await b.toolchain.test(b.request, TestSelection(rpc_url="http://127.0.0.1:9"), b.sink)
    assert suite.limit == "network"
    assert b.called("test").env["FOUNDRY_ETH_RPC_URL"] == "http://127.0.0.1:9"


def leave_lcov(forge_output: Fixture) -> Callable[[Command], None]:
    def effect(command: Command) -> None:
        path = Path(command.argv[command.argv.index("--report-file") + 1])
        path.write_bytes(forge_output("lcov.info"))

    return effect


async def test_coverage_compiles_for_itself(bench: Callable[..., Bench], forge_output: Fixture) -> None:
    b = bench(
        ScriptedAnswer(
            when="coverage", stdout=forge_output("coverage-summary.txt"), effect=leave_lcov(forge_output)
        )
    )
    coverage = await b.toolchain.coverage(b.request, TestSelection(), b.sink)
    assert [file.path for file in coverage.files] == ["src/Bank.sol", "src/Counter.sol", "src/Ratio.sol"]
    assert all(file.statements for file in coverage.files)
    assert (coverage.accuracy, coverage.failure) == ("", "")
    assert b.called("coverage").env["FOUNDRY_OUT"].startswith(str(b.request.scratch))


async def test_coverage_falls_back_and_says_what_that_costs(
    bench: Callable[..., Bench], forge_output: Fixture
) -> None:
    b = bench(
        ScriptedAnswer(when="--ir-minimum", effect=leave_lcov(forge_output)),
        ScriptedAnswer(when="coverage", stderr=forge_output("coverage-stack.txt"), returncode=1),
    )
    coverage = await b.toolchain.coverage(b.request, TestSelection(), b.sink)
    assert coverage.files
    assert "--ir-minimum" in coverage.accuracy
    assert "less exactly" in coverage.accuracy
    assert coverage.failure == ""


async def test_coverage_that_fails_twice_says_so(bench: Callable[..., Bench], forge_output: Fixture) -> None:
    b = bench(ScriptedAnswer(when="coverage", stderr=forge_output("coverage-stack.txt"), returncode=1))
    coverage = await b.toolchain.coverage(b.request, TestSelection(), b.sink)
    assert coverage.files == ()
    assert "stack too deep" in coverage.failure
    assert "--ir-minimum" in coverage.failure


async def test_another_failure_of_coverage_has_no_second_try(
    bench: Callable[..., Bench], forge_output: Fixture
) -> None:
    b = bench(ScriptedAnswer(when="coverage", stderr=forge_output("build-error.txt"), returncode=1))
    coverage = await b.toolchain.coverage(b.request, TestSelection(), b.sink)
    assert "Undeclared identifier" in coverage.failure
    assert sum("coverage" in command.argv for command in b.runner.commands) == 1


async def test_gas_is_read_and_kept(bench: Callable[..., Bench], forge_output: Fixture) -> None:
    b = bench(ScriptedAnswer(when="--gas-report", stdout=forge_output("gas-report.json"), returncode=1))
    gas = await b.toolchain.gas(b.request, TestSelection(), b.sink)
    assert len(gas.entries) == len(json.loads(Path(gas.report_file).read_bytes())) > 5
    assert gas.failure == ""


async def test_gas_that_cannot_be_measured_says_why(
    bench: Callable[..., Bench], forge_output: Fixture
) -> None:
    b = bench(ScriptedAnswer(when="--gas-report", stderr=forge_output("build-error.txt"), returncode=1))
    gas = await b.toolchain.gas(b.request, TestSelection(), b.sink)
    assert gas.failure.startswith("gas could not be measured: src/Bad.sol:5:16: ")
