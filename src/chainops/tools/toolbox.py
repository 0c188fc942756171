"""Provides tools by name from the lock, installing what is missing into the user's cache."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Mapping
from pathlib import Path

from chainops.core.files import disk_errors
from chainops.core.hashing import digest_file
from chainops.core.process import ProcessRunner, Sink
from chainops.core.tooluse import ToolUse
from chainops.tools.cache import Fill, ToolCache
from chainops.tools.clients import NpmClient, PipClient, global_npm_config
from chainops.tools.errors import SystemToolError
from chainops.tools.installers import NODE_BINARY, NPM_SCRIPT, SHIM, SOLJSON, Installers, python_argv
from chainops.tools.launcher import launcher_text, place_solc, write_program
from chainops.tools.lockfile import (
    LockedTool,
    locked_solc,
    locked_tool,
    python_tools,
    solc_table,
    split_name,
    tool_names,
    unknown_tool,
)
from chainops.tools.ports import Tool
from chainops.tools.receipt import Receipt
from chainops.tools.system import find_native_solc, node_is_new_enough, npm_script, system_node, system_tool


class ProvisionedToolbox:
    """The tools of the lock, or the user's own where `overrides` says `system`."""

    def __init__(
        self, *, cache_dir: Path, runner: ProcessRunner, overrides: Mapping[str, str] | None = None
    ) -> None:
        self._cache = ToolCache(cache_dir)
        self._runner = runner
        self._overrides = dict(overrides or {})
        self._installers = Installers(runner=runner, pip=PipClient(runner=runner))
        self._ready: dict[str, Tool] = {}
        self._locks: dict[str, asyncio.Lock] = {}
        #: what fetched the tools that had to be installed, by the tool's folder
        self._fetched_by: dict[str, tuple[ToolUse, ...]] = {}
        #: what `install` has looked at in full
        self._hashed: set[str] = set()

    async def tool(self, name: str, sink: Sink | None = None) -> Tool:
        """Return a tool at its locked version; see `Toolbox.tool`."""
        if name != "npm" and name not in tool_names():
            raise unknown_tool(name)
        async with self._locks.setdefault(name, asyncio.Lock()):
            if name not in self._ready:
                self._ready[name] = await self._provide(name, sink)
            return self._ready[name]

    async def install(self, name: str, sink: Sink | None = None) -> Tool:
        """Return a tool (`forge`, `solc@0.8.30`) with every file hashed, installed anew if one differs.

        Raises `ToolError` as `tool` does.
        """
        tool, version = split_name(name)
        key = name if tool == "solc" else tool
        if tool not in ("node", *python_tools()):
            await self.install("node", sink)  # its npm fetches the others
        async with self._locks.setdefault(key, asyncio.Lock()):
            if key not in self._hashed:
                if tool == "solc":
                    self._ready[key] = await self._provide_solc(locked_solc(version), sink, anew=True)
                else:
                    self._ready[key] = await self._provide(tool, sink, anew=True)
                self._hashed.add(key)
            return self._ready[key]

    async def _provide(self, name: str, sink: Sink | None, *, anew: bool = False) -> Tool:
        if name == "node":
            return await self._provide_node(sink, anew=anew)
        if name == "npm":
            return await self._provide_npm(sink)
        if self._overrides.get(name) == "system":
            return await system_tool(self._runner, name, self._working_folder())
        locked = locked_tool(name)
        receipt = await self._obtain(locked, sink, anew=anew)
        return await self._describe(locked, receipt, sink)

    async def _obtain(self, locked: LockedTool, sink: Sink | None, *, anew: bool) -> Receipt:
        get = self._cache.renew if anew else self._cache.ensure
        return await get(locked, self._filler(locked, sink))

    def _filler(self, locked: LockedTool, sink: Sink | None) -> Fill:
        async def fill(folder: Path) -> dict[str, str]:
            _tell(sink, f"installing {locked.name} {locked.version}")
            if locked.kind == "node":
                return await self._installers.fill_node(locked, folder, sink)
            if locked.kind == "pypi":
                return await self._installers.fill_python(locked, folder, sink)
            npm = await self._npm_client(sink)
            self._fetched_by[locked.folder] = (await self.tool("npm", sink)).uses
            if locked.kind == "npm-binary":
                return await self._installers.fill_binary(locked, folder, npm, sink)
            node = (await self.tool("node", sink)).argv
            if locked.kind == "solc":
                return await self._installers.fill_solc(locked, folder, npm, node, sink)
            return await self._installers.fill_tree(locked, folder, npm, node, sink)

        return fill

    async def _describe(self, locked: LockedTool, receipt: Receipt, sink: Sink | None) -> Tool:
        folder = self._cache.folder(locked)
        origin = "pypi" if locked.kind == "pypi" else "npm"
        use = ToolUse(name=locked.name, version=locked.version, digest=receipt.package_digest, origin=origin)
        if locked.kind == "pypi":
            return Tool(use=use, argv=python_argv(folder, locked))
        fetched_by = self._fetched_by.get(locked.folder, ())
        if locked.kind == "npm-tree":
            node = await self.tool("node", sink)
            argv = (*node.argv, str(folder / locked.member))
            return Tool(use=use, argv=argv, path=node.path, stands_on=_once(*node.uses, *fetched_by))
        return Tool(
            use=use,
            argv=(str(folder / "bin" / locked.name),),
            path=(folder / "bin",),
            stands_on=fetched_by,
        )

    async def _provide_node(self, sink: Sink | None, *, anew: bool) -> Tool:
        choice = self._overrides.get("node")
        if choice == "system":
            tool = await system_tool(self._runner, "node", self._working_folder())
            if not node_is_new_enough(tool.use.version):
                raise SystemToolError(
                    f"{tool.argv[0]} is Node {tool.use.version}; 22.13 or newer is needed",
                    hint="remove `node: system` from `tools:` to use the locked one",
                )
            return tool
        own = None if choice == "locked" else await system_node(self._runner, self._working_folder())
        if own:
            return own
        locked = locked_tool("node")
        receipt = await self._obtain(locked, sink, anew=anew)
        binary = self._cache.folder(locked) / NODE_BINARY
        use = ToolUse(name="node", version=locked.version, digest=receipt.package_digest, origin="pypi")
        return Tool(use=use, argv=(str(binary),), path=(binary.parent,))

    async def _provide_npm(self, sink: Sink | None) -> Tool:
        node = await self.tool("node", sink)
        env: dict[str, str] = {}
        if node.use.origin == "system":
            script = npm_script(Path(node.argv[0]))
            if script is None:
                raise SystemToolError(
                    f"{node.argv[0]} has no npm beside it", hint="remove `node: system` from `tools:`"
                )
        else:
            script = self._cache.folder(locked_tool("node")) / NPM_SCRIPT
            env = global_npm_config()
        version = json.loads((script.parent.parent / "package.json").read_text("utf-8"))["version"]
        # a provisioned npm comes in Node's package
        own = node.use.origin == "system"
        digest = await asyncio.to_thread(digest_file, script) if own else node.use.digest
        use = ToolUse(name="npm", version=version, digest=digest, origin=node.use.origin)
        return Tool(use=use, argv=(*node.argv, str(script)), env=env, path=node.path, stands_on=node.uses)

    async def _npm_client(self, sink: Sink | None) -> NpmClient:
        npm = await self.tool("npm", sink)
        path = os.pathsep.join([*map(str, npm.path), os.environ.get("PATH", os.defpath)])
        return NpmClient(runner=self._runner, argv=npm.argv, env={**npm.env, "PATH": path})

    async def solc(self, version: str, sink: Sink | None = None) -> Tool:
        """Return a compiler of exactly `version`; see `Toolbox.solc`."""
        locked = locked_solc(version)
        key = f"solc@{version}"
        async with self._locks.setdefault(key, asyncio.Lock()):
            if key not in self._ready:
                self._ready[key] = await self._provide_solc(locked, sink)
            return self._ready[key]

    async def _provide_solc(self, locked: LockedTool, sink: Sink | None, *, anew: bool = False) -> Tool:
        native = await asyncio.to_thread(find_native_solc, locked.version)
        if native and not anew:
            return native
        receipt = await self._obtain(locked, sink, anew=anew)
        launcher = await self._launcher(locked, receipt, sink)
        use = ToolUse(name="solc", version=locked.version, digest=receipt.package_digest, origin="npm")
        node = await self.tool("node", sink)
        stands_on = _once(*node.uses, *self._fetched_by.get(locked.folder, ()))
        return Tool(use=use, argv=(str(launcher),), path=(launcher.parent,), stands_on=stands_on)

    async def _launcher(self, locked: LockedTool, receipt: Receipt, sink: Sink | None) -> Path:
        """Write the program that stands for a native solc; it names Node, which may move between runs."""
        folder = self._cache.folder(locked)
        node = await self.tool("node", sink)
        text = launcher_text(
            reported=receipt.facts["reported"],
            node=node.argv,
            script=(str(folder / SHIM), str(folder / SOLJSON)),
        )
        path = self._cache.root / "launchers" / locked.folder / "solc"
        await asyncio.to_thread(write_program, path, text)
        return path

    async def solc_home(self, versions: tuple[str, ...], home: Path, sink: Sink | None = None) -> None:
        """Put each compiler where forge looks for it; see `Toolbox.solc_home`."""
        tools = await asyncio.gather(*(self.solc(version, sink) for version in versions))
        for version, tool in zip(versions, tools, strict=True):
            place_solc(home, version, Path(tool.argv[0]))

    def known_solc_versions(self) -> tuple[str, ...]:
        """Return every release in the lock's table, oldest first."""
        return tuple(solc_table())

    def _working_folder(self) -> Path:
        """Return a folder of ours to start programs in: the current one may be a stranger's project."""
        with disk_errors(self._cache.root):
            self._cache.root.mkdir(parents=True, exist_ok=True)
        return self._cache.root


def _once(*uses: ToolUse) -> tuple[ToolUse, ...]:
    return tuple(dict.fromkeys(uses))


def _tell(sink: Sink | None, line: str) -> None:
    if sink:
        sink(f"{line}\n".encode())
