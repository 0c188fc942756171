"""From what is written in the configuration to the manifest of one network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from chainops.core.config_mistakes import unknown_name
from chainops.core.config_text import Document, load_document, validate
from chainops.core.errors import ChainopsError, InputErrors
from chainops.deploy.errors import ManifestError
from chainops.deploy.model import CallEntry, ContractEntry, Manifest, Where
from chainops.deploy.settings import DeploySettings, EntryOverride, NetworkOverrides


@dataclass(frozen=True, slots=True, kw_only=True)
class ManifestSource:
    """A manifest as written, with its place."""

    settings: DeploySettings
    where: Where

    def for_network(self, network: str) -> Manifest:
        """Return the manifest with `network`'s overrides applied."""
        overrides = self.settings.networks.get(network, NetworkOverrides())
        at = self.where.at("networks", network)
        return Manifest(
            contracts=tuple(
                self._contract(index, overrides.contracts, at.at("contracts"))
                for index in range(len(self.settings.contracts))
            ),
            calls=tuple(
                self._call(index, overrides.calls, at.at("calls"))
                for index in range(len(self.settings.calls))
            ),
            script=self.settings.script or "",
            where=self.where,
        )

    def _contract(self, index: int, overrides: Mapping[str, EntryOverride], at: Where) -> ContractEntry:
        one = self.settings.contracts[index]
        where = self.where.at("contracts", index)
        name = contract_name(one.name, one.contract)
        other = overrides.get(name, EntryOverride())
        return ContractEntry(
            name=name,
            contract=one.contract,
            args=one.args if other.args is None else other.args,
            value=one.value if other.value is None else other.value,
            libraries=one.libraries,
            where=where,
            args_where=(where if other.args is None else at.at(name)).at("args"),
            value_where=(where if other.value is None else at.at(name)).at("value"),
        )

    def _call(self, index: int, overrides: Mapping[str, EntryOverride], at: Where) -> CallEntry:
        one = self.settings.calls[index]
        where = self.where.at("calls", index)
        other = overrides.get(one.name or "", EntryOverride())
        return CallEntry(
            name=one.name or f"{index + 1}",
            contract=one.contract,
            function=one.function,
            args=one.args if other.args is None else other.args,
            value=one.value if other.value is None else other.value,
            where=where,
            args_where=(where if other.args is None else at.at(one.name or "")).at("args"),
            value_where=(where if other.value is None else at.at(one.name or "")).at("value"),
        )


def contract_name(name: str | None, contract: str) -> str:
    """Return what references call a contract."""
    return name or contract.rpartition(":")[2]


def load_manifest(
    section: DeploySettings | str | None,
    document: Document,
    *,
    networks: frozenset[str],
    loc: tuple[str, ...] = ("deploy",),
) -> ManifestSource | None:
    """Return the manifest, read from its own file when `section` is a path; None without one.

    `networks` are the declared names. Raises `InputErrors` with all mistakes that need no compiled contract.
    """
    if section is None:
        return None
    if isinstance(section, str):
        document = load_document(document.base / section, shown_as=section)
        section, loc = validate(DeploySettings, document), ()
    source = ManifestSource(settings=section, where=Where(document, loc))
    if mistakes := _name_mistakes(source, networks):
        raise InputErrors(tuple(mistakes), what=document.path)
    return source


def _name_mistakes(source: ManifestSource, networks: frozenset[str]) -> list[ChainopsError]:
    settings, where = source.settings, source.where
    mistakes: list[ChainopsError] = []
    names: dict[str, int] = {}
    for index, one in enumerate(settings.contracts):
        name = contract_name(one.name, one.contract)
        if name in names:
            mistakes.append(
                ManifestError(
                    f"two contracts are called `{name}`",
                    place=where.place("contracts", index),
                    hint="give one of them another `name`",
                )
            )
        names.setdefault(name, index)
    calls: dict[str, int] = {}
    for index, call in enumerate(settings.calls):
        if call.name and call.name in calls:
            mistakes.append(
                ManifestError(
                    f"two calls are called `{call.name}`", place=where.place("calls", index, "name")
                )
            )
        if call.name:
            calls.setdefault(call.name, index)
    for network, overrides in settings.networks.items():
        at = where.at("networks", network)
        if network not in networks:
            mistakes.append(unknown_name("network", network, networks, place=at.place(), code="DPL102"))
        for kind, given, known in (
            ("contract", overrides.contracts, names),
            ("call", overrides.calls, calls),
        ):
            mistakes += [
                unknown_name(kind, name, known, place=at.place(f"{kind}s", name), code="DPL103")
                for name in given
                if name not in known
            ]
    return mistakes
