"""What passes by itself is told from what does not, by code or by what libpq says."""

from __future__ import annotations

import psycopg
import pytest
from psycopg import errors

from chainops.core.store.database import StoreBusyError, StoreError
from chainops.core.store.postgres_errors import answers, translated

SHOWN = "postgresql://u@h/d"


@pytest.mark.parametrize(
    "kind",
    [
        errors.AdminShutdown,
        errors.CrashShutdown,
        errors.CannotConnectNow,
        errors.TooManyConnections,
        errors.QueryCanceled,
        errors.LockNotAvailable,
        errors.DeadlockDetected,
        errors.SerializationFailure,
        errors.ConnectionFailure,
        errors.OutOfMemory,
        errors.IdleInTransactionSessionTimeout,
    ],
)
def test_what_passes_is_busy(kind: type[psycopg.Error]) -> None:
    assert isinstance(translated(kind("why"), SHOWN, was_connected=True), StoreBusyError)


@pytest.mark.parametrize(
    ("kind", "hint"),
    [
        (errors.DiskFull, "free some space"),
        (errors.ReadOnlySqlTransaction, "name the primary"),
        (errors.InvalidPassword, "pg_hba.conf"),
        (errors.InvalidCatalogName, "createdb"),
        (errors.InsufficientPrivilege, "CREATE on the schema"),
        (errors.DatabaseDropped, "restore it"),
        (errors.UndefinedColumn, ""),
    ],
)
def test_what_does_not_pass_says_what_to_do(kind: type[psycopg.Error], hint: str) -> None:
    ours = translated(kind("why\n  and how"), SHOWN, was_connected=True)
    assert type(ours) is StoreError
    assert hint in ours.hint
    assert ours.message == f"{SHOWN}: why and how"


@pytest.mark.parametrize(
    ("text", "passes_at_first", "passes_later"),
    [
        ("connection failed: Connection refused\n\tIs the server running on that host?", True, True),
        ("server closed the connection unexpectedly", True, True),
        ("FATAL:  the database system is starting up", True, True),
        ("FATAL:  the database system is not yet accepting connections", True, True),
        ("FATAL:  sorry, too many clients already", True, True),
        ("FATAL:  Passwort-Authentifizierung für Benutzer »u« fehlgeschlagen", False, True),
        ('FATAL:  password authentication failed for user "u"', False, False),
        ('FATAL:  no pg_hba.conf entry for host "1.2.3.4", user "u"', False, False),
        ('FATAL:  database "d" does not exist', False, False),
        ("server does not support SSL, but SSL was required", False, False),
        ("failed to resolve host 'x': [Errno -2] Name or service not known", False, False),
        ("failed to resolve host 'x': [Errno -3] Temporary failure in name resolution", True, True),
    ],
)
def test_a_refused_connection_is_judged_by_its_text(
    text: str, passes_at_first: bool, passes_later: bool
) -> None:
    for was_connected, passes in ((False, passes_at_first), (True, passes_later)):
        ours = translated(psycopg.OperationalError(text), SHOWN, was_connected=was_connected)
        assert isinstance(ours, StoreBusyError) is passes
        assert ours.hint


def test_only_a_server_that_says_so_will_be_there_soon() -> None:
    for text, soon in (("FATAL:  the database system is starting up", True), ("Connection refused", False)):
        ours = translated(psycopg.OperationalError(text), SHOWN, was_connected=False)
        assert answers(ours) is soon
