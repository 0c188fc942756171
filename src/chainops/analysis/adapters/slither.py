"""Runs Slither on the run's own build and turns its report into findings."""

from __future__ import annotations

import asyncio
import shutil
from functools import cache, partial
from pathlib import Path

from chainops.analysis.adapters.build_info import choose_builds, read_build_infos
from chainops.analysis.adapters.running import environment, failed, run_tool
from chainops.analysis.adapters.slither_report import SlitherReport, findings, parse
from chainops.analysis.errors import AnalyzerError
from chainops.analysis.identify import identify
from chainops.analysis.ports import AnalysisReport, AnalysisRequest
from chainops.analysis.sources import Sources
from chainops.core.process import Completed, ProcessRunner, Sink
from chainops.core.text import decode, one_line
from chainops.tools.ports import Tool, Toolbox


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
        builds = await asyncio.to_thread(self._prepare, request)
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

    @staticmethod
    def _prepare(request: AnalysisRequest) -> Path:
        """Put the build-infos to read into a folder of their own: slither reads all that it finds."""
        if request.build_output is None:
            raise AnalyzerError(
                "slither needs the build of this run, and there is none",
                hint="let the stage need `compilation`",
            )
        infos = read_build_infos(request.build_output / "build-info")
        chosen = choose_builds(infos, request.sources, cache(partial(_text, request.project_root)))
        folder = request.scratch / "build-info"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for info in chosen:
            (folder / info.path.name).symlink_to(info.path.resolve())
        return folder

    @staticmethod
    def _read(output: Path, tool: Tool, completed: Completed) -> tuple[bytes, SlitherReport]:
        try:
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


def _text(root: Path, path: str) -> str | None:
    try:
        # as bytes: universal newlines would change what the compiler was given
        return decode((root / path).read_bytes())
    except OSError:
        return None
