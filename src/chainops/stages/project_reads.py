"""Which files of a Foundry project forge reads, and what could make it read others."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from chainops.core.globs import matches_glob
from chainops.core.hashing import digest_bytes
from chainops.pipeline.cache.tree import SourceTree
from chainops.pipeline.model import StageContext
from chainops.project.detect import detect
from chainops.project.foundry_config import profile_values
from chainops.project.model import Project
from chainops.stages.common import private_home, project_root
from chainops.toolchains.settings import FoundrySettings

_SOURCES = (".sol", ".vy", ".yul")
#: what a library says of itself, which decides remappings
_LIBRARY_SETTINGS = ("foundry.toml", "remappings.txt")
_MOVED = re.compile(
    r"(?:FOUNDRY|DAPP)_(?:SRC|TEST|SCRIPT|LIBS|REMAPPINGS|FS_PERMISSIONS|CONFIG|INCLUDE_PATHS|ALLOW_PATHS)"
)
_ENDPOINT = re.compile(r"(?:(?:FOUNDRY|DAPP)_)?ETH_RPC_URL|(?:FOUNDRY|DAPP)_FORK_BLOCK_NUMBER")

#: looked for in every source that is read, see `FileDigests`
FORKS, FILES, INLINE = "forks", "files", "inline"
MARKS: Mapping[str, re.Pattern[bytes]] = {
    # calls, not declarations: forge-std declares them all
    FORKS: re.compile(rb"(?<!function )\b(?:(?:createFork|createSelectFork)\s*\(|rpc\s*\([^,;]+,[^,;]+,)"),
    FILES: re.compile(
        rb"(?<!function )\b(?:read(?:File|FileBinary|Line|Dir|Link)|copyFile|exists|is(?:File|Dir)|fsMetadata"
        rb"|getCode|getDeployedCode|deployCode|deployCodeTo|loadAllocs)\s*\("
    ),
    # settings in comments: those of fuzzing and the like read nothing, others may (fs_permissions)
    INLINE: re.compile(
        rb"forge-config:(?![ \t]*[\w-]+[ \t]*\.[ \t]*"
        rb"(?:fuzz|invariant|isolate|evm[-_]version|allow[-_]internal[-_]expect[-_]revert)\b)"
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectReads:
    """A project as the cache sees it at one moment."""

    project: Project
    tree: SourceTree
    #: the settings of the profile that forge uses
    values: Mapping[str, Any]
    env: Mapping[str, str]
    home: Path

    @classmethod
    def see(
        cls, context: StageContext, tree: SourceTree, settings: FoundrySettings, env: Mapping[str, str]
    ) -> ProjectReads:
        """Read the project's settings. Raises `BadProjectError`, `InputError`."""
        project = detect(project_root(context), profile=settings.profile)
        return cls(
            project=project,
            tree=tree,
            values=profile_values(project.root, settings.profile),
            env=env,
            home=private_home(context),
        )

    def settings_files(self) -> dict[str, str]:
        """Return the files, by path, that decide what forge reads and how."""
        names = ["foundry.toml", "remappings.txt", ".env", str(self.home / ".foundry" / "foundry.toml")]
        names += [n for n in self.tree.names() if PurePosixPath(n).name in _LIBRARY_SETTINGS]
        extends = self.values.get("extends")
        target = extends.get("path") if isinstance(extends, dict) else extends
        names += [target] if isinstance(target, str) else []
        return {name: self.tree.digest(name) for name in dict.fromkeys(names)}

    def own(self) -> tuple[str, ...]:
        """Return the project's sources, tests and scripts."""
        folders = {self.project.src, self.project.test, self.project.script}
        return tuple(n for n in self.solidity() if any(_below(n, f) for f in folders) and not self._is_lib(n))

    def solidity(self) -> Iterator[str]:
        """Yield every source in the tree, libraries too; what forge itself wrote is none."""
        made = (self.project.out, self.project.cache, "broadcast")
        return (n for n in self.tree.names() if n.endswith(_SOURCES) and not any(_below(n, m) for m in made))

    def libraries(self) -> Iterator[str]:
        """Yield the sources that are not the project's own."""
        own = frozenset(self.own())
        return (name for name in self.solidity() if name not in own)

    def names(self) -> dict[str, str]:
        """Return what an import could lead to: a file that comes or goes may change where it leads."""
        folders = {"src", "contracts", "lib", "node_modules", "test", "script"}
        found = dict.fromkeys(self.solidity(), "")
        return found | {f"{f}/": "" for f in folders if self.tree.has_folder(f)}

    def moved(self) -> str:
        """Return why forge may read something else than foundry.toml says; empty when it does not."""
        text = self._dotenv()
        names = [n for n in self.env if _MOVED.fullmatch(n)] or _MOVED.findall(text)
        return f"{names[0]} is set, which decides what forge reads" if names else ""

    def live(self, tested: Iterable[str], arguments: Iterable[str]) -> str:
        """Return why the tests may meet a live chain; empty when nothing says so."""
        if self.values.get("eth_rpc_url"):
            return "its tests meet a live chain: foundry.toml sets eth_rpc_url"
        names = [n for n in self.env if _ENDPOINT.fullmatch(n)] or _ENDPOINT.findall(self._dotenv())
        if names:
            return f"its tests meet a live chain: {names[0]} is set"
        if any(re.search(r"fork|rpc", argument) for argument in arguments):
            return "its tests meet a live chain: the arguments of forge name one"
        forking = next((n for n in tested if FORKS in self.tree.facts(n).marks), "")
        return f"its tests may meet a live chain: {forking} makes a fork" if forking else ""

    def files_of_tests(self, tested: Collection[str], *, allow_fs: bool) -> tuple[dict[str, str], str]:
        """Return the files that tests may read beside sources, or why that cannot be told."""
        if inline := next((n for n in tested if INLINE in self.tree.facts(n).marks), ""):
            return {}, f"{inline} has settings in comments (forge-config), which may let tests read anything"
        declared = self.values.get("fs_permissions")
        if declared is None and not any(FILES in self.tree.facts(n).marks for n in tested):
            return {}, ""
        permissions = [{"access": "read", "path": "./out"}] if declared is None else declared
        found: dict[str, str] = {}
        for permission in permissions if isinstance(permissions, list) else ():
            path = str(permission.get("path", "")) if isinstance(permission, dict) else ""
            inside = _inside(self.project.root, path)
            if inside is None:
                if allow_fs:
                    return {}, f"its tests may read files outside of the project: {path}"
                continue  # refused, see toolchains.foundry_files
            found |= {n: self.tree.digest(n) for n in self.tree.names() if n == inside or _below(n, inside)}
            # tests can ask what a folder holds, and where a link leads
            others = (n for n in self.tree.others() if _below(n, inside) or _is_link(n))
            found |= {n: digest_bytes(n.encode("utf-8", "surrogateescape")) for n in others}
        return found, ""

    def _dotenv(self) -> str:
        try:
            return (self.project.root / ".env").read_text("utf-8", "replace")
        except OSError:
            return ""

    def _is_lib(self, name: str) -> bool:
        return name.startswith("/") or any(_below(name, lib) for lib in self.project.libs)


def read_roots(context: StageContext, settings: FoundrySettings) -> tuple[Path, ...]:
    """Return the project's root and the folders outside that its settings lead to."""
    project = detect(project_root(context), profile=settings.profile)
    values = profile_values(project.root, settings.profile)
    more = values.get("include_paths")
    targets = [
        *project.libs,
        *(remapping.target for remapping in project.remappings),
        *(str(path) for path in (more if isinstance(more, list) else ())),
    ]
    outside = (project.root / target for target in targets if _inside(project.root, target) is None)
    return (project.root, *dict.fromkeys(path.resolve() for path in outside if path.is_dir()))


def selected(paths: Iterable[str], *, left_out: str) -> tuple[str, ...]:
    """Return the paths that a glob of forge does not leave out."""
    return tuple(path for path in paths if not (left_out and matches_glob(path, left_out)))


def _inside(root: Path, path: str) -> str | None:
    """Return a path relative to the root, `.` for the root itself, None when it leads outside."""
    try:
        return (root / path).resolve().relative_to(root.resolve()).as_posix()
    except (ValueError, OSError):
        return None


def _is_link(name: str) -> bool:
    return " -> " in name


def _below(name: str, folder: str) -> bool:
    return not name.startswith("/") if folder == "." else name.startswith(folder + "/")
