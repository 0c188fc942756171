"""Reads `forge test --gas-report --json`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from chainops.core.text import clean, decode, one_line
from chainops.toolchains.adapters.foundry_tests import find_json
from chainops.toolchains.errors import ToolchainOutputError
from chainops.toolchains.model import GasEntry
from chainops.toolchains.ownership import SourceLayout

_NO_TESTS = "No tests found"


def parse_gas(output: bytes, layout: SourceLayout) -> tuple[GasEntry, ...]:
    """Return gas by contract and function for the project's own contracts, sorted.

    A deployment counts as one call. Raises `ToolchainOutputError` when there is no whole report.
    """
    text = decode(output)
    try:
        report = find_json(text, list)
    except ValueError as error:
        if _NO_TESTS in text:
            return ()
        raise ToolchainOutputError(
            f"forge's gas report is cut off or is none; it begins: {one_line(text, 120) or '(nothing)'}",
            hint="look at the stage's log; a full disk or a killed process can cut a report",
        ) from error
    try:
        found = [
            entry
            for contract in report
            if layout.is_own(str(contract["contract"]).rpartition(":")[0])
            for entry in _entries(contract)
        ]
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise ToolchainOutputError(
            f"forge's gas report has another shape than that of version 1.7 ({type(error).__name__})",
            hint="run `chainops tools verify`, or use the locked forge",
        ) from error
    return tuple(sorted(found, key=lambda entry: (entry.contract, entry.function)))


def _entries(contract: Mapping[str, Any]) -> Iterator[GasEntry]:
    name = clean(str(contract["contract"]))
    deployment = contract.get("deployment") or {}
    gas = _units(deployment.get("gas") or 0)
    if gas:  # zero when no test deploys it: an abstract contract, a proxy's target at a fixed address
        yield GasEntry(
            contract=name,
            function="deployment",
            calls=1,
            min_gas=gas,
            mean_gas=gas,
            median_gas=gas,
            max_gas=gas,
        )
    for signature, figures in (contract.get("functions") or {}).items():
        yield GasEntry(
            contract=name,
            function=clean(str(signature)),
            calls=_units(figures["calls"]),
            min_gas=_units(figures["min"]),
            mean_gas=_units(figures["mean"]),
            median_gas=_units(figures["median"]),
            max_gas=_units(figures["max"]),
        )


def _units(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError(f"{value!r} is not a count")
    return value
