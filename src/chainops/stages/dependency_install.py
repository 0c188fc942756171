"""Puts the project's dependencies in place as they are pinned, and names the ones that are missing.

Outputs: `installed` (kind, source, packages, cached), `libraries` (name, path, version), `remappings`.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from chainops.core.errors import ProjectError
from chainops.core.process import ProcessRunner
from chainops.core.serial import to_json
from chainops.core.text import one_line, plural
from chainops.core.tooluse import ToolUse
from chainops.pipeline.model import FailureKind, Outcome, StageContext, StageStatus
from chainops.project.clone import is_local, update_submodules
from chainops.project.detect import detect
from chainops.project.git import Git
from chainops.project.libraries import (
    describe_missing,
    installed_libraries,
    missing_imports,
    uses_packages,
)
from chainops.project.model import Project
from chainops.project.packages import PackageFolder, find_package_folder
from chainops.quality.model import Measurement
from chainops.stages.common import DEPENDENCY_INSTALL, SOURCE_CHECKOUT, project_root
from chainops.stages.npm_install import Installed, PackageInstaller
from chainops.stages.options import DependencyInstallOptions
from chainops.stages.pip_install import install_requirements
from chainops.tools.ports import Toolbox


class DependencyInstallStage:
    """Fetches submodules, installs packages, checks the imports."""

    name = DEPENDENCY_INSTALL

    def __init__(
        self,
        *,
        runner: ProcessRunner,
        toolbox: Toolbox,
        options: DependencyInstallOptions | None = None,
        profile: str = "",
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self._runner = runner
        self._options = options or DependencyInstallOptions()
        self._profile = profile
        self._environ = os.environ if environ is None else environ
        self._packages = PackageInstaller(
            runner=runner, toolbox=toolbox, options=self._options, environ=self._environ
        )

    async def run(self, context: StageContext) -> Outcome:
        """Install, then look for imports that lead nowhere; a mistake of the project fails the stage."""
        project = await asyncio.to_thread(detect, project_root(context), profile=self._profile)
        installed: list[dict[str, Any]] = []
        tools: list[ToolUse] = []
        try:
            packages = find_package_folder(
                project.root, _top(context, project.root), reaches_up=_reaches_up(project)
            )
            installed += await self._submodules(context, project)
            if packages and await self._unneeded(packages, project):
                context.say(
                    f"package.json asks for {plural(len(packages.wanted), 'package')} that no import and no "
                    "remapping needs; without a lockfile they are not installed"
                )
            elif packages and (done := await self._packages.install(packages, context)):
                installed.append(_row(done))
                tools += done.tools
            if self._options.python:
                installed += await install_requirements(self._runner, project.root, context, self._environ)
        except ProjectError as error:
            return _failed(error)
        # the folders that exist decide forge's defaults, and there may be new ones now
        project = await asyncio.to_thread(detect, project_root(context), profile=self._profile)
        outcome = await asyncio.to_thread(self._look, project, packages)
        outputs = {**outcome.outputs, "installed": installed}
        reason = outcome.reason or _summary(installed, outputs)
        return Outcome(
            status=outcome.status,
            reason=reason,
            failure=outcome.failure,
            code=outcome.code,
            hint=outcome.hint,
            places=outcome.places,
            metrics=(
                Measurement(name="dependencies.libraries", value=len(outputs["libraries"]), unit="count"),
            ),
            tools=tuple(tools),
            outputs=outputs,
        )

    async def _unneeded(self, packages: PackageFolder, project: Project) -> bool:
        """Whether what would be installed without a lockfile is of no use to the contracts."""
        if packages.lockfile or not packages.wanted or self._options.allow_unlocked:
            return False
        return not await asyncio.to_thread(uses_packages, project, packages.wanted)

    async def _submodules(self, context: StageContext, project: Project) -> list[dict[str, Any]]:
        source = context.upstream[SOURCE_CHECKOUT].outputs
        known = source.get("submodules", [])
        missing = [s["path"] for s in known if s["state"] == "missing"]
        if not known:
            return []
        if missing and self._options.submodules:
            context.say(f"fetching {plural(len(missing), 'submodule')}: {', '.join(map(one_line, missing))}")
            git = Git(
                runner=self._runner,
                folder=project.root,
                log=context.log,
                marker=context.marker,
                timeout_s=context.timeout_s,
                environ=self._environ,
                config={"protocol.file.allow": "always"} if is_local(str(source.get("url") or ":")) else {},
            )
            await update_submodules(await git.without_commands(), depth=1, paths=tuple(missing))
        return [
            {"kind": "git-submodules", "source": ".gitmodules", "packages": len(known), "cached": not missing}
        ]

    def _look(self, project: Project, packages: PackageFolder | None) -> Outcome:
        wanted = packages.wanted if packages else ()
        folder = os.path.relpath(packages.folder, project.root).replace(os.sep, "/") if packages else "."
        libraries = installed_libraries(
            project, wanted, "node_modules" if folder == "." else f"{folder}/node_modules"
        )
        outputs = {
            "libraries": [to_json(library) for library in libraries],
            "remappings": [str(r) for r in project.remappings],
        }
        missing = missing_imports(project) if self._options.check_imports else ()
        if not missing:
            return Outcome(status=StageStatus.SUCCESS, outputs=outputs)
        reason, hint, places = describe_missing(missing)
        return Outcome(
            status=StageStatus.FAILED,
            failure=FailureKind.PROJECT,
            code="DEP201",
            reason=reason,
            hint=hint,
            places=places,
            outputs={**outputs, "missing": [to_json(m) for m in missing]},
        )


def _top(context: StageContext, root: Path) -> Path:
    """Return the folder that was checked out: a monorepo's lockfile lies there at the highest."""
    path = str(context.upstream[SOURCE_CHECKOUT].outputs.get("path", "."))
    return root if path == "." else root.parents[path.count("/")]


def _reaches_up(project: Project) -> bool:
    """Whether the project takes libraries from above its own folder."""
    return any(path.startswith("../") for path in (*project.libs, *(r.target for r in project.remappings)))


def _row(done: Installed) -> dict[str, Any]:
    # one kind for the registry, whichever client fetched from it
    return {
        "kind": "npm",
        "client": done.client,
        "source": done.source,
        "packages": done.packages,
        "cached": done.cached,
    }


def _summary(installed: list[dict[str, Any]], outputs: Mapping[str, Any]) -> str:
    parts = [
        f"{plural(row['packages'], 'package')} from {row['source']}"
        + (" (already there)" if row["cached"] else "")
        for row in installed
    ]
    count = plural(len(outputs["libraries"]), "library", "libraries")
    return "; ".join([*parts, count]) if parts else f"nothing to install; {count}"


def _failed(error: ProjectError) -> Outcome:
    return Outcome(
        status=StageStatus.FAILED,
        failure=FailureKind.PROJECT,
        code=error.code,
        reason=error.message,
        hint=error.hint,
        places=(error.place,) if error.place else (),
    )
