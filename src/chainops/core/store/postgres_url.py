"""What a database's URL may look like, and how it is shown: without a driver, so that a check is cheap."""

from __future__ import annotations

import re
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from chainops.core.errors import InputError, Place

SCHEMES = ("postgresql", "postgres")
_HOST = re.compile(r"(\[[^\]]*\]|[^:@]*)(:\d*)?")
#: parameters of libpq that are secrets
_SECRET_PARAMETERS = ("password", "sslpassword")


class DatabaseUrlError(InputError):
    """A database is named by something that is not the URL of a PostgreSQL database."""

    code = "STO101"


def check_url(url: str, place: Place | None = None, *, name: str = "database") -> None:
    """Raise `DatabaseUrlError` unless `url` names a PostgreSQL database; the message never repeats it."""
    parts = _split(url)
    if parts is None or _is_ambiguous(parts):
        raise DatabaseUrlError(
            f"`{name}` cannot be read as a URL",
            place=place,
            hint="percent-encode `@`, `/`, `?`, `#`, `%` and `:` in a user's name or password (`@` is %40)",
        )
    if parts.scheme not in SCHEMES:
        what = f"the scheme `{parts.scheme}`" if parts.scheme and "://" in url else "no URL"
        raise DatabaseUrlError(
            f"`{name}` has {what}; chainops keeps its state in PostgreSQL or, without it, in SQLite",
            place=place,
            hint="write postgresql://user@host:5432/name, or leave it out for the file .chainops/state.db",
            code="STO102",
        )


def shown_url(url: str) -> str:
    """Return a database's URL fit to be shown: user, host, port and name of the database."""
    parts = _split(url)
    if parts is None or _is_ambiguous(parts) or parts.scheme not in SCHEMES:
        return "***"
    user, _, hosts = parts.netloc.rpartition("@")
    owner = user.partition(":")[0]
    return f"postgresql://{owner + '@' if owner else ''}{hosts}{parts.path}"


def secrets_of(url: str) -> tuple[str, ...]:
    """Return the passwords in a database's URL, as they stand and decoded."""
    parts = _split(url)
    if parts is None:
        return (url,)
    password = parts.netloc.rpartition("@")[0].partition(":")[2]
    values = [v for k, v in parse_qsl(parts.query, keep_blank_values=True) if k in _SECRET_PARAMETERS]
    return tuple(dict.fromkeys(s for s in (password, unquote(password), *values) if s))


def _split(url: str) -> SplitResult | None:
    try:
        return urlsplit(url)
    except ValueError:
        return None


def _is_ambiguous(parts: SplitResult) -> bool:
    """Return whether a password may have been cut at a character that should have been encoded."""
    hosts = parts.netloc.rpartition("@")[2]
    cut = "@" in parts.path + parts.query or bool(parts.fragment)
    return cut or not all(_HOST.fullmatch(host) for host in hosts.split(","))
