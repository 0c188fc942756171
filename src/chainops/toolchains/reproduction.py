"""Compares two builds of the same sources."""

from __future__ import annotations

from chainops.toolchains.model import BuildResult


def differing_contracts(first: BuildResult, second: BuildResult) -> tuple[str, ...]:
    """Return the contracts (`path:name`) whose init or runtime bytecode differs, or that one build lacks."""
    left, right = _bytecode(first), _bytecode(second)
    return tuple(sorted(fqn for fqn in left.keys() | right.keys() if left.get(fqn) != right.get(fqn)))


def _bytecode(build: BuildResult) -> dict[str, set[tuple[str, str, str]]]:
    found: dict[str, set[tuple[str, str, str]]] = {}
    for contract in build.contracts:
        # one source may be compiled by several releases of the compiler
        digests = (contract.solc_version, contract.runtime_digest, contract.init_digest)
        found.setdefault(contract.fqn, set()).add(digests)
    return found
