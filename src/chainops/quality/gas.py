"""Compares gas with the baseline: what rose, what fell, what is new and what is gone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from chainops.quality.baseline import GasFigure


@dataclass(frozen=True, slots=True, kw_only=True)
class GasChange:
    """One function before and after, in gas."""

    contract: str
    function: str
    before: int
    after: int

    @property
    def rise(self) -> int:
        """How much more it costs; negative when it costs less."""
        return self.after - self.before

    @property
    def rise_ratio(self) -> float:
        """The rise as a share of what it was; a rise from nothing is a rise of everything."""
        if self.before:
            return self.rise / self.before
        return 1.0 if self.after else 0.0

    @property
    def name(self) -> str:
        """`Vault.deposit(uint256)`."""
        return f"{self.contract.rpartition(':')[2]}.{self.function}"


@dataclass(frozen=True, slots=True, kw_only=True)
class GasComparison:
    """The whole comparison. New and removed functions are not judged, they are listed."""

    changes: tuple[GasChange, ...] = ()
    new: tuple[GasFigure, ...] = ()
    removed: tuple[GasFigure, ...] = ()


def compare_gas(baseline: Iterable[GasFigure], current: Iterable[GasFigure]) -> GasComparison:
    """Compare two sets of figures by contract and function."""
    before = {(f.contract, f.function): f for f in baseline}
    after = {(f.contract, f.function): f for f in current}
    return GasComparison(
        changes=tuple(
            GasChange(contract=c, function=f, before=before[c, f].gas, after=after[c, f].gas)
            for c, f in sorted(before.keys() & after.keys())
        ),
        new=tuple(after[key] for key in sorted(after.keys() - before.keys())),
        removed=tuple(before[key] for key in sorted(before.keys() - after.keys())),
    )


def matches_limit(name: str, contract: str, function: str) -> bool:
    """Whether a name of `gas_limits` means this function.

    `Vault.deposit` means every overload, `Vault.deposit(uint256)` one; `src/Vault.sol:Vault.deposit` one of
    several contracts of that name. `constructor` is another word for `deployment`.
    """
    given_contract, _, given_function = _split(name)
    bare = function.partition("(")[0]
    wanted = "deployment" if given_function == "constructor" else given_function
    return given_contract in (contract, contract.rpartition(":")[2]) and wanted in (function, bare)


def _split(name: str) -> tuple[str, str, str]:
    path, colon, rest = name.rpartition(":")
    contract, dot, function = rest.partition(".")
    return f"{path}{colon}{contract}", dot, function
