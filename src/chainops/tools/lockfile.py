"""The lock that ships: each tool's version and the hash of every package file that it needs."""

from __future__ import annotations

import json
import platform
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from chainops.core.hashing import digest_bytes, digest_json
from chainops.tools.errors import ToolError, UnknownToolError

#: first release with a standard JSON interface
OLDEST_SOLC = "0.4.11"


@dataclass(frozen=True, slots=True, kw_only=True)
class NpmPackage:
    """One package of the npm registry; `integrity` as npm writes it (`sha512-<base64>`)."""

    name: str
    version: str
    integrity: str

    @property
    def spec(self) -> str:
        """The name that npm's commands take."""
        return f"{self.name}@{self.version}"


@dataclass(frozen=True, slots=True, kw_only=True)
class LockedTool:
    """A tool as the lock pins it; `kind` says how it is installed (see `installers.py`)."""

    name: str
    kind: str
    version: str
    #: identifies everything that decides the installed bytes
    digest: str
    #: the single package of an `npm-binary` or `solc`
    package: NpmPackage | None = None
    #: path inside the package (`npm-binary`, `solc`) or the installed folder (`npm-tree`)
    member: str = ""
    #: hash-locked requirements or package-lock, as shipped
    lock_text: str = ""
    #: Python module to start (`pypi`)
    module: str = ""

    @property
    def folder(self) -> str:
        """Name of its folder in the cache."""
        return f"{self.name}-{self.version}-{self.digest.removeprefix('sha256:')[:16]}"

    @property
    def package_digest(self) -> str:
        """Integrity in our notation: of the one package, or of the lock of all of them."""
        if self.package:
            return integrity_digest(self.package.integrity)
        return digest_bytes(self.lock_text.encode())


def integrity_digest(integrity: str) -> str:
    """Turn npm's `sha512-<base64>` into `sha512:<hex>`."""
    import base64

    algorithm, _, value = integrity.partition("-")
    return f"{algorithm}:{base64.b64decode(value).hex()}"


def platform_key() -> str:
    """Return this machine as the lock names it, such as `linux-x64`."""
    machine = {"x86_64": "x64", "amd64": "x64", "aarch64": "arm64", "arm64": "arm64"}
    return f"{sys.platform}-{machine.get(platform.machine().lower(), platform.machine())}"


def _read(name: str, folder: str = "lock") -> str:
    return resources.files("chainops.tools").joinpath(folder, name).read_text("utf-8")


@cache
def _tools() -> Mapping[str, Any]:
    found: dict[str, Any] = json.loads(_read("tools.json"))
    return found


@cache
def solc_table() -> Mapping[str, Mapping[str, str]]:
    """Return the compilers: version to npm `integrity` and, where known, the native one's sha256."""
    found: dict[str, dict[str, str]] = json.loads(_read("solc.json"))
    return found


def tool_names() -> tuple[str, ...]:
    """Return the names of all tools in the lock, compilers apart."""
    return tuple(sorted(_tools()))


def python_tools() -> tuple[str, ...]:
    """Return the names of the tools that come from PyPI into an environment of their own."""
    return tuple(sorted(name for name, entry in _tools().items() if entry["kind"] == "pypi"))


def locked_tool(name: str, *, platform_name: str | None = None) -> LockedTool:
    """Return what the lock says of `name` for this machine.

    Raises `UnknownToolError` with the nearest name, `ToolError` when it has no package for the machine.
    """
    entry = _tools().get(name)
    if entry is None:
        raise unknown_tool(name)
    where = platform_name or platform_key()
    package = None
    if "packages" in entry:
        pinned = entry["packages"].get(where)
        if pinned is None:
            raise ToolError(
                f"{name} {entry['version']} has no package for {where}",
                hint=f"install it yourself and write `tools: {{{name}: system}}` in chainops.yaml",
            )
        package = NpmPackage(version=entry["version"], **pinned)
    text = _read(entry["file"]) if "file" in entry else ""
    python = [*sys.version_info[:2], sys.base_prefix] if entry["kind"] == "pypi" else []
    return LockedTool(
        name=name,
        kind=entry["kind"],
        version=entry["version"],
        digest=digest_json([entry, text, where, python]),
        package=package,
        member=entry.get("member") or entry.get("script", ""),
        lock_text=text,
        module=entry.get("module", ""),
    )


def locked_solc(version: str) -> LockedTool:
    """Return the soljson of one release. Raises `UnknownToolError` with the nearest known ones."""
    entry = solc_table().get(version)
    if entry is None:
        raise unknown_solc(version)
    shim = _read("solc.js", "shim")
    return LockedTool(
        name="solc",
        kind="solc",
        version=version,
        digest=digest_json([version, entry["integrity"], shim]),
        package=NpmPackage(name="solc", version=version, integrity=entry["integrity"]),
        member="package/soljson.js",
        lock_text=shim,
    )


def unknown_tool(name: str, more: tuple[str, ...] = ()) -> ToolError:
    """Return the error for a name that is in no lock, with the nearest one that is."""
    import difflib

    names = (*tool_names(), "npm", *more)
    near = difflib.get_close_matches(name, names, n=1)
    return UnknownToolError(
        f"unknown tool {name!r}",
        hint=f"did you mean {near[0]!r}?" if near else f"known are: {', '.join(sorted(names))}",
    )


def unknown_solc(version: str) -> ToolError:
    """Return the error for a compiler that cannot be provided."""
    import difflib

    known = tuple(solc_table())
    near = difflib.get_close_matches(version, known, n=3, cutoff=0.5)
    return UnknownToolError(
        f"solc {version} cannot be provided: npm has no release of that number from {OLDEST_SOLC} on",
        hint=f"nearest are {', '.join(near)}" if near else f"known are {known[0]} to {known[-1]}",
    )


def split_name(name: str) -> tuple[str, str]:
    """Split `solc@0.8.30` into name and version; other tools have the version of the lock (empty here).

    Raises `UnknownToolError` for a name or a compiler that is not in the lock.
    """
    tool, _, version = name.partition("@")
    if tool == "solc":
        if not version:
            raise UnknownToolError(
                "solc needs a version",
                hint=f"for example solc@{tuple(solc_table())[-1]}, or any from {OLDEST_SOLC}",
            )
        if version not in solc_table():
            raise unknown_solc(version)
    elif tool not in (*tool_names(), "npm"):
        raise unknown_tool(tool, more=("solc",))
    elif version and version != locked_tool("node" if tool == "npm" else tool).version:
        raise UnknownToolError(
            f"{tool} {version} is not in the lock", hint=f"write `{tool}` for the locked version"
        )
    return tool, version
