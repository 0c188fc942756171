"""How large code may be on each network: the smaller of what the project allows and the chain accepts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from chainops.quality.settings import QualityGatesSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class SizeLimit:
    """A limit of runtime code in bytes and the networks that it holds on."""

    limit_bytes: int
    networks: tuple[str, ...]
    #: which of two limits that differ this one is; empty when they agree
    origin: str = ""

    @property
    def where(self) -> str:
        """For the end of a sentence: ` on local, live (max_contract_size, …)`."""
        names = ", ".join(name for name in self.networks if name)
        return (f" on {names}" if names else "") + (f" ({self.origin})" if self.origin else "")


def size_limits(settings: QualityGatesSettings, accepted_bytes: Mapping[str, int]) -> tuple[SizeLimit, ...]:
    """Return the limits of networks, each with what its chain accepts; networks with one limit are together.

    Where the project asks for nothing, the chain's own limit holds.
    """
    found: dict[tuple[int, str], list[str]] = {}
    for network, accepted in accepted_bytes.items():
        found.setdefault(_limit(settings.asked_size_bytes(network), accepted), []).append(network)
    return tuple(
        SizeLimit(limit_bytes=limit, networks=tuple(networks), origin=origin)
        for (limit, origin), networks in found.items()
    )


def _limit(asked: int | None, accepted: int) -> tuple[int, str]:
    if asked is None or asked == accepted:
        return accepted, ""
    if asked < accepted:
        return asked, f"max_contract_size, the network accepts {accepted:,}"
    return accepted, f"code_size_limit_bytes of the network, max_contract_size allows {asked:,}"
