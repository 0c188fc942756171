"""Runs `forge lint` with the project's own settings and turns its diagnostics into findings."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel, ValidationError

from chainops.analysis.adapters.running import Capture, environment, failed, run_tool
from chainops.analysis.errors import AnalyzerError
from chainops.analysis.identify import identify
from chainops.analysis.model import Confidence, Finding, Severity
from chainops.analysis.ports import AnalysisReport, AnalysisRequest, CompilerProvider
from chainops.analysis.sources import Sources
from chainops.core.errors import Place
from chainops.core.process import Completed, ProcessRunner, Sink
from chainops.core.text import clean, decode, one_line
from chainops.tools.ports import Tool, Toolbox

#: forge prints `warning` for its high, medium and low lints and `note` for info, gas and code size
_SEVERITIES = {
    "error": Severity.MEDIUM,
    "warning": Severity.LOW,
    "note": Severity.INFO,
    "help": Severity.INFO,
}
#: said of the whole project when one of its compilers is older
_TOO_OLD = "Solar only supports Solidity versions >=0.8.0"
_UNCOMPILABLE = "Compiler run failed"
_HINTS = {
    "missing solc": "run the dependency-install and compilation stages first: they provide the compiler",
    "install missing": "run the dependency-install stage first",
}


class ForgeLintAnalyzer:
    """`forge lint`. It compiles for itself, to a folder of its own: the run's build stays as it is."""

    name = "forge-lint"

    def __init__(
        self, *, toolbox: Toolbox, runner: ProcessRunner, compilers: CompilerProvider | None = None
    ) -> None:
        """Take `compilers` where no stage before has put them into the HOME."""
        self._toolbox = toolbox
        self._runner = runner
        self._compilers = compilers

    async def analyze(self, request: AnalysisRequest, sink: Sink) -> AnalysisReport:
        """See `Analyzer.analyze`. A project that does not compile cannot be looked at."""
        forge = await self._toolbox.tool("forge", sink)
        if self._compilers:
            await self._compilers.provide(request, sink)
        own = {
            "FOUNDRY_OUT": str(request.scratch / "lint-out"),
            "FOUNDRY_CACHE_PATH": str(request.scratch / "lint-cache"),
        }
        env = environment(request, forge, extra=own)
        # the diagnostics come on stderr, among forge's own prose; stdout stays empty, so it may go there too
        printed = Capture(name=self.name)
        arguments = ("lint", "--json")
        completed = await run_tool(
            self._runner, forge, arguments, request, printed.take, env=env, result_on_stdout=False
        )
        text = decode(bytes(printed.kept))
        sink("".join(f"{line}\n" for line in text.splitlines() if not line.startswith("{")).encode())
        found = tuple(findings(text, frozenset(request.sources), Sources(request.project_root)))
        if _TOO_OLD in text:
            return AnalysisReport(
                tool=forge.use, findings=(), not_run="forge lint reads Solidity from 0.8.0 on"
            )
        # `deny` in foundry.toml makes lints an exit code 1
        if completed.returncode and not any(line.startswith("{") for line in text.splitlines()):
            if _UNCOMPILABLE in completed.error_text:
                # the compilation stage fails with every error and its place: that is the cause to show
                return AnalysisReport(tool=forge.use, findings=(), not_run="the sources do not compile")
            raise _failure(forge, completed)
        return AnalysisReport(
            tool=forge.use,
            findings=identify(found),
            raw=bytes(printed.kept),
            raw_name="forge-lint.jsonl",
        )


class Position(BaseModel):
    """Where a diagnostic points. Lines and columns count from 1."""

    file_name: str
    line_start: int = 0
    line_end: int = 0
    column_start: int = 0
    is_primary: bool = False


class Code(BaseModel):
    """A rule's name."""

    code: str


class Child(BaseModel):
    """A remark on a diagnostic; the last one is a link."""

    message: str = ""


class Diagnostic(BaseModel):
    """One line of `forge lint --json`, in the shape of rustc's diagnostics."""

    message: str
    code: Code | None = None
    level: str
    spans: list[Position] = []
    children: list[Child] = []


def findings(printed: str, wanted: frozenset[str], sources: Sources) -> Iterator[Finding]:
    """Yield the lints about `wanted` sources; raises `AnalyzerError` for a diagnostic of another shape."""
    for line in printed.splitlines():
        # forge's own prose (`Compiling 3 files …`) stands between its diagnostics
        if not line.startswith("{"):
            continue
        diagnostic = _parse(line)
        span = next((s for s in diagnostic.spans if s.is_primary), None) or next(iter(diagnostic.spans), None)
        if diagnostic.code is None or span is None:
            continue
        path = sources.relative(span.file_name)
        if path in wanted:
            yield _finding(diagnostic, diagnostic.code.code, span, path, sources)


def _parse(line: str) -> Diagnostic:
    try:
        data: Any = json.loads(line)
        return Diagnostic.model_validate(data)
    except (ValueError, ValidationError, RecursionError) as error:
        raise AnalyzerError(
            f"forge lint printed a diagnostic that cannot be read: {one_line(line, 80)}",
            hint="use the locked version of forge",
        ) from error


def _finding(diagnostic: Diagnostic, rule: str, span: Position, path: str, sources: Sources) -> Finding:
    remarks = [clean(child.message).strip() for child in diagnostic.children]
    links = [remark for remark in remarks if remark.startswith("https://")]
    return Finding(
        tool=ForgeLintAnalyzer.name,
        rule=one_line(rule, 80),
        severity=_SEVERITIES.get(diagnostic.level, Severity.LOW),
        confidence=Confidence.HIGH,
        message=one_line(diagnostic.message),
        places=(Place(path, max(0, span.line_start), max(0, span.column_start)),),
        excerpt=sources[path].excerpt(span.line_start, span.line_end),
        explanation="\n\n".join(remark for remark in remarks if remark and remark not in links),
        url=one_line(links[0]) if links else "",
        symbol=sources[path].symbol(span.line_start),
    )


def _failure(forge: Tool, completed: Completed) -> Exception:
    said = completed.error_text
    error = failed(forge, completed)
    error.hint = next((hint for words, hint in _HINTS.items() if words in said), error.hint)
    return error
