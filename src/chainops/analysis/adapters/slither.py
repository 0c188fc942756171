"""Runs Slither on the run's own build and turns its report into findings."""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
from functools import cache, partial
from pathlib import Path

from chainops.analysis.adapters import trim_build
from chainops.analysis.adapters.build_info import BuildInfo, choose_builds, read_build_infos
from chainops.analysis.adapters.running import environment, failed, last_words, run_tool
from chainops.analysis.adapters.slither_report import SlitherReport, findings, parse
from chainops.analysis.errors import AnalyzerError
from chainops.analysis.identify import identify
from chainops.analysis.ports import AnalysisReport, AnalysisRequest
from chainops.analysis.sources import Sources
from chainops.core.process import Command, Completed, ProcessRunner, Sink
from chainops.core.text import decode, one_line
from chainops.tools.ports import Tool, Toolbox

_MOST_REPORT_BYTES = 64 << 20


class SlitherAnalyzer:
    """Slither in a Foundry project. It compiles nothing: it reads `build-info` of the compilation stage."""

    name = "slither"

    def __init__(self, *, toolbox: Toolbox, runner: ProcessRunner) -> None:
        self._toolbox = toolbox
        self._runner = runner

    async def analyze(self, request: AnalysisRequest, sink: Sink) -> AnalysisReport:
        """See `Analyzer.analyze`. Findings in sources that were not asked for are left out."""
        tool = await self._toolbox.tool("slither", sink)
        # slither asks `forge config` which folders hold dependencies
        forge = await self._toolbox.tool("forge", sink)
        builds = await self._prepare(request, sink)
        # an existing file is not overwritten, so the name must be a fresh one
        output = request.scratch / "slither.json"
        output.unlink(missing_ok=True)
        arguments = (
            ".", "--ignore-compile", "--foundry-build-info-directory", str(builds),
            "--json", str(output), "--json-types", "detectors,list-detectors",
            "--fail-none", "--disable-color",
        )  # fmt: skip
        env = environment(request, forge, tool)
        completed = await run_tool(self._runner, tool, arguments, request, sink, env=env, quiet_stdout=False)
        raw, report = await asyncio.to_thread(self._read, output, tool, completed)
        sources = Sources(request.project_root)
        found = await asyncio.to_thread(findings, report, frozenset(request.sources), sources)
        return AnalysisReport(
            tool=tool.use,
            findings=identify(found),
            raw=raw,
            raw_name="slither.json",
            details={
                "detectors": len(report.results.known),
                "outside": len(report.results.detectors) - len(found),
            },
        )

    async def _prepare(self, request: AnalysisRequest, sink: Sink) -> Path:
        """Put the build-infos to read into a folder of their own: slither reads all that it finds."""
        if request.build_output is None:
            raise AnalyzerError(
                "slither needs the build of this run, and there is none",
                hint="let the stage need `compilation`",
            )
        chosen = await asyncio.to_thread(_choose, request, request.build_output / "build-info")
        folder = request.scratch / "build-info"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for info in chosen:
            await self._trim(info.path, folder / info.path.name, request, sink)
        return folder

    async def _trim(self, source: Path, target: Path, request: AnalysisRequest, sink: Sink) -> None:
        program = (sys.executable, "-I", "-m", trim_build.__name__)
        command = Command(
            argv=(*program, str(source), str(target)),
            cwd=request.scratch,
            env=environment(request),
            stdin=json.dumps(request.sources).encode(),
            timeout_s=request.timeout_s,
            marker=request.marker,
        )
        completed = await self._runner.run(command, sink)
        if completed.returncode or completed.timed_out:
            raise AnalyzerError(
                f"cannot read the build-info {source}: {one_line(last_words(completed)) or 'no answer'}",
                hint="run the compilation stage again; it writes the build-info that analyzers read",
            )

    @staticmethod
    def _read(output: Path, tool: Tool, completed: Completed) -> tuple[bytes, SlitherReport]:
        try:
            size_bytes = output.stat().st_size
            if size_bytes > _MOST_REPORT_BYTES:
                raise AnalyzerError(
                    f"slither's report holds {size_bytes:,} bytes, {_MOST_REPORT_BYTES:,} are read",
                    hint="leave detectors out with `detectors_to_exclude` in slither.config.json",
                )
            raw = output.read_bytes()
        except FileNotFoundError:
            raise failed(tool, completed) from None
        report = parse(raw)
        if not report.success:
            raise failed(
                tool, completed, one_line(report.error or "") or "it reports no success and no error"
            )
        if completed.returncode < 0:
            raise failed(tool, completed)
        return raw, report


def _choose(request: AnalysisRequest, folder: Path) -> tuple[BuildInfo, ...]:
    present = cache(partial(_text, request.project_root))
    return choose_builds(read_build_infos(folder), request.sources, present)


def _text(root: Path, path: str) -> str | None:
    try:
        # as bytes: universal newlines would change what the compiler was given
        return decode((root / path).read_bytes())
    except OSError:
        return None
