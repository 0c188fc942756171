"""Tells what passes by itself from what does not, among all that PostgreSQL and the way to it can answer."""

from __future__ import annotations

import re

import psycopg

from chainops.core.store.database import StoreBusyError, StoreError
from chainops.core.text import one_line

#: SQLSTATE classes and codes (PostgreSQL, appendix A) after which the same call may succeed
_PASSING = (
    "08",  # connection lost or refused
    "40",  # serialization failure, deadlock
    "53200",  # out of memory
    "53300",  # too many connections
    "55P03",  # lock not available in time
    "57014",  # statement took too long
    "57P01",  # ended by an administrator
    "57P02",  # another backend crashed
    "57P03",  # starting up, shutting down or recovering
    "57P05",  # idle for too long
    "25P03",  # idle in a transaction for too long
    "25P04",  # transaction took too long
)
_HINTS = {
    "28": "check user and password in the URL, and the server's pg_hba.conf",
    "3D000": "create it: `createdb NAME`, owned by the user of the URL",
    "3F000": "create the schema, or correct `search_path` in the URL's `options`",
    "42501": "give the user CREATE on the schema for the first start, and to every user of chainops SELECT, "
    "INSERT, UPDATE and DELETE on the tables chainops_*",
    "53100": "free some space on the database's machine; what was committed is safe, the run can be resumed",
    "25006": "the server takes no writes, as a standby does; name the primary, or several hosts with "
    "`target_session_attrs=read-write`",
    "57P04": "the database was dropped; restore it from its backup",
    "SSL": "set `sslmode` and `sslrootcert` in the URL to what the server offers",
    "HOST": "correct the host's name in the URL",
    "": "whether it runs and can be reached from here: `pg_isready -d URL`",
}
#: a refused connection carries no SQLSTATE, only text
_REFUSALS = (
    (
        r"password authentication failed|no password supplied|no pg_hba\.conf entry|authentication failed",
        "28P01",
    ),
    (r"role .* does not exist|is not permitted to log in", "28000"),
    (r"database .* does not exist", "3D000"),
    (r"permission denied", "42501"),
    (r"does not support SSL|certificate verify failed|root certificate file|server certificate", "SSL"),
    (r"Name or service not known|nodename nor servname|No address associated", "HOST"),
)
_PASSING_TEXT = (
    r"starting up|shutting down|recovery mode|accepting connections|terminating connection|"
    r"too many (clients|connections)|connection slots"
)


def translated(error: Exception, shown: str, *, was_connected: bool) -> StoreError:
    """Return the error of ours for one of the driver's; `shown` names the database without secrets."""
    text = one_line(str(error)) or type(error).__name__
    state = (error.sqlstate if isinstance(error, psycopg.Error) else None) or ""
    if not state and isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
        return _connection_error(text, shown, was_connected=was_connected)
    kind = StoreBusyError if state.startswith(_PASSING) else StoreError
    return kind(f"{shown}: {text}", hint=_hint(state))


def answers(error: StoreError) -> bool:
    """Return whether it is the server itself that says it cannot be used now."""
    return bool(re.search(_PASSING_TEXT, error.message))


def _connection_error(text: str, shown: str, *, was_connected: bool) -> StoreError:
    refused = next((state for pattern, state in _REFUSALS if re.search(pattern, text)), "")
    passing = bool(re.search(_PASSING_TEXT, text))
    if refused and not passing:
        return StoreError(f"{shown}: {text}", hint=_hint(refused))
    # a server may refuse in its own language: who was let in before waits for it, who was not is told
    unknown = "FATAL:" in text and not passing
    kind = StoreError if unknown and not was_connected else StoreBusyError
    return kind(f"{shown}: {text}", hint=_HINTS["28"] if unknown else _HINTS[""])


def _hint(state: str) -> str:
    return _HINTS.get(state) or _HINTS.get(state[:2], "")
