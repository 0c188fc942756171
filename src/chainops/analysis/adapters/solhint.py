"""Runs solhint with the project's rules, or ours when it has none, and turns its report into findings."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel, TypeAdapter, ValidationError

from chainops.analysis.adapters.running import environment, failed, run_tool
from chainops.analysis.errors import AnalyzerError
from chainops.analysis.identify import identify
from chainops.analysis.model import Confidence, Finding, Severity
from chainops.analysis.ports import AnalysisReport, AnalysisRequest
from chainops.analysis.sources import Sources
from chainops.core.errors import Place
from chainops.core.process import ProcessRunner, Sink
from chainops.core.text import one_line
from chainops.tools.ports import Toolbox

#: what solhint looks for as the project's own rules
PROJECT_RULES = (
    ".solhint.json", ".solhintrc", ".solhintrc.json", ".solhintrc.yaml", ".solhintrc.yml", ".solhintrc.js",
    "solhint.config.js",
)  # fmt: skip
#: rules for a project that has none: mistakes and traps. Style is forge's business; documentation, gas tricks
#: and a compiler version of solhint's choosing are the project's.
DEFAULT_RULES: dict[str, Any] = {
    "rules": {
        "avoid-call-value": "warn",
        "avoid-low-level-calls": "warn",
        "avoid-sha3": "warn",
        "avoid-suicide": "warn",
        "avoid-throw": "warn",
        "avoid-tx-origin": "warn",
        "check-send-result": "warn",
        "duplicated-imports": "warn",
        "explicit-types": ["warn", "explicit"],
        "func-visibility": ["warn", {"ignoreConstructors": True}],
        "multiple-sends": "warn",
        "no-complex-fallback": "warn",
        "no-console": "warn",
        "no-empty-blocks": "warn",
        "no-global-import": "warn",
        "no-inline-assembly": "warn",
        "no-unused-import": "warn",
        "no-unused-vars": "warn",
        "not-rely-on-block-hash": "warn",
        "state-visibility": "warn",
        "visibility-modifier-order": "warn",
    }
}
_SEVERITIES = {"Error": Severity.LOW, "Warning": Severity.INFO}
_RULES_URL = "https://protofire.github.io/solhint/docs/rules.html"
#: exit codes with a report; 255 is a bad option, configuration or no file at all
_REPORTED = (0, 1)
#: in the traceback that solhint leaves when it stumbles over a syntax error
_PARSER = "@solidity-parser"
#: solhint ends itself while the pipe still waits for what exceeds its buffer: let node write at once
_FLUSHING = {
    "NODE_OPTIONS": "--import=data:text/javascript,process.stdout._handle?.setBlocking?.(true)",
}
_GLOB_SIGNS = re.compile(r"([\[\]{}()*?!+@\\])")


class SolhintAnalyzer:
    """solhint on the project's own sources. It needs no compiler."""

    name = "solhint"

    def __init__(self, *, toolbox: Toolbox, runner: ProcessRunner) -> None:
        self._toolbox = toolbox
        self._runner = runner

    async def analyze(self, request: AnalysisRequest, sink: Sink) -> AnalysisReport:
        """See `Analyzer.analyze`."""
        tool = await self._toolbox.tool("solhint", sink)
        if not request.sources:
            return AnalysisReport(tool=tool.use, stands_on=tool.stands_on, findings=())
        own_rules = has_own_rules(request.project_root)
        arguments = ["--formatter", "json", "--disc", "--noPoster"]
        if not own_rules:
            rules = request.scratch / "solhint.json"
            rules.write_text(json.dumps(DEFAULT_RULES))
            arguments += ["--config", str(rules)]
        arguments += [_GLOB_SIGNS.sub(r"\\\1", path) for path in request.sources]
        completed = await run_tool(
            self._runner,
            tool,
            tuple(arguments),
            request,
            sink,
            env=environment(request, tool, extra=_FLUSHING),
        )
        raw = completed.whole_stdout()
        if completed.returncode not in _REPORTED and _PARSER in completed.error_text:
            return AnalysisReport(tool=tool.use, findings=(), not_run="solhint cannot parse the sources")
        if completed.returncode not in _REPORTED or (completed.returncode == 1 and not raw.strip()):
            raise failed(tool, completed)
        sources = Sources(request.project_root)
        found = tuple(findings(raw, sources))
        if completed.returncode == 1 and not found:
            raise failed(tool, completed)
        return AnalysisReport(
            tool=tool.use,
            stands_on=tool.stands_on,
            findings=identify(found),
            raw=raw,
            raw_name="solhint.json",
            details={"rules": "project" if own_rules else "default"},
        )


def has_own_rules(root: Path) -> bool:
    """Whether the project brings rules for solhint."""
    if any((root / name).is_file() for name in PROJECT_RULES):
        return True
    try:
        package = json.loads((root / "package.json").read_bytes())
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(package, dict) and "solhint" in package


class Report(BaseModel):
    """One entry of the report's list; the last entry is a `conclusion` and has no file."""

    filePath: str = ""  # noqa: N815 - solhint's own spelling
    line: int = 0
    column: int = 0
    severity: str = ""
    message: str = ""
    ruleId: str | None = None  # noqa: N815 - solhint's own spelling
    conclusion: str | None = None


_REPORTS = TypeAdapter(list[Report])


def findings(raw: bytes, sources: Sources) -> Iterator[Finding]:
    """Yield the findings of `solhint -f json`; an empty output is an empty report.

    Raises `AnalyzerError` for a report that is cut off or has another shape.
    """
    if not raw.strip():
        return
    try:
        reports = _REPORTS.validate_json(raw)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise AnalyzerError(
            f"solhint's report cannot be read: {one_line(first['msg'])}",
            hint="use the locked version of solhint",
        ) from error
    for report in reports:
        if report.filePath:
            yield _finding(report, sources)


def _finding(report: Report, sources: Sources) -> Finding:
    path = sources.relative(report.filePath)
    rule = one_line(report.ruleId or "parse-error", 80)
    return Finding(
        tool=SolhintAnalyzer.name,
        rule=rule,
        severity=_SEVERITIES.get(report.severity, Severity.INFO),
        confidence=Confidence.MEDIUM,
        message=one_line(report.message),
        places=(Place(path, max(0, report.line), max(0, report.column)),),
        excerpt=sources[path].excerpt(report.line),
        url=_RULES_URL if report.ruleId else "",
        symbol=sources[path].symbol(report.line),
    )
