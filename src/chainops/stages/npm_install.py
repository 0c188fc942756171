"""Installs what a JavaScript lockfile pins; nothing of the packages is run unless it is listed.

npm runs with the user's own configuration (registry, proxy, credentials): what it fetches is pinned by
hashes. A project's .npmrc may say where to fetch from and how to lay packages out; one that names programs or
takes values from the environment is refused unless `allow_npmrc` is set. Install scripts that are listed run
like all project code: private HOME, allow-listed environment, no keys.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from chainops.core.config_mistakes import nearest
from chainops.core.errors import InputError, Place, ProjectError
from chainops.core.process import Command, Completed, ProcessRunner, clean_environment
from chainops.core.text import one_line, plural
from chainops.core.tooluse import ToolUse
from chainops.pipeline.model import StageContext
from chainops.project.packages import (
    LockedPackage,
    PackageFolder,
    count_locked,
    is_installed,
    locked_packages,
    read_json,
    refused_npmrc,
)
from chainops.stages.common import private_home
from chainops.stages.npm_failures import explain_failure, last_words
from chainops.stages.options import DependencyInstallOptions
from chainops.tools.clients import client_environment
from chainops.tools.errors import UnknownToolError
from chainops.tools.ports import Tool, Toolbox

#: Git may fetch packages for npm, but through no helper that runs commands
_GIT = {"GIT_ALLOW_PROTOCOL": "file:git:http:https:ssh", "GIT_TERMINAL_PROMPT": "0"}
#: yarn and pnpm read further files of the repository: paths of programs to run instead (`yarn-path`), another
#: release of themselves to fetch (`packageManager`), hooks (`.pnpmfile.cjs`)
_NO_DETOURS = {
    "YARN_IGNORE_PATH": "1",
    "SKIP_YARN_COREPACK_CHECK": "1",
    "npm_config_manage_package_manager_versions": "false",
    "npm_config_package_manager_strict": "false",
}
_FROZEN = {
    "npm": ("ci", "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier", "--no-progress"),
    "pnpm": (
        "install",
        "--frozen-lockfile",
        "--ignore-scripts",
        "--ignore-pnpmfile",
        "--reporter=append-only",
    ),
    "yarn": ("install", "--frozen-lockfile", "--ignore-scripts", "--non-interactive", "--no-progress"),
}
#: what yarn and pnpm say when nothing was to be done
_UP_TO_DATE = re.compile(r"^(?:success )?Already up[- ]to[- ]date", re.MULTILINE)
_UNLOCKED = ("install", "--no-package-lock", *_FROZEN["npm"][1:])


@dataclass(frozen=True, slots=True, kw_only=True)
class Installed:
    """What an install came to."""

    client: str
    source: str
    packages: int
    cached: bool = False
    tools: tuple[ToolUse, ...] = ()


class PackageInstaller:
    """Installs one folder's packages."""

    def __init__(
        self,
        *,
        runner: ProcessRunner,
        toolbox: Toolbox,
        options: DependencyInstallOptions,
        environ: Mapping[str, str],
    ) -> None:
        self._runner = runner
        self._toolbox = toolbox
        self._options = options
        self._environ = environ

    async def install(self, packages: PackageFolder, context: StageContext) -> Installed | None:
        """Install what the lock pins; None when there is nothing to install.

        Raises `ProjectError` when the lock is missing or does not fit, `InputError` for options that do not
        fit, `MachineError` when the network, the registry or the disk fails.
        """
        if packages.lockfile is None:
            if not packages.wanted:
                return None
            if not self._options.allow_unlocked:
                raise _no_lockfile(packages)
        self._check_npmrc(packages)
        locked = _locked(packages)
        if packages.client == "npm" and packages.lockfile:
            if not locked and not packages.wanted:
                return None
            if not self._options.allow_scripts and is_installed(packages.folder, locked):
                return Installed(
                    client="npm", source=packages.lockfile.name, packages=len(locked), cached=True
                )
        _check_listed(self._options.allow_scripts, packages, locked)
        tool = await self._tool(packages, context)
        arguments = _FROZEN[packages.client] if packages.lockfile else _UNLOCKED
        source = packages.lockfile.name if packages.lockfile else "package.json"
        context.say(f"{packages.client} {' '.join(arguments)}")
        done = await self._run(tool, arguments, packages.folder, context, self._client_environment(tool))
        if done.returncode != 0 or done.timed_out:
            raise explain_failure(done, packages.client, packages)
        await self._run_scripts(tool, packages, context, locked)
        _name_scripts(context, locked, self._options.allow_scripts)
        return Installed(
            client=packages.client,
            source=source,
            packages=len(_recorded(packages.folder)) or count_locked(packages),
            cached=bool(_UP_TO_DATE.search(done.text)),
            tools=tool.uses,
        )

    def _check_npmrc(self, packages: PackageFolder) -> None:
        file = packages.folder / ".npmrc"
        if self._options.allow_npmrc or not file.is_file():
            return
        refused = refused_npmrc(file.read_text(encoding="utf-8", errors="replace"))
        if refused:
            line, key, why = refused[0]
            raise ProjectError(
                f"the project's .npmrc sets `{one_line(key, 80)}`, which {why}",
                place=Place(str(file), line, 1),
                hint="remove it, or trust this file: stages.dependency-install.options.allow_npmrc: true",
                code="DEP205",
            )

    async def _tool(self, packages: PackageFolder, context: StageContext) -> Tool:
        name = packages.client
        lockfile = packages.lockfile
        if lockfile and (name not in _FROZEN or (name == "yarn" and _is_berry(lockfile))):
            raise ProjectError(
                f"{lockfile.name} of {'Yarn 2 or later' if name == 'yarn' else name} is not supported yet",
                place=Place(str(lockfile)),
                hint="keep a package-lock.json as well, or install before the run",
                code="DEP206",
            )
        try:
            return await self._toolbox.tool(name, context.log)
        except UnknownToolError as error:
            raise ProjectError(
                f"{lockfile.name if lockfile else 'package.json'} needs {name}, which is not provided",
                place=Place(str(lockfile)),
                hint="keep a package-lock.json as well: npm install --package-lock-only",
                code="DEP206",
            ) from error

    def _client_environment(self, tool: Tool) -> dict[str, str]:
        return _with_tool({**client_environment(self._environ), **_GIT, **_NO_DETOURS}, tool)

    async def _run(
        self,
        tool: Tool,
        arguments: tuple[str, ...],
        folder: Path,
        context: StageContext,
        env: Mapping[str, str],
    ) -> Completed:
        command = Command(
            argv=(*tool.argv, *arguments),
            cwd=folder,
            env=env,
            timeout_s=context.timeout_s,
            marker=context.marker,
        )
        return await self._runner.run(command, context.log)

    async def _run_scripts(
        self, tool: Tool, packages: PackageFolder, context: StageContext, locked: Mapping[str, LockedPackage]
    ) -> None:
        listed = [n for n in self._options.allow_scripts if any(p.name == n for p in locked.values())]
        if not listed:
            return
        env = _with_tool(clean_environment(private_home(context)), tool)
        arguments = ("rebuild", "--ignore-scripts=false", "--foreground-scripts", "--", *listed)
        context.say(f"npm {' '.join(arguments)}")
        done = await self._run(tool, arguments, packages.folder, context, env)
        if done.returncode != 0 or done.timed_out:
            raise ProjectError(
                f"an install script failed: {last_words(done)}",
                place=Place(str(packages.folder / "package.json")),
                hint=f"listed in allow_scripts: {', '.join(listed)}",
                code="DEP207",
            )


def _with_tool(env: Mapping[str, str], tool: Tool) -> dict[str, str]:
    path = os.pathsep.join([*map(str, tool.path), env.get("PATH", os.defpath)])
    return {**env, **tool.env, "PATH": path}


def _locked(packages: PackageFolder) -> dict[str, LockedPackage]:
    is_npm = packages.client == "npm" and packages.lockfile is not None
    return locked_packages(read_json(packages.lockfile)) if is_npm and packages.lockfile else {}


def _recorded(folder: Path) -> dict[str, LockedPackage]:
    try:
        return locked_packages(read_json(folder / "node_modules" / ".package-lock.json"))
    except ProjectError:  # pnpm and yarn keep other records
        return {}


def _is_berry(lockfile: Path) -> bool:
    with lockfile.open("rb") as file:
        return b"__metadata:" in file.read(4096)


def _no_lockfile(packages: PackageFolder) -> ProjectError:
    count = plural(len(packages.wanted), "package")
    return ProjectError(
        f"package.json asks for {count} and there is no lockfile: what is installed could differ each time",
        place=Place(str(packages.folder / "package.json"), 1, 1),
        hint="npm install --package-lock-only, then commit package-lock.json; "
        "or stages.dependency-install.options.allow_unlocked: true",
        code="DEP204",
    )


def _check_listed(listed: list[str], packages: PackageFolder, locked: Mapping[str, LockedPackage]) -> None:
    if listed and packages.client != "npm":
        raise InputError(
            f"allow_scripts works with npm only, and this project is installed with {packages.client}",
            hint="leave allow_scripts out",
            code="DEP101",
        )
    names = {p.name for p in locked.values()}
    unknown = [name for name in listed if name not in names]
    if unknown and packages.lockfile:
        close = nearest(unknown[0], names)
        raise InputError(
            f"allow_scripts lists `{one_line(unknown[0], 80)}`, which {packages.lockfile.name} does not hold",
            hint=f"did you mean `{close}`?" if close else "",
            code="DEP101",
        )


def _name_scripts(context: StageContext, locked: Mapping[str, LockedPackage], listed: list[str]) -> None:
    off = sorted({p.name for p in locked.values() if p.has_install_script and p.name not in listed})
    if off:
        shown = ", ".join(one_line(name, 60) for name in off[:10])
        context.say(f"install scripts were not run: {shown} (allow_scripts lists those that may)")
    bare = sorted({p.name for p in locked.values() if not p.integrity})
    if bare:
        shown = ", ".join(one_line(name, 60) for name in bare[:10])
        context.say(f"without a hash in the lockfile, so not verified: {shown}")
