"""Gives analyzers the toolchain's compilers and builds: two rooms that may not know each other."""

from __future__ import annotations

from pathlib import Path

from chainops.analysis.errors import AnalyzerError
from chainops.analysis.ports import AnalysisRequest
from chainops.core.process import ProcessRunner, Sink
from chainops.toolchains.ports import ToolchainRequest
from chainops.toolchains.settings import FoundrySettings
from chainops.tools.ports import Toolbox


class FoundryCompilers:
    """Implements `CompilerProvider` and `BuildProvider` of `analysis.ports` as the toolchain builds."""

    def __init__(self, *, toolbox: Toolbox, runner: ProcessRunner, settings: FoundrySettings) -> None:
        self._toolbox = toolbox
        self._runner = runner
        self._settings = settings

    async def provide(self, request: AnalysisRequest, sink: Sink) -> None:
        """See `CompilerProvider.provide`."""
        from chainops.toolchains.adapters.foundry_session import open_session

        scratch = request.scratch / "compilers"
        session = _toolchain_request(request, self._settings, scratch / "build", scratch)
        await open_session(self._toolbox, self._runner, self._settings, session, sink)

    async def build(self, request: AnalysisRequest, folder: Path, sink: Sink) -> Path:
        """See `BuildProvider.build`. Tests are left out: they take most of the time."""
        from chainops.toolchains.adapters.foundry import FoundryToolchain

        arguments = (*self._settings.build_args, *sorted(request.sources))
        settings = self._settings.model_copy(update={"build_args": arguments})
        toolchain = FoundryToolchain(toolbox=self._toolbox, runner=self._runner, settings=settings)
        built = await toolchain.build(
            _toolchain_request(request, settings, folder, request.scratch / "whole"), sink
        )
        if not built.ok:
            raise AnalyzerError(
                f"the sources do not compile in one go: {built.failure}",
                hint=built.hint or "the compilation stage shows every error with its place",
            )
        return Path(built.output_dir)


def _toolchain_request(
    request: AnalysisRequest, settings: FoundrySettings, build_dir: Path, scratch: Path
) -> ToolchainRequest:
    return ToolchainRequest(
        project_root=request.project_root,
        build_dir=build_dir,
        scratch=scratch,
        env=request.env,
        timeout_s=request.timeout_s,
        marker=request.marker,
        profile=settings.profile,
        home=request.home,
        solc=request.solc,
        evm_version=request.evm_version,
    )
