"""Slither's report is read as it is; a failed run is never a clean one."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainops.analysis.adapters import condense_report
from chainops.analysis.adapters.slither import SlitherAnalyzer
from chainops.analysis.adapters.slither_report import findings, parse
from chainops.analysis.errors import AnalyzerError
from chainops.analysis.model import Severity
from chainops.analysis.ports import AnalysisRequest
from chainops.analysis.sources import Sources
from chainops.core.errors import ChainopsError
from chainops.core.process import (
    Command,
    Completed,
    LocalProcessRunner,
    MemoryProcessRunner,
    ScriptedAnswer,
    Sink,
)
from chainops.tools.ports import Toolbox

WANTED = frozenset(("src/Bank.sol",))


def nothing(data: bytes) -> None:
    """Drop the log."""


@pytest.fixture
def report(fixtures: Path, bank: Path) -> bytes:
    return (fixtures / "slither/bank.json").read_text().replace("/project/", f"{bank}/").encode()


@pytest.fixture
def built(request_for: AnalysisRequest, tmp_path: Path) -> AnalysisRequest:
    """A request with a build-info that describes the project's files."""
    write_build(request_for.project_root, tmp_path / "out")
    return replace(request_for, build_output=tmp_path / "out")


def write_build(root: Path, output: Path) -> None:
    paths = ("src/Bank.sol", "lib/dep/Dep.sol")
    info = {
        "id": "1",
        "source_id_to_path": {str(n): path for n, path in enumerate(paths)},
        "language": "Solidity",
        "input": {"version": "0.8.30", "sources": {p: {"content": (root / p).read_text()} for p in paths}},
        "output": {},
    }
    folder = output / "build-info"
    folder.mkdir(parents=True)
    (folder / "1.json").write_text(json.dumps(info, separators=(",", ":")))


def writes(data: bytes) -> Callable[[Command], None]:
    def effect(command: Command) -> None:
        Path(command.argv[command.argv.index("--json") + 1]).write_bytes(data)

    return effect


def copies(command: Command) -> None:
    """Stand for the program that cuts a build-info down: keep all of it."""
    assert json.loads(command.stdin) == ["src/Bank.sol"]
    shutil.copy(command.argv[-2], command.argv[-1])


class SlitherAsScripted(MemoryProcessRunner):
    """Answers for slither as scripted; our own program that condenses its report runs as it is."""

    async def run(self, command: Command, sink: Sink | None = None) -> Completed:
        if condense_report.__name__ in command.argv:
            return await LocalProcessRunner().run(command, sink)
        return await super().run(command, sink)


def analyzer(toolbox: Toolbox, **answer: Any) -> tuple[SlitherAnalyzer, MemoryProcessRunner]:
    runner = SlitherAsScripted(
        ScriptedAnswer(when="trim_build", effect=copies), ScriptedAnswer(when="--ignore-compile", **answer)
    )
    return SlitherAnalyzer(toolbox=toolbox, runner=runner), runner


async def test_findings_have_place_symbol_excerpt_explanation_and_page(
    toolbox: Toolbox, built: AnalysisRequest, report: bytes
) -> None:
    subject, _ = analyzer(toolbox, effect=writes(report))
    result = await subject.analyze(built, nothing)
    finding = next(f for f in result.findings if f.rule == "reentrancy-eth")
    assert (str(finding.places[0]), finding.symbol) == ("src/Bank.sol:19:9", "Bank.withdraw")
    assert finding.message == "Reentrancy in Bank.withdraw()"
    assert finding.excerpt == '(bool ok,) = msg.sender.call{value: amount}("");'
    assert (finding.severity.label, finding.confidence.label) == ("high", "medium")
    assert "State variables written after the call" in finding.explanation
    assert "check-effects-interactions" in finding.explanation
    assert finding.url.endswith("#reentrancy-vulnerabilities-1")
    assert len(parse(result.raw).results.detectors) == 18, "only what is about the sources is kept"


def test_condensing_changes_no_finding(report: bytes, bank: Path) -> None:
    whole = json.loads(report)
    short = condense_report.condense(whole, str(bank), WANTED)
    data = json.dumps(short).encode()
    assert findings(parse(data), WANTED, Sources(bank)) == findings(parse(report), WANTED, Sources(bank))
    assert len(data) < len(report) / 2
    assert short["results"]["total"] == len(whole["results"]["detectors"])


async def test_dependencies_and_tests_are_left_out(
    toolbox: Toolbox, built: AnalysisRequest, report: bytes
) -> None:
    subject, _ = analyzer(toolbox, effect=writes(report))
    result = await subject.analyze(built, nothing)
    assert {f.places[0].path for f in result.findings} == WANTED
    assert len(result.findings) == 18
    assert result.details["outside"] == 3
    assert len({f.fingerprint for f in result.findings}) == 18


async def test_it_compiles_nothing_and_gets_a_clean_environment(
    toolbox: Toolbox, built: AnalysisRequest, report: bytes
) -> None:
    subject, runner = analyzer(toolbox, effect=writes(report))
    await subject.analyze(replace(built, env={"PROJECT": "1"}), nothing)
    command = runner.commands[-1]
    assert command.cwd == built.project_root
    assert command.marker == "m"
    assert set(command.env) <= {
        "PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR",
        "NODE_EXTRA_CA_CERTS", "HOME", "PROJECT", "FOUNDRY_OFFLINE", "NO_COLOR",
    }  # fmt: skip
    assert command.env["PATH"].startswith("/tools/forge/bin:/tools/slither/bin:")
    assert command.env["HOME"].startswith(str(built.scratch))


async def test_an_old_report_is_removed_before_the_run(
    toolbox: Toolbox, built: AnalysisRequest, report: bytes
) -> None:
    (built.scratch / "slither.json").write_bytes(report)
    subject, _ = analyzer(toolbox, returncode=1, stderr=b"Traceback\nInvalidCompilation: no AST\n")
    with pytest.raises(
        AnalyzerError, match=r"slither 1\.2\.3 failed with exit code 1: InvalidCompilation: no AST"
    ):
        await subject.analyze(built, nothing)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b'{"success": false, "error": "it broke", "results": {}}', "it broke"),
        (b'{"success": true, "error": null, "results"', "cannot be read"),
        (b"", "cannot be read"),
        (b"[]", "cannot be read"),
        (b'{"error": null}', "success"),
        (b"\xff\xfe", "cannot be read"),
    ],
)
async def test_a_report_without_success_is_a_failure(
    toolbox: Toolbox, built: AnalysisRequest, data: bytes, words: str
) -> None:
    subject, _ = analyzer(toolbox, effect=writes(data))
    with pytest.raises(AnalyzerError, match=words):
        await subject.analyze(built, nothing)


async def test_no_detectors_means_no_findings(toolbox: Toolbox, built: AnalysisRequest) -> None:
    subject, _ = analyzer(toolbox, effect=writes(b'{"success": true, "error": null, "results": {}}'))
    assert (await subject.analyze(built, nothing)).findings == ()


async def test_a_report_that_would_fill_the_memory_is_refused(
    toolbox: Toolbox, built: AnalysisRequest
) -> None:
    def effect(command: Command) -> None:
        with Path(command.argv[command.argv.index("--json") + 1]).open("wb") as file:
            file.truncate(500 << 20)

    subject, _ = analyzer(toolbox, effect=effect)
    with pytest.raises(AnalyzerError, match=r"report holds 5.* are read") as caught:
        await subject.analyze(built, nothing)
    assert "slither.config.json" in caught.value.hint


async def test_time_limit_and_signal_are_failures(
    toolbox: Toolbox, built: AnalysisRequest, report: bytes
) -> None:
    late, _ = analyzer(toolbox, effect=writes(report), timed_out=True)
    with pytest.raises(AnalyzerError, match=r"did not end within 1m 00s"):
        await late.analyze(built, nothing)
    killed, _ = analyzer(toolbox, effect=writes(report), returncode=-9)
    with pytest.raises(AnalyzerError, match="was ended by signal 9"):
        await killed.analyze(built, nothing)


async def test_a_build_that_does_not_describe_the_sources_is_refused(
    toolbox: Toolbox, built: AnalysisRequest, report: bytes
) -> None:
    with (built.project_root / "src/Bank.sol").open("a") as file:
        file.write("// changed since\n")
    subject, runner = analyzer(toolbox, effect=writes(report))
    with pytest.raises(AnalyzerError, match="does not describe the sources as they are now"):
        await subject.analyze(built, nothing)
    with pytest.raises(AnalyzerError, match="needs the build of this run"):
        await subject.analyze(replace(built, build_output=None), nothing)
    assert runner.commands == []


class MemoryBuilds:
    """Compiles in one go by writing what a compiler would leave."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, ...]] = []

    async def build(self, request: AnalysisRequest, folder: Path, sink: Sink) -> Path:
        self.asked.append(request.sources)
        write_build(request.project_root, folder / "out")
        return folder / "out"


async def test_an_incremental_build_is_made_whole_once(
    toolbox: Toolbox, built: AnalysisRequest, report: bytes
) -> None:
    with (built.project_root / "src/Bank.sol").open("a") as file:
        file.write("// changed since\n")
    builds = MemoryBuilds()
    for _ in range(2):
        runner = SlitherAsScripted(
            ScriptedAnswer(when="trim_build", effect=copies),
            ScriptedAnswer(when="--ignore-compile", effect=writes(report)),
        )
        await SlitherAnalyzer(toolbox=toolbox, runner=runner, builds=builds).analyze(built, nothing)
    assert builds.asked == [built.sources], "the second scan uses what the first one compiled"


async def test_only_builds_that_describe_the_sources_are_given_to_slither(
    toolbox: Toolbox, built: AnalysisRequest, report: bytes
) -> None:
    assert built.build_output is not None
    folder = built.build_output / "build-info"
    stale = (folder / "1.json").read_text().replace("mapping", "mapping /* older */")
    (folder / "0.json").write_text(stale)
    shutil.copy(folder / "1.json", folder / "2.json")
    given: list[str] = []

    def effect(command: Command) -> None:
        place = Path(command.argv[command.argv.index("--foundry-build-info-directory") + 1])
        given.extend(p.read_text() for p in place.iterdir())
        writes(report)(command)

    subject, _ = analyzer(toolbox, effect=effect)
    await subject.analyze(built, nothing)
    assert len(given) == 1
    assert "older" not in given[0]


def test_every_severity_of_slither_is_known(report: bytes, bank: Path) -> None:
    found = findings(parse(report), WANTED, Sources(bank))
    assert {f.severity for f in found} == {Severity.INFO, Severity.LOW, Severity.MEDIUM, Severity.HIGH}
    data = json.loads(report)
    data["results"]["detectors"][0]["impact"] = "Fatal"
    with pytest.raises(AnalyzerError, match="'Fatal'"):
        findings(parse(json.dumps(data).encode()), WANTED, Sources(bank))


def test_the_same_result_of_two_compilations_counts_once(report: bytes, bank: Path) -> None:
    data = json.loads(report)
    data["results"]["detectors"] *= 2
    assert len(findings(parse(json.dumps(data).encode()), WANTED, Sources(bank))) == 18


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=8)
    | st.sampled_from(["High", "Low", "function"]),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(
            [
                "success", "error", "results", "detectors", "list-detectors", "elements", "check", "impact",
                "confidence", "description", "type", "name", "source_mapping", "start", "length", "lines",
                "filename_relative", "filename_absolute", "type_specific_fields", "parent",
            ]
        ),
        inner,
        max_size=6,
    ),
    max_leaves=30,
)  # fmt: skip


def check_parsing(data: bytes) -> None:
    try:
        findings(parse(data), WANTED, Sources(Path("/nowhere")))
    except ChainopsError:
        return


@given(st.one_of(st.binary(), JSON.map(lambda v: json.dumps(v).encode())))
def test_any_report_is_read_or_refused(data: bytes) -> None:
    check_parsing(data)


@pytest.mark.chaos
@settings(max_examples=10_000, deadline=None)
@given(st.one_of(st.binary(), JSON.map(lambda v: json.dumps(v).encode())))
def test_ten_thousand_reports_are_read_or_refused(data: bytes) -> None:
    check_parsing(data)


@settings(deadline=None)
@given(st.integers(0, 68_000), st.binary(max_size=3))
def test_a_damaged_report_is_read_or_refused(fixtures: Path, position: int, damage: bytes) -> None:
    data = (fixtures / "slither/bank.json").read_bytes()
    check_parsing(data[:position] + damage + data[position + len(damage) :])
    check_parsing(data[:position])


async def test_a_build_info_that_cannot_be_cut_down_is_a_failure(
    toolbox: Toolbox, built: AnalysisRequest
) -> None:
    broken = ScriptedAnswer(when="trim_build", returncode=1, stderr=b"KeyError: 'output'\n")
    subject = SlitherAnalyzer(toolbox=toolbox, runner=MemoryProcessRunner(broken))
    with pytest.raises(AnalyzerError, match=r"cannot read the build-info .*: KeyError: 'output'"):
        await subject.analyze(built, nothing)
