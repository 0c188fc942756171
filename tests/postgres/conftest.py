"""Gives tests a PostgreSQL: the one of CHAINOPS_TEST_POSTGRES_URL, or one of their own on loopback."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from urllib.parse import quote

import psycopg
import pytest

from postgres.server import NoServerError, PostgresServer


@pytest.fixture(scope="session")
def server() -> Iterator[PostgresServer]:
    """Return a server that the test may restart."""
    try:
        made = PostgresServer()
    except NoServerError as reason:
        pytest.skip(f"{reason}; set CHAINOPS_TEST_POSTGRES_URL to use another server")
    try:
        made.start()
        yield made
    finally:
        made.close()


@pytest.fixture(scope="session")
def server_url(request: pytest.FixtureRequest) -> str:
    """Return the URL of a database in which schemas can be made."""
    given = os.environ.get("CHAINOPS_TEST_POSTGRES_URL", "")
    if given:
        return given
    own: PostgresServer = request.getfixturevalue("server")
    return own.url


@pytest.fixture
def url(server_url: str) -> Iterator[str]:
    """Return the URL of a schema that holds nothing yet."""
    yield from fresh_schema(server_url)


@pytest.fixture
def own_url(server: PostgresServer) -> Iterator[str]:
    """Return the same on the server that can be restarted."""
    yield from fresh_schema(server.url)


def fresh_schema(server_url: str) -> Iterator[str]:
    name = f"chainops_test_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {name}")
    options = quote(f"-csearch_path={name}", safe="")
    yield f"{server_url}{'&' if '?' in server_url else '?'}options={options}"
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f"DROP SCHEMA {name} CASCADE")
