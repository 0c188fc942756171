"""Compiled contracts as the deployment needs them: ABI, code, and the holes in it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from chainops.chains.abi import entries, signature
from chainops.core.config_mistakes import nearest, unknown_name
from chainops.core.errors import MachineError, Place
from chainops.core.hashing import digest_bytes
from chainops.deploy.errors import ManifestError
from chainops.toolchains.model import ContractBuild


class ArtifactError(MachineError):
    """A compiler artifact is missing or does not look like one."""

    code = "DPL301"


class BuildChangedError(MachineError):
    """What would be deployed is not what this run compiled and tested."""

    code = "DPL302"


@dataclass(frozen=True, slots=True)
class Hole:
    """Bytes that are filled in later. `owner` is the library's `path:name`, empty for an immutable."""

    start: int
    length: int
    owner: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """Bytecode with holes; library addresses and immutables are zeros in `template`."""

    template: bytes
    libraries: tuple[Hole, ...] = ()
    immutables: tuple[Hole, ...] = ()

    def linked(self, addresses: Mapping[str, str]) -> bytes:
        """Return the code with the libraries' addresses filled in; raises KeyError when one is missing."""
        code = bytearray(self.template)
        for hole in self.libraries:
            code[hole.start : hole.start + hole.length] = bytes.fromhex(addresses[hole.owner][2:])
        return bytes(code)

    @property
    def library_names(self) -> tuple[str, ...]:
        """The libraries that have to be linked, by `path:name`."""
        return tuple(dict.fromkeys(hole.owner for hole in self.libraries))


@dataclass(frozen=True, slots=True, kw_only=True)
class Build:
    """One compiled contract."""

    fqn: str
    name: str
    abi: tuple[Mapping[str, Any], ...]
    creation: Code
    runtime: Code

    @property
    def code_digest(self) -> str:
        """Sha256 of the creation code, libraries left open."""
        return digest_bytes(self.creation.template)

    @property
    def library_names(self) -> tuple[str, ...]:
        """The libraries that it needs at creation or later."""
        return tuple(dict.fromkeys((*self.creation.library_names, *self.runtime.library_names)))


@dataclass(slots=True)
class Builds:
    """All contracts of a build; artifacts are read when they are asked for."""

    contracts: tuple[ContractBuild, ...]
    output_dir: Path
    _read: dict[str, Build] = field(default_factory=dict)

    def names(self) -> list[str]:
        """Return the names of deployable contracts, all names when there are none."""
        return sorted({c.name for c in self.contracts if c.deployable} or {c.name for c in self.contracts})

    def find(self, wanted: str, place: Place | None = None) -> Build:
        """Return the contract called `wanted`: `Vault` or `src/Vault.sol:Vault`.

        The project's own contracts go before those of libraries and tests. Raises `ManifestError` when none
        or several are called so, `ArtifactError` when its artifact cannot be read.
        """
        by_fqn = ":" in wanted
        found = [c for c in self.contracts if (c.fqn if by_fqn else c.name) == wanted]
        if len(found) > 1:
            found = [c for c in found if c.deployable] or found
        if len(found) > 1:
            raise ManifestError(
                f"{len(found)} contracts are called `{wanted}`",
                place=place,
                code="DPL105",
                hint="write one of: " + ", ".join(sorted(c.fqn for c in found)),
            )
        if not found:
            known = [c.fqn for c in self.contracts] if by_fqn else self.names()
            close = nearest(wanted, known)
            hint = f"did you mean `{close}`?" if close else "known: " + ", ".join(known[:20])
            raise ManifestError(f"unknown contract `{wanted}`", place=place, code="DPL104", hint=hint)
        return self.load(found[0])

    def load(self, contract: ContractBuild) -> Build:
        """Read a contract's artifact; raises `ArtifactError`, `BuildChangedError`."""
        if contract.fqn not in self._read:
            self._read[contract.fqn] = read_artifact(self.output_dir / contract.artifact, contract)
        return self._read[contract.fqn]

    def by_creation_code(self, data: bytes, name: str) -> tuple[Build, dict[str, str]] | None:
        """Return the contract that `data` creates and the library addresses in it, None when none fits."""
        for contract in self.contracts:
            if name and contract.name != name:
                continue
            build = self.load(contract)
            if build.creation.template and (linked := _libraries_in(build.creation, data)) is not None:
                return build, linked
        return None

    def knows(self, name: str) -> bool:
        """Return whether a contract is called `name`."""
        return any(contract.name == name for contract in self.contracts)


def _libraries_in(code: Code, data: bytes) -> dict[str, str] | None:
    if len(data) < len(code.template):
        return None
    bare = bytearray(data[: len(code.template)])
    found: dict[str, str] = {}
    for hole in code.libraries:
        span = slice(hole.start, hole.start + hole.length)
        found[hole.owner] = "0x" + bare[span].hex()
        bare[span] = bytes(hole.length)
    return found if bytes(bare) == code.template else None


def read_artifact(path: Path, contract: ContractBuild) -> Build:
    """Read Foundry's or solc's JSON for one contract.

    The build folder is shared by the runs of a workspace, so what lies there need not be what this run
    compiled. Raises `ArtifactError` when it cannot be read, `BuildChangedError` when its code is not the
    one that `contract` records.
    """
    try:
        data = json.loads(path.read_bytes())
        found = (_digest(data["bytecode"]), _digest(data["deployedBytecode"]))
        build = Build(
            fqn=contract.fqn,
            name=contract.name,
            abi=tuple(data["abi"]),
            creation=_code(data["bytecode"]),
            runtime=_code(data["deployedBytecode"]),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ArtifactError(
            f"the artifact of {contract.fqn} cannot be used: {path}: {type(error).__name__}: {error}",
            hint="run the compilation again",
        ) from error
    if found != (contract.init_digest, contract.runtime_digest):
        raise BuildChangedError(
            f"{contract.fqn} is not what this run compiled and tested: {path} was built again since",
            hint="start a new run: it compiles and tests what is there now",
        )
    return build


def _digest(data: Mapping[str, Any]) -> str:
    return digest_bytes(str(data["object"]).removeprefix("0x").encode())


def _code(data: Mapping[str, Any]) -> Code:
    text = str(data["object"]).removeprefix("0x")
    libraries = tuple(
        Hole(int(span["start"]), int(span["length"]), f"{path}:{name}")
        for path, names in (data.get("linkReferences") or {}).items()
        for name, spans in names.items()
        for span in spans
    )
    for hole in libraries:
        # solc leaves `__$<hash>$__` where an address belongs
        begin = 2 * hole.start
        text = text[:begin] + "0" * (2 * hole.length) + text[begin + 2 * hole.length :]
    immutables = tuple(
        Hole(int(span["start"]), int(span["length"]))
        for spans in (data.get("immutableReferences") or {}).values()
        for span in spans
    )
    return Code(template=bytes.fromhex(text), libraries=libraries, immutables=immutables)


def find_entry(build: Build, kind: str, name: str, *, place: Any) -> Mapping[str, Any]:
    """Return the function, event or error `name` of a contract; raises `ManifestError`."""
    found = entries(build.abi, kind, name)
    if len(found) == 1:
        return found[0]
    if found:
        raise ManifestError(
            f"{build.name} has {len(found)} {kind}s called {name}",
            place=place,
            code="DPL105",
            hint="write one of: " + ", ".join(signature(e) for e in found),
        )
    known = [str(e.get("name")) for e in build.abi if e.get("type") == kind]
    mistake = unknown_name(kind, name.partition("(")[0], known, place=place, code="DPL104")
    raise ManifestError(f"{build.name} has no {kind} `{name}`", place=place, hint=mistake.hint, code="DPL104")


def builds_from(contracts: Iterable[ContractBuild], output_dir: Path) -> Builds:
    """Return the builds that a compilation left."""
    return Builds(contracts=tuple(contracts), output_dir=output_dir)
