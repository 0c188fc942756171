"""What a toolchain's build, tests, coverage and gas report come to, whichever tool printed them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from chainops.core.errors import Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnostic:
    """A compiler's error or warning."""

    severity: str  # `error`, `warning`, `info`
    code: str
    message: str
    place: Place | None = None
    #: the compiler's own formatted text
    formatted: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractBuild:
    """A compiled contract. Sizes come from its bytecode, not from what the tool says of it."""

    #: source path relative to the project's root, then the name: `src/Vault.sol`, `Vault`
    path: str
    name: str
    runtime_size_bytes: int
    init_size_bytes: int
    #: sha256 of the runtime bytecode's hexadecimal text without `0x`, link references left as they are
    runtime_digest: str
    #: the artifact (ABI, bytecode, link and immutable references), relative to the build output
    artifact: str
    #: the same of the init bytecode
    init_digest: str = ""
    solc_version: str = ""
    #: what the compiler made code for, by its own metadata; empty where there is none
    evm_version: str = ""
    #: the project's own and deployable: not a test, script, mock, library dependency, interface or abstract
    deployable: bool = True
    #: from a source that ships: interfaces and abstract contracts too, but no test, script, mock or library
    own: bool = True
    #: where it is declared in its source, from 1; 0 when that is not known
    line: int = 0

    @property
    def fqn(self) -> str:
        """`path:name`, unique in a project."""
        return f"{self.path}:{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildResult:
    """A build that succeeded, or its errors."""

    ok: bool
    diagnostics: tuple[Diagnostic, ...] = ()
    contracts: tuple[ContractBuild, ...] = ()
    #: folder with the artifacts and `build-info`, absolute
    output_dir: str = ""
    solc_versions: tuple[str, ...] = ()
    #: the tool's own words when it failed without diagnostics
    failure: str = ""
    #: a known limit was met (`solc-memory`, `missing-library`, `network`, …), not a mistake in the code
    limit: str = ""
    hint: str = ""
    #: build-info files of the current build, relative to `output_dir`
    build_infos: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """Documentation of the project's own contracts, as a page."""

    #: relative, with forward slashes: `src/Vault.sol.md`
    name: str
    text: str
    media_type: str = "text/markdown"


class TestStatus(StrEnum):
    """How a test ended."""

    __test__ = False  # pytest would collect the class by its name

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True, kw_only=True)
class TestCase:
    """One test of the project's suite."""

    __test__: ClassVar[bool] = False  # pytest would collect the class by its name

    #: `path:Contract`
    suite: str
    name: str
    status: TestStatus
    kind: str  # `unit`, `fuzz`, `invariant`, `symbolic`
    reason: str = ""
    counterexample: str = ""
    duration_s: float = 0.0
    gas: int | None = None
    runs: int | None = None
    place: Place | None = None
    logs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureGroup:
    """Failing tests that share one cause."""

    reason: str
    tests: tuple[str, ...]
    hint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SuiteResult:
    """All tests of one run."""

    cases: tuple[TestCase, ...] = ()
    #: set when the suite could not run at all (it did not compile, the node was not reachable)
    failure: str = ""
    hint: str = ""
    #: the known limit behind `failure`, as in `BuildResult.limit`
    limit: str = ""
    #: the tool's own report in the request's scratch folder, traces left out; empty when there is none
    report_file: str = ""
    #: what random inputs were drawn from, so that a run can be repeated
    seed: str = ""

    def count(self, status: TestStatus) -> int:
        """Return how many tests ended with `status`."""
        return sum(case.status is status for case in self.cases)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratio:
    """Hits out of a total; an empty total counts as fully covered, as lcov and istanbul do."""

    hit: int
    total: int

    @property
    def value(self) -> float:
        """The ratio, 0–1."""
        return self.hit / self.total if self.total else 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class FileCoverage:
    """Coverage of one source file. `statements` is None where the tool does not report them per file."""

    path: str
    lines: Ratio
    branches: Ratio
    functions: Ratio
    statements: Ratio | None = None
    #: executable lines that no test reached
    missed_lines: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """Coverage of the project's own sources: tests, scripts, mocks and libraries are left out."""

    files: tuple[FileCoverage, ...] = ()
    #: the filtered report in lcov's tracefile format
    lcov: str = ""
    #: empty, or what a fall-back costs in accuracy
    accuracy: str = ""
    #: set when coverage could not be measured
    failure: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class GasEntry:
    """Gas of a function or a deployment, in gas units of execution."""

    contract: str  # `path:name`
    #: the signature, or `deployment`
    function: str
    calls: int
    min_gas: int
    mean_gas: int
    median_gas: int
    max_gas: int
    #: where the function or the constructor is defined
    place: Place | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GasReport:
    """Gas by contract and function, from the unit tests."""

    entries: tuple[GasEntry, ...] = ()
    #: the tool's own report in the request's scratch folder; empty when there is none
    report_file: str = ""
    #: set when no gas report could be made
    failure: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledSource:
    """A source as the compiler reported that it read it."""

    #: relative to the project's root, or absolute
    path: str
    #: what it imports, as paths of the same kind
    imports: tuple[str, ...] = ()
    #: the compilers and profiles that it was compiled with
    compiled_with: tuple[str, ...] = ()
