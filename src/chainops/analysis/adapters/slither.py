"""Runs Slither on the run's own build and turns its report into findings."""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
from functools import cache, partial
from pathlib import Path

from chainops.analysis.adapters import condense_report, trim_build
from chainops.analysis.adapters.build_info import choose_builds, read_build_infos, read_text
from chainops.analysis.adapters.running import MOST_REPORT_BYTES, environment, failed, last_words, run_tool
from chainops.analysis.adapters.slither_report import SlitherReport, findings, parse
from chainops.analysis.errors import AnalyzerError
from chainops.analysis.identify import identify
from chainops.analysis.ports import AnalysisReport, AnalysisRequest, BuildProvider
from chainops.analysis.sources import Sources
from chainops.core.process import Command, Completed, ProcessRunner, Sink
from chainops.core.text import one_line
from chainops.core.units import format_bytes
from chainops.tools.ports import Tool, Toolbox

#: what the child that condenses a report may be given; it takes some ten times that in memory
_MOST_RAW_BYTES = 256 << 20


class SlitherAnalyzer:
    """Slither in a Foundry project. It reads `build-info` of the compilation stage.

    After an incremental build that describes a part of the sources only, they are compiled once more in one
    go, and that is kept beside the run's build for as long as it describes them.
    """

    name = "slither"

    def __init__(
        self, *, toolbox: Toolbox, runner: ProcessRunner, builds: BuildProvider | None = None
    ) -> None:
        """Take `builds` for projects that are compiled incrementally."""
        self._toolbox = toolbox
        self._runner = runner
        self._builds = builds

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
        completed = await run_tool(
            self._runner, tool, arguments, request, sink, env=env, result_on_stdout=False
        )
        if not output.is_file():
            raise failed(tool, completed)
        _check_size(output, _MOST_RAW_BYTES, "slither's report holds")
        own = await self._condense(output, request, sink)
        raw, report = await asyncio.to_thread(_read, own, tool, completed)
        sources = Sources(request.project_root)
        found = await asyncio.to_thread(findings, report, frozenset(request.sources), sources)
        return AnalysisReport(
            tool=tool.use,
            findings=identify(found),
            raw=raw,
            raw_name="slither.json",
            details={
                "detectors": len(report.results.known),
                "outside": report.results.total - len(found),
            },
        )

    async def _prepare(self, request: AnalysisRequest, sink: Sink) -> Path:
        """Put the build-infos to read into a folder of their own: slither reads all that it finds."""
        if request.build_output is None:
            raise AnalyzerError(
                "slither needs the build of this run, and there is none",
                hint="let the stage need `compilation`",
            )
        chosen = await self._chosen(request, request.build_output, sink)
        folder = request.scratch / "build-info"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for info in chosen:
            await self._trim(info, folder / info.name, request, sink)
        return folder

    async def _chosen(self, request: AnalysisRequest, output: Path, sink: Sink) -> tuple[Path, ...]:
        found = await asyncio.to_thread(_choose, request, output)
        own = output.parent / "analysis"
        if found is None and self._builds:
            found = await asyncio.to_thread(_choose, request, own / "out", whole=True)
        if found is None and self._builds:
            sink(
                b"slither: the incremental build describes a part of the sources; compiling them in one go\n"
            )
            await asyncio.to_thread(shutil.rmtree, own, ignore_errors=True)
            whole = await self._builds.build(request, own, sink)
            found = await asyncio.to_thread(_choose, request, whole, whole=True)
        if found is None:
            raise AnalyzerError(
                "the run's build does not describe the sources as they are now",
                hint="were sources changed while the run went on? Run again, all stages from `compilation`",
            )
        return found

    async def _trim(self, source: Path, target: Path, request: AnalysisRequest, sink: Sink) -> None:
        completed = await self._child((trim_build.__name__, source, target), request.sources, request, sink)
        if completed.returncode or completed.timed_out:
            raise AnalyzerError(
                f"cannot read the build-info {source}: {one_line(last_words(completed)) or 'no answer'}",
                hint="run the compilation stage again; it writes the build-info that analyzers read",
            )

    async def _condense(self, report: Path, request: AnalysisRequest, sink: Sink) -> Path:
        target = request.scratch / "slither-own.json"
        asked = {"root": str(request.project_root), "wanted": request.sources}
        completed = await self._child((condense_report.__name__, report, target), asked, request, sink)
        if completed.returncode or completed.timed_out:
            raise AnalyzerError(
                f"slither's report cannot be read: {one_line(last_words(completed)) or 'no answer'}",
                hint="run the stage again; its log holds what slither printed",
            )
        return target

    async def _child(
        self, program: tuple[str, Path, Path], asked: object, request: AnalysisRequest, sink: Sink
    ) -> Completed:
        module, source, target = program
        command = Command(
            argv=(sys.executable, "-I", "-m", module, str(source), str(target)),
            cwd=request.scratch,
            env=environment(request),
            stdin=json.dumps(asked).encode(),
            timeout_s=request.timeout_s,
            marker=request.marker,
        )
        return await self._runner.run(command, sink)


def _check_size(file: Path, most_bytes: int, what: str) -> None:
    size_bytes = file.stat().st_size
    if size_bytes > most_bytes:
        raise AnalyzerError(
            f"{what} {format_bytes(size_bytes)}, {format_bytes(most_bytes)} are read",
            hint="leave detectors out with `detectors_to_exclude` in slither.config.json",
        )


def _read(output: Path, tool: Tool, completed: Completed) -> tuple[bytes, SlitherReport]:
    _check_size(output, MOST_REPORT_BYTES, "slither's results on the project's own sources hold")
    raw = output.read_bytes()
    report = parse(raw)
    if not report.success:
        raise failed(tool, completed, one_line(report.error or "") or "it reports no success and no error")
    if completed.returncode < 0:
        raise failed(tool, completed)
    return raw, report


def _choose(request: AnalysisRequest, output: Path, *, whole: bool = False) -> tuple[Path, ...] | None:
    """Return the builds to read; None when there are none that describe all sources."""
    present = cache(partial(read_text, request.project_root))
    texts = "\n".join(present(path) or "" for path in request.sources)
    unread = frozenset(path for path in request.own_files if Path(path).name not in texts)
    infos = read_build_infos(output / "build-info")
    found = choose_builds(infos, request.sources, present, unread=unread, whole=whole)
    return found if found or not request.sources else None
