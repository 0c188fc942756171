"""Runs `forge fmt --check` and names the files that are not formatted as foundry.toml asks."""

from __future__ import annotations

import re

from chainops.analysis.adapters.running import environment, failed, run_tool
from chainops.analysis.errors import AnalyzerError
from chainops.analysis.identify import identify
from chainops.analysis.model import Confidence, Finding, Severity
from chainops.analysis.ports import AnalysisReport, AnalysisRequest
from chainops.analysis.sources import Sources
from chainops.core.errors import Place
from chainops.core.process import ProcessRunner, Sink
from chainops.core.text import decode
from chainops.tools.ports import Toolbox

#: a diff's head; the last line of the diff before it may lack its newline
_HEAD = re.compile(r"(?:^|-{20})Diff in (?P<path>.+):$", re.MULTILINE)
#: `11       |-    old` or `    11   |+    new`: the first changed line
_CHANGE = re.compile(r"^(?P<old>\d+)?\s+(?P<new>\d+)?\s*\|[-+]", re.MULTILINE)


class ForgeFmtAnalyzer:
    """`forge fmt --check`: one finding a file, rule `format`."""

    name = "forge-fmt"

    def __init__(self, *, toolbox: Toolbox, runner: ProcessRunner) -> None:
        self._toolbox = toolbox
        self._runner = runner

    async def analyze(self, request: AnalysisRequest, sink: Sink) -> AnalysisReport:
        """See `Analyzer.analyze`. Tests and scripts of the project's own are checked like sources."""
        forge = await self._toolbox.tool("forge", sink)
        env = environment(request, forge)
        completed = await run_tool(self._runner, forge, ("fmt", "--check"), request, sink, env=env)
        printed = completed.whole_stdout()
        changed = unformatted(decode(printed))
        if completed.returncode != (1 if changed else 0):
            raise _failure(request, failed(forge, completed, completed.error_text))
        sources = Sources(request.project_root)
        own = frozenset((*request.sources, *request.own_files))
        found = [_finding(sources.relative(path), line, sources) for path, line in changed]
        return AnalysisReport(
            tool=forge.use,
            findings=identify(f for f in found if f.places[0].path in own),
            raw=printed,
            raw_name="forge-fmt.diff",
        )


def unformatted(diff: str) -> tuple[tuple[str, int], ...]:
    """Return the files that a `forge fmt --check` diff names, each with its first line to change or 0."""
    heads = list(_HEAD.finditer(diff))
    result = []
    ends = [*(following.start() for following in heads[1:]), len(diff)]
    for head, end in zip(heads, ends, strict=False):
        change = _CHANGE.search(diff, head.end(), end)
        line = int(change["old"] or change["new"] or 0) if change else 0
        result.append((head["path"], line))
    return tuple(result)


def _finding(path: str, line: int, sources: Sources) -> Finding:
    return Finding(
        tool=ForgeFmtAnalyzer.name,
        rule="format",
        severity=Severity.INFO,
        confidence=Confidence.HIGH,
        message="the file is not formatted",
        places=(Place(path, line),),
        excerpt=sources[path].excerpt(line),
        explanation="`forge fmt` formats it; [profile.default.fmt] in foundry.toml says how.",
    )


def _failure(request: AnalysisRequest, error: AnalyzerError) -> AnalyzerError:
    error.hint = f"run `forge fmt --check` in {request.project_root} to see it"
    return error
