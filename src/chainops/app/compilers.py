"""Gives linters the compilers that the toolchain would use: two rooms that may not know each other."""

from __future__ import annotations

from chainops.analysis.ports import AnalysisRequest
from chainops.core.process import ProcessRunner, Sink
from chainops.toolchains.ports import ToolchainRequest
from chainops.toolchains.settings import FoundrySettings
from chainops.tools.ports import Toolbox


class FoundryCompilers:
    """Implements `analysis.ports.CompilerProvider` by what a build of the project would ask for."""

    def __init__(self, *, toolbox: Toolbox, runner: ProcessRunner, settings: FoundrySettings) -> None:
        self._toolbox = toolbox
        self._runner = runner
        self._settings = settings

    async def provide(self, request: AnalysisRequest, sink: Sink) -> None:
        """See `CompilerProvider.provide`."""
        from chainops.toolchains.adapters.foundry_session import open_session

        scratch = request.scratch / "compilers"
        session = ToolchainRequest(
            project_root=request.project_root,
            build_dir=scratch / "build",
            scratch=scratch,
            env=request.env,
            timeout_s=request.timeout_s,
            marker=request.marker,
            profile=self._settings.profile,
            home=request.home,
        )
        await open_session(self._toolbox, self._runner, self._settings, session, sink)
