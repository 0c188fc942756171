"""Reads what a build left: the cache's index, each contract's artifact, the compiler's words in build-info.

Warnings come from build-info and not from what forge prints: a build that finds nothing changed prints none,
and build-info keeps them. Errors come from what forge prints, because a failed build writes no build-info,
and `forge build --json` exits 0 when compilation failed and repeats every syntax tree.
"""

from __future__ import annotations

import json
import mmap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chainops.core.errors import Place
from chainops.core.hashing import digest_bytes
from chainops.core.text import clean, decode
from chainops.toolchains.adapters.foundry_diagnosis import place_in
from chainops.toolchains.errors import ToolchainOutputError
from chainops.toolchains.foundry_config import FoundryConfig
from chainops.toolchains.model import ContractBuild, Diagnostic
from chainops.toolchains.ownership import is_mock_name

CACHE_FILE = "solidity-files-cache.json"
#: the compiler's messages come first in the output; inside a string the quotes would be escaped
_ERRORS_START = b'"output":{"errors":['
_LARGEST_MESSAGES_BYTES = 32 << 20
#: how a library's code begins: it compares its address with the caller's own (Solidity's call protection)
_LIBRARY_PREFIX = "73" + 20 * "00" + "3014"


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexedArtifact:
    """One contract as the build cache lists it."""

    source: str
    name: str
    solc_version: str
    #: relative to the output folder
    artifact: str
    build_id: str


def read_index(cache_folder: Path) -> tuple[IndexedArtifact, ...]:
    """Return the contracts of the current build, by source and name.

    The output folder may hold artifacts of sources that are gone; the cache's index does not.
    Raises `ToolchainOutputError` when there is no index or it cannot be read.
    """
    path = cache_folder / CACHE_FILE
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ToolchainOutputError(
            f"forge left no index of its build ({path.name}: {error.strerror})",
            hint="delete .chainops/build and run it again",
        ) from error
    return parse_index(data)


def parse_index(data: bytes) -> tuple[IndexedArtifact, ...]:
    """Read the cache's index.

    Raises `ToolchainOutputError` when it is not one.
    """
    try:
        files = json.loads(data)["files"]
        found = [entry for source, file in files.items() for entry in _indexed(source, file["artifacts"])]
        return tuple(sorted(found, key=lambda entry: (entry.source, entry.name, entry.solc_version)))
    except (ValueError, RecursionError, KeyError, TypeError, AttributeError) as error:
        raise ToolchainOutputError(
            f"forge's build index {CACHE_FILE} is damaged: {type(error).__name__}",
            hint="delete .chainops/build and run it again",
        ) from error


def _indexed(source: str, artifacts: Mapping[str, Any]) -> Iterator[IndexedArtifact]:
    for name, versions in artifacts.items():
        for version, profiles in versions.items():
            for built in profiles.values():
                yield IndexedArtifact(
                    source=str(source),
                    name=str(name),
                    solc_version=str(version),
                    artifact=str(built["path"]),
                    build_id=str(built["build_id"]),
                )


def read_imports(cache_folder: Path) -> dict[str, tuple[str, ...]]:
    """Return what each source imports, as the build's index knows it; empty when there is none to read."""
    try:
        files = json.loads((cache_folder / CACHE_FILE).read_bytes())["files"]
        return {source: tuple(map(str, file["imports"])) for source, file in files.items()}
    except (OSError, ValueError, RecursionError, KeyError, TypeError, AttributeError):
        return {}  # it only helps to find where inherited tests stand


def read_contracts(
    output: Path, index: tuple[IndexedArtifact, ...], config: FoundryConfig
) -> tuple[ContractBuild, ...]:
    """Return every contract of the index with its sizes.

    Raises `ToolchainOutputError` when an artifact is missing or is not one.
    """
    return tuple(parse_artifact(_artifact_bytes(output, entry), entry, config) for entry in index)


def _artifact_bytes(output: Path, entry: IndexedArtifact) -> bytes:
    try:
        return (output / entry.artifact).read_bytes()
    except OSError as error:
        raise ToolchainOutputError(
            f"the artifact of {entry.source}:{entry.name} cannot be read: {error.strerror}",
            hint="delete .chainops/build and run it again",
        ) from error


def parse_artifact(data: bytes, entry: IndexedArtifact, config: FoundryConfig) -> ContractBuild:
    """Recompute sizes and digest from an artifact's bytecode.

    The digest is the sha256 of the runtime bytecode's hexadecimal text without `0x`, where link references
    stand as their placeholders. Raises `ToolchainOutputError` when it is not an artifact.
    """
    try:
        artifact = json.loads(data)
        runtime = _hex(artifact["deployedBytecode"]["object"])
        init = _hex(artifact["bytecode"]["object"])
        functions = artifact.get("methodIdentifiers") or {}
        metadata = artifact.get("metadata") or {}
        evm_version = str((metadata.get("settings") or {}).get("evmVersion") or "")
    except (ValueError, RecursionError, KeyError, TypeError, AttributeError) as error:
        raise ToolchainOutputError(
            f"the artifact {entry.artifact} of {entry.source}:{entry.name} is damaged",
            hint="delete .chainops/build and run it again",
        ) from error
    own = config.layout.is_own(entry.source)
    internal_library = runtime.startswith(_LIBRARY_PREFIX) and not functions
    return ContractBuild(
        path=entry.source,
        name=entry.name,
        # a link placeholder takes the 40 digits of the address it stands for
        runtime_size_bytes=len(runtime) // 2,
        init_size_bytes=len(init) // 2,
        runtime_digest=digest_bytes(runtime.encode()),
        init_digest=digest_bytes(init.encode()),
        artifact=entry.artifact,
        solc_version=entry.solc_version,
        evm_version=evm_version,
        deployable=bool(init) and own and not internal_library and not is_mock_name(entry.name),
        own=own,
    )


def _hex(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("bytecode is not text")
    return value.removeprefix("0x")


def read_warnings(
    output: Path, index: tuple[IndexedArtifact, ...], config: FoundryConfig
) -> tuple[Diagnostic, ...]:
    """Return the compiler's warnings on the project's own files (tests and scripts too), each once.

    A file's warnings are those of the build that made its current artifacts. Codes that foundry.toml ignores
    are left out, and so is what the compiler says of libraries.
    """
    builds: dict[str, set[str]] = {}
    for entry in index:
        builds.setdefault(entry.build_id, set()).add(entry.source)
    indexed = {entry.source for entry in index}
    found: dict[tuple[str, str, Place | None], Diagnostic] = {}
    for build_id, sources in sorted(builds.items()):
        path = output / "build-info" / f"{build_id}.json"
        if not path.is_file():
            continue
        for diagnostic in parse_messages(_messages_part(path), config.ignored_codes):
            file = diagnostic.place.path if diagnostic.place else ""
            stale = file in indexed and file not in sources
            if not stale and not config.layout.is_library(file):
                found.setdefault((diagnostic.code, diagnostic.message, diagnostic.place), diagnostic)
    return tuple(sorted(found.values(), key=lambda d: (d.place or Place(""), d.code)))


def _messages_part(path: Path) -> bytes:
    # build-info of a large project is over 100 MB, its messages a few kB: do not read it all
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        start = data.find(_ERRORS_START)
        if start < 0:
            return b"[]"
        begin = start + len(_ERRORS_START) - 1
        return data[begin : begin + _LARGEST_MESSAGES_BYTES]


def parse_messages(data: bytes, ignored_codes: frozenset[str] = frozenset()) -> tuple[Diagnostic, ...]:
    """Read solc's `errors` list, with whatever follows it (Solidity's standard JSON output).

    Raises `ToolchainOutputError` when it is not such a list.
    """
    try:
        messages, _ = json.JSONDecoder().raw_decode(decode(data))
        return tuple(
            _diagnostic(message) for message in messages if str(message.get("errorCode")) not in ignored_codes
        )
    except (ValueError, RecursionError, TypeError, AttributeError) as error:
        raise ToolchainOutputError(
            "the compiler's messages in build-info are damaged",
            hint="delete .chainops/build and run it again",
        ) from error


def _diagnostic(message: Mapping[str, Any]) -> Diagnostic:
    formatted = clean(str(message.get("formattedMessage") or ""))
    location = message.get("sourceLocation") or {}
    file = location.get("file") if isinstance(location, Mapping) else None
    return Diagnostic(
        severity=str(message.get("severity") or "error"),
        code=str(message.get("errorCode") or ""),
        message=clean(str(message.get("message") or "")).strip(),
        # line and column are in the formatted text only; the location counts bytes
        place=place_in(formatted) or (Place(file) if isinstance(file, str) else None),
        formatted=formatted.strip(),
    )
