"""What a model cannot say of a configuration: the graph of its stages, its references, its secrets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from chainops.app.stage_graph import DEFAULTS
from chainops.chains.settings import EMBEDDED
from chainops.core.config_mistakes import unknown_name
from chainops.core.config_text import Document
from chainops.core.errors import ChainopsError, InputError
from chainops.core.references import Resolver, refuse_literal
from chainops.core.secrets import git_url_secrets
from chainops.stages.common import SOURCE_CHECKOUT


def check_stages(document: Document) -> Iterator[ChainopsError]:
    """Find needs that do not exist, stages that need themselves, circles, and what cannot be left out."""
    needs = {name: defaults.needs for name, defaults in DEFAULTS.items()}
    for name, settings in _stages(document):
        listed = settings.get("needs")
        if isinstance(listed, list):
            yield from _check_needs(document, name, listed)
            needs[name] = tuple(n for n in listed if isinstance(n, str) and n in DEFAULTS and n != name)
        if name == SOURCE_CHECKOUT and (settings.get("enabled") is False or settings.get("when")):
            key = "enabled" if settings.get("enabled") is False else "when"
            place = document.place_of_key(("stages", name, key))
            yield InputError(
                f"{name} always runs: every stage reads what it finds", place=place, code="CFG133"
            )
    for circle in find_circles(needs):
        culprit = next((n for n in circle if document.get(("stages", n, "needs")) is not None), circle[0])
        yield InputError(
            "stages need each other in a circle: " + " → ".join([*circle, circle[0]]),
            place=document.place_of_key(("stages", culprit, "needs")),
            hint="remove one of these `needs`",
            code="CFG132",
        )


def _stages(document: Document) -> Iterator[tuple[str, Mapping[str, Any]]]:
    stages = document.data.get("stages")
    for name, settings in stages.items() if isinstance(stages, Mapping) else ():
        if name in DEFAULTS and isinstance(settings, Mapping):
            yield name, settings


def _check_needs(document: Document, name: str, listed: list[Any]) -> Iterator[ChainopsError]:
    for index, need in enumerate(listed):
        place = document.place(("stages", name, "needs", index))
        if need == name:
            yield InputError(f"`{name}` needs itself", place=place, code="CFG132")
        elif isinstance(need, str) and need not in DEFAULTS:
            yield unknown_name("stage", need, DEFAULTS, place=place, code="CFG131")


def find_circles(needs: Mapping[str, Iterable[str]]) -> list[list[str]]:
    """Return the circles in a graph, each once, in the order of the needs."""
    done: set[str] = set()
    circles: list[list[str]] = []

    def visit(name: str, path: list[str]) -> None:
        if name in path:
            circles.append(path[path.index(name) :])
        elif name not in done:
            for need in needs.get(name, ()):
                visit(need, [*path, name])
            done.add(name)

    for name in needs:
        visit(name, [])
    return circles


def check_networks(document: Document) -> Iterator[ChainopsError]:
    """Find networks that are named and not declared, and more than one production network."""
    networks = document.data.get("networks")
    declared = dict(networks) if isinstance(networks, Mapping) else {}
    known = [*declared, *({EMBEDDED} - set(declared))]
    target = document.data.get("target_network")
    if isinstance(target, str) and target not in known:
        place = document.place(("target_network",))
        yield unknown_name("network", target, known, place=place, code="CFG136")
    deploy = document.data.get("deploy")
    overrides = deploy.get("networks") if isinstance(deploy, Mapping) else None
    for name in overrides if isinstance(overrides, Mapping) else ():
        if name not in known:
            place = document.place_of_key(("deploy", "networks", name))
            yield unknown_name("network", name, known, place=place, code="CFG136")
    production = [n for n, v in declared.items() if isinstance(v, Mapping) and v.get("production") is True]
    for name in production:
        place = document.place_of_key(("networks", name, "production"))
        if name != production[0]:
            text = f"`{production[0]}` is marked production already; a run has one production network"
            yield InputError(text, place=place, code="CFG137")
        if name == target:
            yield InputError(
                f"`target_network` is `{name}`, which is marked production",
                place=document.place(("target_network",)),
                hint="production-deploy goes there after an approval; choose another for contract-deploy",
                code="CFG138",
            )


def check_literals(document: Document) -> Iterator[ChainopsError]:
    """Find secrets that stand in the environment's variables themselves."""
    for name, text in _texts(document, "environment_vars"):
        try:
            refuse_literal(name, text, document.place(("environment_vars", name)))
        except InputError as mistake:
            yield mistake


def check_references(document: Document, resolver: Resolver) -> Iterator[ChainopsError]:
    """Find references that lead nowhere."""
    for name, text in _texts(document, "environment_vars"):
        try:
            resolver.resolve(text, document.place(("environment_vars", name)))
        except InputError as mistake:
            yield mistake
    url = document.data.get("repository_url")
    if isinstance(url, str):
        try:
            resolver.resolve(url, document.place(("repository_url",)), url_secrets=git_url_secrets)
        except InputError as mistake:
            yield mistake


def _texts(document: Document, section: str) -> Iterator[tuple[str, str]]:
    values = document.data.get(section)
    for name, text in values.items() if isinstance(values, Mapping) else ():
        if isinstance(text, str):
            yield name, text
