"""What a model cannot say of a configuration: the graph of its stages, its references, its secrets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from chainops.app.stage_graph import DEFAULTS
from chainops.core.config_mistakes import unknown_name
from chainops.core.config_text import Document
from chainops.core.config_yaml import Loc
from chainops.core.errors import ChainopsError, InputError
from chainops.core.references import Resolver, refuse_literal, refuse_unknown_reference
from chainops.core.secrets import git_url_secrets
from chainops.stages.common import SOURCE_CHECKOUT

#: sections whose values may name secrets
_WITH_REFERENCES = ("environment_vars", "repository_url", "database", "networks", "stages")


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
    told: set[str] = set()
    for circle in find_circles(needs):
        culprit = next((n for n in circle if document.get(("stages", n, "needs")) is not None), circle[0])
        if culprit in told:  # one wrong need closes a circle with every way that leads to it
            continue
        told.add(culprit)
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


def check_literals(document: Document) -> Iterator[ChainopsError]:
    """Find secrets that stand in the environment's variables themselves, and references to nowhere.

    Whether a reference can be resolved is not asked: that takes the secrets.
    """
    for name, text in _texts(document, "environment_vars"):
        try:
            refuse_literal(name, text, document.place(("environment_vars", name)))
        except InputError as mistake:
            yield mistake
    for section in _WITH_REFERENCES:
        for loc, text in _all_texts(document.data.get(section), (section,)):
            try:
                refuse_unknown_reference(text, document.place(loc))
            except InputError as mistake:
                yield mistake


def _all_texts(value: Any, loc: Loc) -> Iterator[tuple[Loc, str]]:
    if isinstance(value, str):
        yield loc, value
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _all_texts(inner, (*loc, name))


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
