"""The linters' reports are read as they are; a linter that failed is never a clean one."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainops.analysis.adapters import forge_fmt, forge_lint, solhint
from chainops.analysis.adapters.forge_fmt import ForgeFmtAnalyzer
from chainops.analysis.adapters.forge_lint import ForgeLintAnalyzer
from chainops.analysis.adapters.running import Capture
from chainops.analysis.adapters.solhint import SolhintAnalyzer
from chainops.analysis.errors import AnalyzerError
from chainops.analysis.ports import AnalysisRequest
from chainops.analysis.sources import Sources
from chainops.core.errors import ChainopsError
from chainops.core.process import MemoryProcessRunner, ScriptedAnswer
from chainops.tools.ports import Toolbox

WANTED = frozenset(("src/Bank.sol",))


def nothing(data: bytes) -> None:
    """Drop the log."""


def answering(**answer: Any) -> MemoryProcessRunner:
    return MemoryProcessRunner(ScriptedAnswer(when="", **answer))


class TestForgeLint:
    async def test_diagnostics_of_the_sources_are_findings(
        self, toolbox: Toolbox, request_for: AnalysisRequest, fixtures: Path
    ) -> None:
        runner = answering(stderr=b"Compiling 3 files\n" + (fixtures / "forge/lint.jsonl").read_bytes())
        log = bytearray()
        report = await ForgeLintAnalyzer(toolbox=toolbox, runner=runner).analyze(request_for, log.extend)
        assert [(str(f.places[0]), f.rule, f.severity.label) for f in report.findings] == [
            ("src/Bank.sol:20:9", "custom-errors", "info"),
            ("src/Bank.sol:27:9", "custom-errors", "info"),
            ("src/Bank.sol:38:9", "unchecked-call", "low"),
        ]
        assert report.findings[2].symbol == "Bank.destroy"
        assert report.findings[2].excerpt == 'to.call("");'
        assert report.findings[2].url.endswith("#unchecked-call")
        assert bytes(log) == b"Compiling 3 files\n"

    async def test_a_project_too_old_for_it_is_reported_as_not_looked_at(
        self, toolbox: Toolbox, request_for: AnalysisRequest
    ) -> None:
        printed = b"Error: unable to lint. Solar only supports Solidity versions >=0.8.0\n"
        runner = answering(stderr=printed, returncode=1)
        report = await ForgeLintAnalyzer(toolbox=toolbox, runner=runner).analyze(request_for, nothing)
        assert report.findings == ()
        assert "0.8.0" in report.not_run

    async def test_it_leaves_the_runs_build_alone(
        self, toolbox: Toolbox, request_for: AnalysisRequest
    ) -> None:
        runner = answering()
        await ForgeLintAnalyzer(toolbox=toolbox, runner=runner).analyze(request_for, nothing)
        env = runner.commands[0].env
        for name in ("FOUNDRY_OUT", "FOUNDRY_CACHE_PATH"):
            assert env[name].startswith(str(request_for.scratch))
        assert env["FOUNDRY_OFFLINE"] == "true"

    async def test_more_than_the_runner_keeps_of_stderr_is_read(
        self, toolbox: Toolbox, request_for: AnalysisRequest, fixtures: Path
    ) -> None:
        runner = answering(stderr=(fixtures / "forge/lint.jsonl").read_bytes() * 50)
        report = await ForgeLintAnalyzer(toolbox=toolbox, runner=runner).analyze(request_for, nothing)
        assert len(report.findings) == 150

    async def test_sources_that_do_not_compile_are_left_to_the_compilation(
        self, toolbox: Toolbox, request_for: AnalysisRequest
    ) -> None:
        said = b"Error: Compiler run failed:\nError (2314): Expected identifier\n --> src/Bad.sol:1:2\n"
        subject = ForgeLintAnalyzer(toolbox=toolbox, runner=answering(stderr=said, returncode=1))
        report = await subject.analyze(request_for, nothing)
        assert report.not_run == "the sources do not compile"

    async def test_a_missing_compiler_is_named_with_the_way_out(
        self, toolbox: Toolbox, request_for: AnalysisRequest
    ) -> None:
        said = b"Error: can't install missing solc 0.8.30 in offline mode\n"
        subject = ForgeLintAnalyzer(toolbox=toolbox, runner=answering(stderr=said, returncode=1))
        with pytest.raises(AnalyzerError, match=r"missing solc 0\.8\.30") as caught:
            await subject.analyze(request_for, nothing)
        assert "compilation" in caught.value.hint

    async def test_denied_lints_are_findings_and_no_failure(
        self, toolbox: Toolbox, request_for: AnalysisRequest, fixtures: Path
    ) -> None:
        runner = answering(stderr=(fixtures / "forge/lint.jsonl").read_bytes(), returncode=1)
        report = await ForgeLintAnalyzer(toolbox=toolbox, runner=runner).analyze(request_for, nothing)
        assert len(report.findings) == 3

    async def test_a_cut_diagnostic_is_refused(
        self, toolbox: Toolbox, request_for: AnalysisRequest, fixtures: Path
    ) -> None:
        runner = answering(stderr=(fixtures / "forge/lint.jsonl").read_bytes()[:-30])
        with pytest.raises(AnalyzerError, match="cannot be read"):
            await ForgeLintAnalyzer(toolbox=toolbox, runner=runner).analyze(request_for, nothing)

    def test_output_beyond_the_limit_is_refused(self) -> None:
        capture = Capture(name="forge-lint", limit_bytes=4)
        capture.take(b"123")
        for more in (b"456", b"7"):
            with pytest.raises(AnalyzerError, match="forge-lint printed more than the 4 B read"):
                capture.take(more)
        assert not capture.kept


class TestForgeFmt:
    async def test_unformatted_files_are_named_with_the_first_line_to_change(
        self, toolbox: Toolbox, request_for: AnalysisRequest, fixtures: Path
    ) -> None:
        runner = answering(stdout=(fixtures / "forge/fmt-check.diff").read_bytes(), returncode=1)
        report = await ForgeFmtAnalyzer(toolbox=toolbox, runner=runner).analyze(request_for, nothing)
        assert [(str(f.places[0]), f.rule) for f in report.findings] == [
            ("src/Bank.sol:32", "format"),
            ("test/Bank.t.sol:4", "format"),
        ]

    async def test_a_formatted_project_has_no_findings(
        self, toolbox: Toolbox, request_for: AnalysisRequest
    ) -> None:
        report = await ForgeFmtAnalyzer(toolbox=toolbox, runner=answering()).analyze(request_for, nothing)
        assert report.findings == ()

    @pytest.mark.parametrize(
        ("stdout", "returncode"), [(b"", 1), (b"", 2), (b"Diff in src/Bank.sol:\n", 0), (b"", -9)]
    )
    async def test_an_exit_code_that_contradicts_the_output_is_a_failure(
        self, toolbox: Toolbox, request_for: AnalysisRequest, stdout: bytes, returncode: int
    ) -> None:
        runner = answering(stdout=stdout, returncode=returncode, stderr=b"Error: solar run failed\n")
        with pytest.raises(AnalyzerError, match="solar run failed"):
            await ForgeFmtAnalyzer(toolbox=toolbox, runner=runner).analyze(request_for, nothing)


class TestSolhint:
    async def test_reports_are_findings(
        self, toolbox: Toolbox, request_for: AnalysisRequest, fixtures: Path
    ) -> None:
        runner = answering(stdout=(fixtures / "solhint/bank.json").read_bytes(), returncode=1)
        report = await SolhintAnalyzer(toolbox=toolbox, runner=runner).analyze(request_for, nothing)
        assert [(str(f.places[0]), f.rule, f.severity.label) for f in report.findings] == [
            ("src/Bank.sol:2:1", "compiler-version", "low"),
            ("src/Bank.sol:36:17", "avoid-tx-origin", "info"),
            ("src/Bank.sol:37:10", "no-unused-vars", "info"),
            ("src/Bank.sol:37:21", "avoid-low-level-calls", "info"),
            ("src/Bank.sol:38:9", "avoid-low-level-calls", "info"),
        ]
        assert report.details == {"rules": "default"}

    async def test_a_syntax_error_that_it_reports_is_a_finding(
        self, toolbox: Toolbox, request_for: AnalysisRequest, fixtures: Path
    ) -> None:
        runner = answering(stdout=(fixtures / "solhint/parse-error.json").read_bytes(), returncode=1)
        report = await SolhintAnalyzer(toolbox=toolbox, runner=runner).analyze(request_for, nothing)
        assert [(f.rule, str(f.places[0])) for f in report.findings] == [("parse-error", "src/Bad.sol:2:10")]

    @pytest.mark.parametrize("name", [".solhint.json", ".solhintrc.yaml"])
    async def test_the_projects_own_rules_come_first(
        self, toolbox: Toolbox, request_for: AnalysisRequest, name: str
    ) -> None:
        runner = answering(stdout=b"[]\n")
        subject = SolhintAnalyzer(toolbox=toolbox, runner=runner)
        await subject.analyze(request_for, nothing)
        (request_for.project_root / name).write_text("{}")
        report = await subject.analyze(request_for, nothing)
        assert ["--config" in c.argv for c in runner.commands] == [True, False]
        assert report.details == {"rules": "project"}

    async def test_names_are_no_patterns(self, toolbox: Toolbox, request_for: AnalysisRequest) -> None:
        from dataclasses import replace

        runner = answering(stdout=b"[]\n")
        request = replace(request_for, sources=("src/a [b]/*.sol",))
        await SolhintAnalyzer(toolbox=toolbox, runner=runner).analyze(request, nothing)
        assert runner.commands[0].argv[-1] == r"src/a \[b\]/\*.sol"

    @pytest.mark.parametrize(
        "answer",
        [
            {"returncode": 255, "stderr": b"Error!! Configuration does not exists\n"},
            {"returncode": 1, "stdout": b""},
            {"returncode": 1, "stdout": b"[]\n"},
            {"returncode": 0, "stdout": b'[{"line":2,'},
            {"returncode": 0, "stdout": b'{"line":2}'},
            {"returncode": -9},
        ],
    )
    async def test_a_failed_run_is_a_failure(
        self, toolbox: Toolbox, request_for: AnalysisRequest, answer: dict[str, Any]
    ) -> None:
        with pytest.raises(AnalyzerError):
            await SolhintAnalyzer(toolbox=toolbox, runner=answering(**answer)).analyze(request_for, nothing)

    async def test_a_crash_of_its_parser_is_left_to_the_compilation(
        self, toolbox: Toolbox, request_for: AnalysisRequest
    ) -> None:
        said = (
            b"TypeError: Cannot read\n    at x (node_modules/@solidity-parser/parser/dist/index.cjs.js:1:1)\n"
        )
        subject = SolhintAnalyzer(toolbox=toolbox, runner=answering(stderr=said, returncode=255))
        report = await subject.analyze(request_for, nothing)
        assert report.not_run == "solhint cannot parse the sources"

    async def test_nothing_to_lint_is_no_failure(
        self, toolbox: Toolbox, request_for: AnalysisRequest
    ) -> None:
        from dataclasses import replace

        runner = answering(returncode=255)
        report = await SolhintAnalyzer(toolbox=toolbox, runner=runner).analyze(
            replace(request_for, sources=()), nothing
        )
        assert (report.findings, runner.commands) == ((), [])


NOWHERE = Sources(Path("/nowhere"))
PARSERS: list[Callable[[bytes], Iterable[Any]]] = [
    lambda data: forge_lint.findings(data.decode("utf-8", errors="replace"), WANTED, NOWHERE),
    lambda data: forge_fmt.unformatted(data.decode("utf-8", errors="replace")),
    lambda data: solhint.findings(data, NOWHERE),
]
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(
            [
                "message", "code", "level", "spans", "children", "file_name", "line_start", "is_primary",
                "filePath", "line", "column", "severity", "ruleId", "conclusion",
            ]
        ),
        inner,
        max_size=6,
    ),
    max_leaves=20,
)  # fmt: skip
PROSE = st.lists(
    st.sampled_from(
        ["Diff in ", "src/A.sol", ":\n", "1", " |", "-", "+", "\n", "{", "}", "--------------------"]
    )
).map(lambda parts: "".join(parts).encode())
INPUTS = st.one_of(st.binary(), PROSE, VALUES.map(lambda v: json.dumps(v).encode()))


def check_parsers(data: bytes) -> None:
    for parser in PARSERS:
        try:
            list(parser(data))
        except ChainopsError:
            continue


@given(INPUTS)
def test_any_output_is_read_or_refused(data: bytes) -> None:
    check_parsers(data)


@pytest.mark.chaos
@settings(max_examples=10_000, deadline=None)
@given(INPUTS)
def test_ten_thousand_outputs_are_read_or_refused(data: bytes) -> None:
    check_parsers(data)
