"""What each stage that can be cached reads and writes; docs/reference/cache.md shows it as a table."""

from __future__ import annotations

import shutil
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from chainops.analysis.settings import AnalysisSettings
from chainops.core.errors import MachineError
from chainops.core.files import disk_errors, write_atomic
from chainops.core.hashing import digest_bytes, digest_json
from chainops.pipeline.cache.model import ABSENT, StageInputs
from chainops.pipeline.cache.tree import SourceTree
from chainops.pipeline.model import Outcome, StageContext
from chainops.stages.common import (
    COMPILATION,
    build_dir,
    builds_itself,
    compiler_choice,
    project_root,
    upstream_output,
)
from chainops.stages.project_reads import ProjectReads, read_roots, selected
from chainops.toolchains.model import CompiledSource
from chainops.toolchains.settings import FoundrySettings

#: settings that a build does not depend on
_OF_TESTS = frozenset(
    {
        "test_args", "coverage_args", "coverage_exclude", "coverage", "gas", "integration_path",
        "unit_match_path", "unit_no_match_path", "allow_no_tests", "fuzz_seed",
    }
)  # fmt: skip
#: settings of a build that nothing but its own outcome depends on
_OF_BUILD = frozenset({"reproducible", "documentation"})
#: what solhint takes for rules of the project's own
_SOLHINT = (
    ".solhint.json", ".solhintrc", ".solhintrc.json", ".solhintrc.yaml", ".solhintrc.yml", ".solhintrc.js",
    "solhint.config.js", ".solhintignore", "package.json",
)  # fmt: skip
_LIBRARY_NAMES = "list:names of libraries"
_SLITHER = ("slither.config.json", "slither.db.json")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadsSettings:
    """What all of them go by."""

    foundry: FoundrySettings
    analysis: AnalysisSettings
    #: the declared environment, resolved
    env: Mapping[str, str]
    #: gives a tool's identity, empty when it has none
    tools: Callable[[str], str]
    #: tells what the build in a folder was made of
    compiled: Callable[[Path], tuple[CompiledSource, ...]]
    #: gives a digest from which nobody without the cache's key can guess the value
    keyed: Callable[[str], str]
    #: identity of chainops itself
    own_code: Callable[[], str]
    fork_url: str = ""


class ReadsBase(ABC):
    """What the stages share. Implements `StageReads` but for `inputs`, which each stage has of its own."""

    #: tools that take part, as the toolbox names them
    tools: tuple[str, ...] = ("forge", "solc")

    def __init__(self, settings: ReadsSettings) -> None:
        self._settings = settings

    def roots(self, context: StageContext) -> tuple[Path, ...]:
        """See `StageReads.roots`."""
        return read_roots(context, self._settings.foundry)

    @abstractmethod
    def inputs(self, context: StageContext, tree: SourceTree) -> StageInputs:
        """See `StageReads.inputs`."""

    def reported(self, context: StageContext, outcome: Outcome) -> tuple[str, ...]:  # noqa: ARG002 - the port's
        """See `StageReads.reported`. What the build reported is known beforehand."""
        return ()

    def folders(self, context: StageContext) -> Mapping[str, Path]:  # noqa: ARG002 - the port's
        """See `StageReads.folders`."""
        return {}

    def untouched(self, context: StageContext) -> tuple[Path, ...]:
        """See `StageReads.untouched`: the build, for what stands on it."""
        if COMPILATION not in context.upstream:
            return ()
        return (build_dir(context) / "out", build_dir(context) / "cache")

    def prepare(self, context: StageContext, inputs: StageInputs) -> None:  # noqa: B027 - most have no output folders
        """See `StageReads.prepare`."""

    def doubt(self, outcome: Outcome) -> str:  # noqa: ARG002 - the port's
        """See `StageReads.doubt`."""
        return ""

    def _see(self, context: StageContext, tree: SourceTree) -> ProjectReads:
        return ProjectReads.see(context, tree, self._settings.foundry, self._settings.env)

    def _made(
        self,
        context: StageContext,
        reads: ProjectReads,
        files: Mapping[str, str],
        settings: Mapping[str, Any],
        *,
        lists: Mapping[str, Mapping[str, str]] | None = None,
        never: str = "",
    ) -> StageInputs:
        given = self._settings
        tools = {name: given.tools(name) for name in self.tools}
        unknown = next((name for name, identity in tools.items() if not identity), "")
        if unknown:
            never = never or f"{unknown} is a script of this machine, which says nothing of what it starts"
        parts = {
            **{f"file:{path}": digest for path, digest in files.items()},
            **{f"setting:{name}": digest_json(value) for name, value in settings.items()},
            **{f"tool:{name}": digest_bytes(identity.encode()) for name, identity in tools.items()},
            **{f"env:{name}": given.keyed(value) for name, value in given.env.items()},
            "tool:chainops": given.own_code(),
            "place:project": digest_bytes(str(project_root(context)).encode()),
            "place:build": digest_bytes(str(build_dir(context)).encode()),
            "setting:matrix": digest_json(compiler_choice(context)),
        }
        if parts.get("file:.env", ABSENT) != ABSENT:
            parts["file:.env"] = given.keyed(parts["file:.env"])
        return StageInputs(parts=parts, lists=lists or {}, never=never or reads.moved())

    def _foundry(self, left_out: Iterable[str]) -> dict[str, Any]:
        return _settings("foundry", self._settings.foundry, left_out)

    def _compiled(self, context: StageContext) -> tuple[CompiledSource, ...]:
        return self._settings.compiled(build_dir(context))


class CompilationReads(ReadsBase):
    """Sources, tests and scripts, what they import as the compiler reports it, and all names of sources."""

    def inputs(self, context: StageContext, tree: SourceTree) -> StageInputs:
        """See `StageReads.inputs`."""
        reads = self._see(context, tree)
        files = {path: tree.digest(path) for path in reads.own()} | reads.settings_files()
        return self._made(
            context,
            reads,
            files,
            self._foundry(_OF_TESTS),
            lists={
                "list:names of sources": reads.names(),
                _LIBRARY_NAMES: dict.fromkeys(reads.libraries(), ""),
            },
            never=self._own_compiler(reads),
        )

    def prepare(self, context: StageContext, inputs: StageInputs) -> None:
        """See `StageReads.prepare`.

        forge compiles what has changed and takes the rest from its own cache, also after a change of the
        remappings. Those stand in the compiler's metadata, whose hash ends every bytecode: code would depend
        on what was built here before. So a build of other settings is cleared away first.
        """
        sources = tuple(f".{ending}" for ending in ("sol", "vy", "yul"))
        parts = {name: digest for name, digest in inputs.parts.items() if not name.endswith(sources)}
        wanted = digest_json({**parts, _LIBRARY_NAMES: dict(inputs.lists.get(_LIBRARY_NAMES, {}))}).encode()
        marker = build_dir(context) / "made-for"
        if marker.is_file() and marker.read_bytes() == wanted:
            return
        with disk_errors(marker):
            for folder in self.folders(context).values():
                if folder.exists():
                    shutil.rmtree(folder)
        write_atomic(marker, wanted)

    def _own_compiler(self, reads: ProjectReads) -> str:
        """Return why nobody can tell what compiles; a program of the project's own is run when FFI is."""
        solc = reads.project.solc.removeprefix("solc:")
        own = solc and not all(part.isdigit() for part in solc.split("."))
        if self._settings.foundry.allow_ffi and (own or "vyper" in reads.values):
            return "the project names a program of its own as compiler"
        return ""

    def reported(self, context: StageContext, outcome: Outcome) -> tuple[str, ...]:  # noqa: ARG002 - the port's
        """See `StageReads.reported`."""
        return tuple(source.path for source in self._compiled(context))

    def folders(self, context: StageContext) -> Mapping[str, Path]:
        """See `StageReads.folders`."""
        return {"out": build_dir(context) / "out", "cache": build_dir(context) / "cache"}

    def untouched(self, context: StageContext) -> tuple[Path, ...]:  # noqa: ARG002 - the port's
        """See `StageReads.untouched`."""
        return ()


class UnitTestsReads(ReadsBase):
    """All that was compiled, and the files that the tests may read."""

    def inputs(self, context: StageContext, tree: SourceTree) -> StageInputs:
        """See `StageReads.inputs`."""
        settings = self._settings.foundry
        return self._tests(context, tree, left_out=settings.unit_excluded)

    def _tests(self, context: StageContext, tree: SourceTree, *, left_out: str) -> StageInputs:
        settings = self._settings.foundry
        if builds_itself(context):
            return StageInputs(never="it compiles for itself in this cell")
        reads = self._see(context, tree)
        compiled = self._compiled(context)
        paths = tuple(dict.fromkeys((*reads.own(), *(source.path for source in compiled))))
        tested = selected(paths, left_out=left_out)
        others, unknown = reads.files_of_tests(tested, allow_fs=settings.allow_fs)
        files = {path: tree.digest(path) for path in paths} | reads.settings_files() | others
        ffi = "its tests may start programs (allow_ffi)" if settings.allow_ffi else ""
        arguments = (*settings.test_args, *settings.coverage_args)
        return self._made(
            context,
            reads,
            files,
            self._foundry(_OF_BUILD) | {"the compilers' choice": _choice(compiled)},
            lists={"list:names of sources": reads.names()},
            never=self._never(context) or ffi or unknown or reads.live(tested, arguments),
        )

    def _never(self, context: StageContext) -> str:  # noqa: ARG002 - for the stage that meets a chain
        return ""

    def doubt(self, outcome: Outcome) -> str:
        """See `StageReads.doubt`. A measure that failed may succeed the next time."""
        coverage = outcome.outputs.get("coverage") or {}
        said = (str(coverage.get("failure") or ""), str(outcome.outputs.get("gas_failure") or ""))
        return next((text for text in said if text and not text.startswith("not asked for")), "")


class IntegrationTestsReads(UnitTestsReads):
    """As the unit tests; the chain starts from nothing each time, unless it is a fork."""

    tools = ("forge", "solc", "anvil")

    def inputs(self, context: StageContext, tree: SourceTree) -> StageInputs:
        """See `StageReads.inputs`."""
        return self._tests(context, tree, left_out="")

    def _never(self, context: StageContext) -> str:
        if "network" in context.cell:
            return f"its tests meet the network {context.cell['network']}"
        return "its tests meet a fork of a live chain" if self._settings.fork_url else ""

    def doubt(self, outcome: Outcome) -> str:
        """See `StageReads.doubt`."""
        kind = (outcome.outputs.get("chain") or {}).get("kind")
        return "" if kind == "anvil" else f"its tests met a {kind}"


class StaticAnalysisReads(ReadsBase):
    """The project's own files, all libraries, the linters' rules, the baseline."""

    tools = ("forge", "solc", "node", "solhint")

    def inputs(self, context: StageContext, tree: SourceTree) -> StageInputs:
        """See `StageReads.inputs`."""
        reads = self._see(context, tree)
        analysis = self._settings.analysis
        names = frozenset((*reads.own(), analysis.baseline, *_SOLHINT))
        files = {path: tree.digest(path) for path in names} | reads.settings_files()
        return self._made(
            context,
            reads,
            files,
            self._foundry(_OF_TESTS | _OF_BUILD) | _settings("analysis", analysis, {"analyzers"}),
            lists={
                "list:libraries": {path: tree.digest(path) for path in reads.libraries()},
                "list:rules": {n: tree.digest(n) for n in tree.names() if "node_modules/solhint" in n},
            },
            never=self._own_rules(tree),
        )

    def _own_rules(self, tree: SourceTree) -> str:
        if "solhint" not in self._settings.analysis.linters:
            return ""
        program = next((n for n in _SOLHINT if n.endswith(".js") and n in tree.seen), "")
        return f"{program} is a program, which may read anything" if program else ""


class SecurityScanReads(ReadsBase):
    """The project's own sources with all that they import: no test, no script."""

    tools = ("forge", "solc", "slither")

    def inputs(self, context: StageContext, tree: SourceTree) -> StageInputs:
        """See `StageReads.inputs`."""
        reads = self._see(context, tree)
        analysis = self._settings.analysis
        wanted = tuple(upstream_output(context, "source-checkout", "sources"))
        compiled = {source.path: source for source in self._compiled(context)}
        closure = tuple(compiled[path] for path in _closure(compiled, wanted))
        names = (*(source.path for source in closure), analysis.baseline, *_SLITHER)
        files = {path: tree.digest(path) for path in names} | reads.settings_files()
        return self._made(
            context,
            reads,
            files,
            self._foundry(_OF_TESTS | _OF_BUILD)
            | _settings("analysis", analysis, {"linters", "require_format"})
            | {"the compilers' choice": _choice(closure)},
            lists={"list:scanned sources": dict.fromkeys(wanted, "")},
        )


def _closure(compiled: Mapping[str, CompiledSource], wanted: Iterable[str]) -> tuple[str, ...]:
    """Return the wanted sources and all that they import; raises `MachineError` for one not compiled."""
    found: dict[str, None] = {}
    waiting = list(wanted)
    while waiting:
        path = waiting.pop()
        if path in found:
            continue
        if path not in compiled:
            raise MachineError(f"{path} is not in the build", code="CCH302")
        found[path] = None
        waiting += compiled[path].imports
    return tuple(sorted(found))


def _choice(compiled: Iterable[CompiledSource]) -> dict[str, list[str]]:
    """Return which compilers took which source: another file's pragma may have a part in it."""
    return {source.path: list(source.compiled_with) for source in compiled}


def _settings(section: str, settings: BaseModel, left_out: Iterable[str]) -> dict[str, Any]:
    values = settings.model_dump(mode="json", exclude=set(left_out))
    return {f"{section}.{name}": value for name, value in values.items()}
