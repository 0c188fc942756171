"""Reads a JavaScript project's manifest, lockfile and npm settings, as far as an install has to know them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from chainops.core.errors import Place
from chainops.core.recursion import recursion_bounded
from chainops.project.errors import BadProjectError

#: lockfile → the package manager that writes it, in the order in which one is chosen
LOCKFILES = {
    "npm-shrinkwrap.json": "npm",
    "package-lock.json": "npm",
    "pnpm-lock.yaml": "pnpm",
    "yarn.lock": "yarn",
    "bun.lock": "bun",
    "bun.lockb": "bun",
}
#: one entry of a lockfile: yarn's version line, pnpm's resolution line
_ENTRY = {
    "yarn": re.compile(r"^  version ", re.MULTILINE),
    "pnpm": re.compile(r"^    resolution: ", re.MULTILINE),
}
_MAX_BYTES = 64 << 20
_DEPENDENCIES = ("dependencies", "devDependencies", "optionalDependencies")
#: npm settings of a project that say what to fetch and how to lay it out; they run nothing, send no secrets
_HARMLESS = re.compile(
    r"(?:@[\w.-]+:)?registry|legacy-peer-deps|strict-peer-deps|strict-peer-dependencies|auto-install-peers"
    r"|engine-strict|save-exact|save-prefix|save|fund|audit|audit-level|loglevel|progress|package-lock"
    r"|node-linker|shamefully-hoist|public-hoist-pattern(?:\[\])?|hoist-pattern(?:\[\])?|hoist|ignore-scripts"
    r"|link-workspace-packages|prefer-workspace-packages|prefer-offline|update-notifier|install-strategy"
    r"|fetch-(?:retries|timeout|retry-\w+)|maxsockets|min-release-age|omit-lockfile-registry-resolved"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageFolder:
    """A folder with a package.json and what belongs to it."""

    folder: Path
    #: names of the packages that the manifest asks for directly
    wanted: tuple[str, ...]
    lockfile: Path | None
    #: `npm`, `pnpm`, `yarn`, `bun`; `npm` when there is no lockfile
    client: str


def find_package_folder(root: Path, top: Path, *, reaches_up: bool = False) -> PackageFolder | None:
    """Return the folder whose packages the project at `root` uses, or None when it uses none.

    A monorepo keeps its lockfile above the project, at most in `top`: it is looked for there when the project
    has dependencies and no lockfile of its own, or takes libraries from above (`reaches_up`). Raises
    `BadProjectError` for a manifest that cannot be read.
    """
    own = _package_folder(root)
    if own and (own.lockfile or not (own.wanted or reaches_up)):
        return own
    if root == top or not (own or reaches_up):
        return own
    for folder in root.parents:
        above = _package_folder(folder)
        if above and above.lockfile:
            return replace(above, wanted=own.wanted if own and own.wanted else above.wanted)
        if folder == top:
            break
    return own


def _package_folder(folder: Path) -> PackageFolder | None:
    if not (folder / "package.json").is_file():
        return None
    lockfile = next((folder / name for name in LOCKFILES if (folder / name).is_file()), None)
    client = LOCKFILES[lockfile.name] if lockfile else "npm"
    return PackageFolder(
        folder=folder, wanted=_wanted(folder / "package.json"), lockfile=lockfile, client=client
    )


def _wanted(file: Path) -> tuple[str, ...]:
    manifest = read_json(file)
    names: dict[str, None] = {}
    for section in _DEPENDENCIES:
        listed = manifest.get(section, {})
        if isinstance(listed, dict):
            names |= dict.fromkeys(str(name) for name in listed)
    return tuple(names)


def read_json(file: Path) -> dict[str, Any]:
    """Return a JSON object from a file. Raises `BadProjectError` with the line when it is not one."""
    try:
        if file.stat().st_size > _MAX_BYTES:
            raise BadProjectError(f"{file.name} is larger than {_MAX_BYTES:,} bytes", place=Place(str(file)))
        text = file.read_bytes().decode("utf-8-sig")
        with recursion_bounded():
            data = json.loads(text)
    except json.JSONDecodeError as error:
        place = Place(str(file), error.lineno, error.colno)
        raise BadProjectError(f"not valid JSON: {error.msg}", place=place) from error
    except (UnicodeDecodeError, RecursionError) as error:
        raise BadProjectError("not valid JSON in UTF-8", place=Place(str(file))) from error
    except OSError as error:
        raise BadProjectError(f"cannot read {file.name}: {error.strerror}", place=Place(str(file))) from error
    if not isinstance(data, dict):
        raise BadProjectError("should be a JSON object", place=Place(str(file)))
    return data


@dataclass(frozen=True, slots=True, kw_only=True)
class LockedPackage:
    """A package as a lockfile pins it."""

    #: where it is installed, such as `node_modules/a/node_modules/b`
    path: str
    name: str
    version: str
    integrity: str = ""
    #: not installed where the platform does not fit
    platform_bound: bool = False
    has_install_script: bool = False


def locked_packages(lock: Mapping[str, Any]) -> dict[str, LockedPackage]:
    """Return the packages of a package-lock.json (version 2 or 3) by path, without links and the project.

    Source of the format: npm's documentation, package-lock.json, `packages`.
    """
    found: dict[str, LockedPackage] = {}
    packages = lock.get("packages")
    for path, entry in packages.items() if isinstance(packages, dict) else ():
        if "node_modules/" not in path or not isinstance(entry, dict) or entry.get("link"):
            continue
        bound = any(entry.get(key) for key in ("os", "cpu", "libc"))
        found[path] = LockedPackage(
            path=path,
            name=str(entry.get("name") or path.rpartition("node_modules/")[2]),
            version=str(entry.get("version", "")),
            integrity=str(entry.get("integrity", "")),
            platform_bound=bound and bool(entry.get("optional")),
            has_install_script=bool(entry.get("hasInstallScript")),
        )
    return found


def count_locked(packages: PackageFolder) -> int:
    """Return how many packages yarn's or pnpm's lockfile pins; 0 when there is none or it is another's."""
    pattern = _ENTRY.get(packages.client)
    if packages.lockfile is None or pattern is None:
        return 0
    text = packages.lockfile.read_text(encoding="utf-8", errors="replace")
    return len(pattern.findall(text.partition("\npackages:\n")[2] if packages.client == "pnpm" else text))


def is_installed(folder: Path, locked: Mapping[str, LockedPackage]) -> bool:
    """Whether `node_modules` holds exactly what the lock pins, by npm's own record of what it installed.

    As npm does, the record is not believed when a package's folder changed after it was written.
    """
    record = folder / "node_modules" / ".package-lock.json"
    try:
        written = record.stat().st_mtime
        installed = locked_packages(read_json(record))
        fresh = all((folder / path).stat().st_mtime <= written for path in installed)
    except (OSError, BadProjectError):
        return False
    same = all(
        path in locked and (p.version, p.integrity) == (locked[path].version, locked[path].integrity)
        for path, p in installed.items()
    )
    missing = [p for path, p in locked.items() if path not in installed]
    return fresh and same and all(p.platform_bound for p in missing)


def refused_npmrc(text: str) -> tuple[tuple[int, str, str], ...]:
    """Return what a project's .npmrc must not set: line, key and why.

    A repository is a stranger's: such a file can name programs to run, and can send a token of the
    environment (`${NPM_TOKEN}`) to a registry of its choice.
    """
    found: list[tuple[int, str, str]] = []
    for number, line in enumerate(text.splitlines(), 1):
        key, _, value = (part.strip() for part in line.partition("="))
        if not key or key.startswith(("#", ";")):
            continue
        if "${" in line:
            found.append((number, key, "takes a value from the environment"))
        elif not _HARMLESS.fullmatch(key):
            found.append((number, key, "can decide what runs or where credentials go"))
        elif key == "ignore-scripts" and value.lower() != "true":
            continue  # the command line says otherwise, and wins
    return tuple(found)
