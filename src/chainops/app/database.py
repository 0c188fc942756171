"""Which database holds the runs: the environment's, the configuration's, or the workspace's own file."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from chainops.core.config_text import Document, load_document
from chainops.core.errors import ChainopsError, InputError, Place
from chainops.core.references import SECRET_SCHEME, Resolver
from chainops.core.store.postgres_url import check_url, secrets_of, shown_url

#: chainops' own environment; wins over the configuration
DATABASE_VARIABLE = "CHAINOPS_DATABASE_URL"
SETTING = "database"


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseChoice:
    """A database, and where it was chosen."""

    #: with its password; empty for the file in the workspace
    url: str = field(default="", repr=False)
    place: Place | None = None


def choose_database(text: str, resolver: Resolver, place: Place | None = None) -> DatabaseChoice:
    """Return the environment's database, else the one that the setting `text` names.

    Raises `UnresolvedError` for a reference to nowhere, `DatabaseUrlError` for what is no database of ours.
    """
    given = resolver.env.get(DATABASE_VARIABLE, "")
    url = given or resolver.resolve(text, place, url_secrets=secrets_of)
    if not url:
        return DatabaseChoice()
    for secret in secrets_of(url):
        resolver.masker.add(secret)
    if given:
        check_url(given, name=DATABASE_VARIABLE)
        return DatabaseChoice(url=given, place=Place(f"${DATABASE_VARIABLE}"))
    check_url(url, place)
    return DatabaseChoice(url=url, place=place)


def find_database(workspace: Path, *, env: Mapping[str, str] | None = None) -> DatabaseChoice:
    """Return the database of a workspace without loading its whole configuration.

    Raises `InputErrors` when the configuration cannot be read; see also `choose_database`.
    """
    from chainops.app.config_file import find_config, shown

    environment = os.environ if env is None else env
    file = None if environment.get(DATABASE_VARIABLE) or not workspace.is_dir() else find_config(workspace)
    if file is None or not _mentions_database(file):
        return choose_database("", Resolver(env=environment, base=workspace))
    document = load_document(file, shown_as=shown(file))
    text = document.data.get(SETTING)
    resolver = Resolver(env=environment, base=document.base)
    return choose_database(text if isinstance(text, str) else "", resolver, document.place((SETTING,)))


def _mentions_database(file: Path) -> bool:
    try:
        return SETTING.encode() in file.read_bytes()
    except OSError:
        return True  # reading it as a configuration says what is wrong


def check_database(document: Document, resolver: Resolver | None) -> Iterator[ChainopsError]:
    """Find what names no database of ours; without a resolver, only a setting that has no references."""
    text = document.data.get(SETTING)
    if not isinstance(text, str):
        text = ""
    try:
        if resolver is not None:
            choose_database(text, resolver, document.place((SETTING,)))
        elif text and "${" not in text and not text.startswith(SECRET_SCHEME):
            check_url(text, document.place((SETTING,)))
    except InputError as mistake:
        yield mistake


def public_database(text: str) -> str:
    """Return the setting fit to be recorded: references as they stand, a URL without its password."""
    return shown_url(text) if "://" in text and not text.startswith(SECRET_SCHEME) else text
