"""What a configuration says of networks in one place must fit what it says of them in another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from chainops.chains.model import NetworkKind
from chainops.chains.settings import EMBEDDED
from chainops.core.config_mistakes import unknown_name
from chainops.core.config_text import Document
from chainops.core.config_yaml import Loc
from chainops.core.errors import ChainopsError, InputError
from chainops.stages.common import CONTRACT_DEPLOY


def check_networks(document: Document) -> Iterator[ChainopsError]:
    """Find networks that are named and not declared, and those that cannot be what they are named for."""
    networks = document.data.get("networks")
    declared = dict(networks) if isinstance(networks, Mapping) else {}
    yield from _unknown(document, [*declared, *({EMBEDDED} - set(declared))])
    yield from _reserved(document, declared)
    yield from _production(document, declared)
    yield from _without_account(document, declared)


def _unknown(document: Document, known: list[str]) -> Iterator[ChainopsError]:
    target = document.data.get("target_network")
    if isinstance(target, str) and target not in known:
        place = document.place(("target_network",))
        yield unknown_name("network", target, known, place=place, code="CFG136")
    overrides: tuple[tuple[Loc, list[str]], ...] = (
        (("deploy", "networks"), known),
        (("quality_gates", "max_contract_size"), [*known, "default"]),
    )
    for loc, names in overrides:
        given = document.get(loc)
        for name in given if isinstance(given, Mapping) else ():
            if name not in names:
                place = document.place_of_key((*loc, name))
                yield unknown_name("network", name, names, place=place, code="CFG136")


def _reserved(document: Document, declared: Mapping[str, Any]) -> Iterator[ChainopsError]:
    embedded = declared.get(EMBEDDED)
    if isinstance(embedded, Mapping) and embedded.get("kind") != NetworkKind.EMBEDDED.value:
        yield InputError(
            f"`{EMBEDDED}` is the chain that chainops starts itself",
            place=document.place_of_key(("networks", EMBEDDED)),
            hint=f"give this network another name, or set `kind: {EMBEDDED}`",
            code="CFG139",
        )


def _production(document: Document, declared: Mapping[str, Any]) -> Iterator[ChainopsError]:
    target = document.data.get("target_network")
    production = [n for n, v in declared.items() if isinstance(v, Mapping) and v.get("production") is True]
    for name in production[1:]:
        place = document.place_of_key(("networks", name, "production"))
        text = f"`{production[0]}` is marked production already; a run has one production network"
        yield InputError(text, place=place, code="CFG137")
    network = declared.get(target) if isinstance(target, str) else None
    if target in production:
        yield InputError(
            f"`target_network` is `{target}`, which is marked production",
            place=document.place(("target_network",)),
            hint="production-deploy goes there after an approval; choose another for contract-deploy",
            code="CFG138",
        )
    elif isinstance(network, Mapping) and network.get("kind") == NetworkKind.MAINNET.value:
        yield InputError(
            f"`target_network` is `{target}`, a mainnet: contract-deploy asks for no approval",
            place=document.place(("target_network",)),
            hint="set `production: true` on it, so that production-deploy goes there after an approval, "
            "and choose another for contract-deploy",
            code="CFG138",
        )


def _without_account(document: Document, declared: Mapping[str, Any]) -> Iterator[ChainopsError]:
    if document.data.get("deploy") is None:
        return
    cells = document.get(("stages", CONTRACT_DEPLOY, "matrix", "network"))
    targets = cells if isinstance(cells, list) else [document.data.get("target_network")]
    for name, network in declared.items():
        if not isinstance(network, Mapping) or network.get("kind") == NetworkKind.EMBEDDED.value:
            continue
        is_used = name in targets or network.get("production") is True
        if is_used and network.get("account") is None:
            yield InputError(
                f"`networks.{name}.account` is missing: what is deployed there has to be signed",
                place=document.place_of_key(("networks", name)),
                hint="for example `account: secret://env/DEPLOYER_KEY`",
                code="CFG143",
            )
