"""One line for the doctor: whether the database of the runs answers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from chainops.app.database import find_database
from chainops.core.errors import ChainopsError
from chainops.core.text import one_line
from chainops.tools.doctor import Check, Health


def check_state_database(workspace: Path, *, env: Mapping[str, str] | None = None) -> tuple[Check, ...]:
    """Return what stands between here and PostgreSQL; nothing where runs are kept in the workspace."""
    try:
        choice = find_database(workspace, env=env)
        if not choice.url:
            return ()
        from chainops.core.store.postgres import PostgresDatabase

        database = PostgresDatabase(choice.url, (), wait_s=0)
        version = str(database.rows("SHOW server_version")[0][0])
        database.close()
    except ChainopsError as error:
        return (
            Check(name="database", health=Health.FAILED, detail=one_line(error.message), hint=error.hint),
        )
    return (Check(name="database", health=Health.OK, detail=f"PostgreSQL {version} ({database.shown})"),)
