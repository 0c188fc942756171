"""Turns what a failed forge printed into mistakes with places, or into a known limit and its way out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from chainops.core.errors import Place
from chainops.core.process import Completed
from chainops.core.text import clean, decode, one_line, plural
from chainops.toolchains.adapters.foundry_sources import applied_remapping
from chainops.toolchains.adapters.solc_versions import read_head
from chainops.toolchains.foundry_config import FoundryConfig
from chainops.toolchains.model import Diagnostic

#: ` --> src/Vault.sol:12:5:`, as solc and forge print it; some messages know the file alone
_PLACE = re.compile(r"^ *--> (.+?)(?::(\d+):(\d+):?)?:?\s*$", re.MULTILINE)
_HEAD = re.compile(
    r"^(?P<severity>Error|Warning|Info|Compiler error|Internal compiler error)"
    r"(?: \((?P<code>\d+)\))?: (?P<message>.*)$"
)
_NOT_MESSAGES = ("Compiler run failed",)
_MISSING = re.compile(r'Source "(?P<target>[^"]+)" not found')
_MEMORY = re.compile(
    r"std::bad_alloc|memory access out of bounds|Cannot enlarge memory|out of memory|Allocation failed"
    r"|solc exited with signal: 9\b"
    # how soljson ends on v4-core through via-IR: its mistakes are messages, only a failed allocation aborts
    r"|\bAborted\(",
)
#: an excerpt of the source in a message: what it says is the project's, not the tool's
_EXCERPT = re.compile(r"^\s*(?:\d+\s*)?\|.*$", re.MULTILINE)
_SOLC_VERSION = re.compile(
    r"can't install missing solc \S+ in offline mode|No solc version (?:installed|exists) that matches"
    r"|Encountered invalid solc version|solc `[^`]+` does not exist|incompatible .* versions?"
)
_NETWORK = re.compile(
    r"error sending request|dns error|failed to lookup address|Could not resolve host|Connection refused"
    r"|network is unreachable|could not instantiate forked environment",
    re.IGNORECASE,
)
_STACK = re.compile(r"stack too deep", re.IGNORECASE)
_CONFIG = re.compile(r"failed to extract foundry config")


def place_in(formatted: str) -> Place | None:
    """Return the first place that a formatted compiler message names."""
    found = _PLACE.search(formatted)
    if not found:
        return None
    return Place(found[1], _number(found[2]), _number(found[3]))


def _number(digits: str | None) -> int:
    # a terminal's garbage may hold digits that no line number has
    return int(digits) if digits and len(digits) < 10 else 0


def parse_printed(text: str) -> tuple[Diagnostic, ...]:
    """Return the compiler messages in what forge printed, in order."""
    return tuple(_printed(clean(text)))


def _printed(text: str) -> Iterator[Diagnostic]:
    blocks: list[tuple[re.Match[str], list[str]]] = []
    for line in text.splitlines():
        head = _HEAD.match(line)
        if head and not head["message"].startswith(_NOT_MESSAGES):
            blocks.append((head, [line]))
        elif blocks:
            blocks[-1][1].append(line)
    for head, lines in blocks:
        formatted = "\n".join(lines).strip()
        yield Diagnostic(
            severity="error" if "rror" in head["severity"] else head["severity"].lower(),
            code=head["code"] or "",
            message=head["message"].strip(),
            place=place_in(formatted),
            formatted=formatted,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """Why a build failed."""

    diagnostics: tuple[Diagnostic, ...] = ()
    #: one line
    failure: str = ""
    limit: str = ""
    hint: str = ""
    #: forge cannot read foundry.toml
    config: bool = False


def diagnose(text: str, root: Path, config: FoundryConfig | None = None) -> Diagnosis:
    """Find the cause in everything that a failed forge printed.

    `root` and `config` are used to show which remapping sends a missing import where. Limits come first: a
    compiler that ran out of memory may have printed messages that are only its victims.
    """
    text = clean(text)
    diagnostics = tuple(d for d in parse_printed(text) if _is_the_compilers(d))
    errors = tuple(d for d in diagnostics if d.severity == "error")
    words = _EXCERPT.sub("", text)
    if _CONFIG.search(words):
        return Diagnosis(failure=one_line(words), config=True)
    if _MEMORY.search(words):
        return _memory(words, diagnostics)
    missing = tuple(d for d in errors if _MISSING.search(d.message))
    if missing:
        return _missing_library(missing, diagnostics, root, config)
    if not errors and (version := _SOLC_VERSION.search(words)):
        return _version(words, version, diagnostics)
    stack = [d for d in errors if _STACK.search(d.message)]
    if stack:
        return Diagnosis(
            diagnostics=diagnostics,
            failure=_summary(errors),
            limit="stack-too-deep",
            hint="set via_ir = true in foundry.toml, or use fewer local variables in that function",
        )
    if errors:
        return Diagnosis(diagnostics=diagnostics, failure=_summary(errors))
    if _NETWORK.search(words):
        return Diagnosis(
            diagnostics=diagnostics,
            failure=_last_words(words),
            limit="network",
            hint="forge runs without network access here; name what it must reach in the config",
        )
    return Diagnosis(diagnostics=diagnostics, failure=_last_words(words))


def _is_the_compilers(diagnostic: Diagnostic) -> bool:
    # `Error: …` without code and place is forge's own word, not the compiler's
    return bool(diagnostic.code or diagnostic.place or "Compiler error" in diagnostic.message)


def _summary(errors: tuple[Diagnostic, ...]) -> str:
    first = errors[0]
    where = f"{first.place}: " if first.place else ""
    more = f" (and {plural(len(errors) - 1, 'more error')})" if len(errors) > 1 else ""
    return where + one_line(first.message, 300) + more


def _memory(text: str, diagnostics: tuple[Diagnostic, ...]) -> Diagnosis:
    words = next((line.strip() for line in text.splitlines() if _MEMORY.search(line)), "")
    return Diagnosis(
        diagnostics=diagnostics,
        failure=(
            f"the compiler ended without a message, as it does when its memory is used up: {one_line(words)}"
        ),
        limit="solc-memory",
        hint=(
            "solc runs as WebAssembly here, which can address 4 GB: put a native solc of exactly this "
            "release on PATH, in ~/.svm or in ~/.solc-select (it is used when its hash is the one published "
            "for Linux on x64), compile fewer files at once (foundry.toml `skip`), or choose a profile "
            "without via_ir"
        ),
    )


def _version(text: str, found: re.Match[str], diagnostics: tuple[Diagnostic, ...]) -> Diagnosis:
    words = next((line for line in text.splitlines() if found[0] in line), found[0])
    return Diagnosis(
        diagnostics=diagnostics,
        failure=one_line(words.removeprefix("Error: "), 300),
        limit="solc-version",
        hint="make foundry.toml's solc and the sources' pragmas agree on one release",
    )


def _missing_library(
    missing: tuple[Diagnostic, ...],
    diagnostics: tuple[Diagnostic, ...],
    root: Path,
    config: FoundryConfig | None,
) -> Diagnosis:
    first = missing[0]
    wanted = _imported_as(first, root)
    where = f"{first.place}: " if first.place else ""
    found = _MISSING.search(first.message)
    target = found["target"] if found else ""
    if wanted.startswith("."):
        return Diagnosis(
            diagnostics=diagnostics,
            failure=f"{where}there is no file {target}, imported as {wanted}",
            hint="correct the path of the import, or add the file",
        )
    rule = (
        applied_remapping(config.remappings, first.place.path if first.place else "", wanted)
        if config
        else None
    )
    more = (
        f" (and {plural(len(missing) - 1, 'more import')} that cannot be found)" if len(missing) > 1 else ""
    )
    through = (
        f"the remapping {rule[0]} leads to {rule[1]}, which does not exist"
        if rule
        else ("no remapping applies to it")
    )
    return Diagnosis(
        diagnostics=diagnostics,
        failure=f"{where}the library of {wanted} is missing: {through}{more}",
        limit="missing-library",
        hint=(
            "install it (npm package, git submodule or lib/), or correct the remappings in foundry.toml "
            "or remappings.txt"
        ),
    )


def _imported_as(diagnostic: Diagnostic, root: Path) -> str:
    """Return the import as the source writes it; the compiler names what the remapping made of it."""
    found = _MISSING.search(diagnostic.message)
    target = found["target"] if found else ""
    file = root / diagnostic.place.path if diagnostic.place else None
    if not file or not diagnostic.place or not file.is_file():
        return target
    lines = decode(file.read_bytes()).splitlines()
    # an import may span lines; the place is where it begins
    rest = "\n".join(lines[max(0, diagnostic.place.line - 1) :])
    imports = read_head(rest).imports
    return imports[0] if imports else target


def _last_words(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    named = [line for line in lines if line.lower().startswith("error")]
    return one_line((named or lines or ["forge failed without a word"])[-1].removeprefix("Error: "), 300)


def ending(completed: Completed, what: str) -> str:
    """Say how a process ended when that is the news: a signal, or an exit code."""
    if completed.returncode < 0:
        return f"{what} was ended by signal {-completed.returncode}"
    return f"{what} ended with exit code {completed.returncode}"
