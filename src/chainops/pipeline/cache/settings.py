"""The section `cache:` of the config: where results are kept, how much, and whose are trusted."""

from __future__ import annotations

import posixpath
import re
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from chainops.core.config_mistakes import mistake

_AMOUNT = re.compile(r"(\d{1,15}(?:\.\d{1,6})?)\s*([A-Za-z]+)?")
_OF_THE_PROJECT = frozenset({"src", "contracts", "test", "script", "lib", "node_modules", ".git"})
_SIZES = {"B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
_AGES_S = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}


def size_bytes(text: str) -> int:
    """Return the bytes of `500 MB`; raises ValueError (a mistake of the config) for anything else."""
    found = _AMOUNT.fullmatch(text.strip())
    factor = _SIZES.get((found[2] or "B").upper()) if found else None
    if not found or factor is None:
        raise mistake(f"`{text}` is not a size", hint="such as 500 MB or 2 GB")
    return int(float(found[1]) * factor)


def age_s(text: str) -> float:
    """Return the seconds of `30d`; raises ValueError (a mistake of the config) for anything else."""
    found = _AMOUNT.fullmatch(text.strip())
    factor = _AGES_S.get((found[2] or "").lower()) if found else None
    if not found or factor is None:
        raise mistake(f"`{text}` is not an age", hint="such as 12h, 30d or 8w")
    return float(found[1]) * factor


def _as_text(value: object) -> object:
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


def _size(text: str) -> str:
    if text:
        size_bytes(text)
    return text


def _age(text: str) -> str:
    if text:
        age_s(text)
    return text


def _path(text: str) -> str:
    """Refuse folders that are not the cache's alone: what it prunes or leaves out would be the project's."""
    parts = [part for part in posixpath.normpath(text).split("/") if part] if text else ["cache"]
    if not parts or all(part in (".", "..") for part in parts) or parts == [".chainops"]:
        raise mistake("should be a folder for the cache alone", hint="such as ci-cache")
    if not text.startswith("/") and parts[0] in _OF_THE_PROJECT:
        raise mistake(f"lies in the project's folder `{parts[0]}`", hint="such as ci-cache")
    return text


def _ref(text: str) -> str:
    if not text.strip() or text != text.strip():
        raise mistake("should be a branch, a tag or a glob of them", hint="such as main or release/*")
    return text


class CacheSettings(BaseModel):
    """What is kept of stages that succeeded."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    enabled: Annotated[
        bool, Field(description="Take results of earlier runs when nothing they stand on has changed.")
    ] = True
    path: Annotated[
        str,
        AfterValidator(_path),
        Field(
            description="Folder of the cache, relative to the workspace: name one that CI keeps between "
            "jobs. `.chainops/cache` when left out."
        ),
    ] = ""
    trusted_refs: Annotated[
        list[Annotated[str, AfterValidator(_ref)]] | None,
        Field(
            description="Branches and tags, as globs, whose results others may take; when left out, all but "
            "those of pull and merge requests."
        ),
    ] = None
    max_size: Annotated[
        str,
        BeforeValidator(_as_text, json_schema_input_type=str | int),
        AfterValidator(_size),
        Field(description="What the cache may hold, such as `500 MB`; what was used longest ago goes."),
    ] = "2 GB"
    max_age: Annotated[
        str,
        AfterValidator(_age),
        Field(description="How long a result is kept unused, such as `12h` or `30d`."),
    ] = "30d"
