"""The database of the runs is chosen by the environment, the configuration, or nobody; mistakes are named."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from chainops.app.config import LoadedConfig, load_config
from chainops.app.database import DATABASE_VARIABLE, find_database
from chainops.app.database_check import check_state_database
from chainops.app.state import open_state, workspace_id
from chainops.core.errors import ChainopsError, InputErrors, Place
from chainops.core.store.database import StoreBusyError
from chainops.core.store.postgres_url import DatabaseUrlError, check_url, secrets_of, shown_url
from chainops.pipeline.journal import SqliteJournal
from chainops.tools.doctor import Health

URL = "postgresql://ci:pass-w0rd@db.example:5433/runs?sslmode=require"
SHOWN = "postgresql://ci@db.example:5433/runs"


def load(tmp_path: Path, text: str, **env: str) -> LoadedConfig:
    (tmp_path / "chainops.yaml").write_text(text)
    return load_config(tmp_path, env=env)


def mistake(tmp_path: Path, text: str, **env: str) -> ChainopsError:
    with pytest.raises(InputErrors) as caught:
        load(tmp_path, text, **env)
    (only,) = caught.value.errors
    return only


def test_without_a_word_about_it_runs_are_kept_in_the_workspace(tmp_path: Path) -> None:
    assert load(tmp_path, "project_name: x\n").database.url == ""
    assert find_database(tmp_path, env={}).url == ""
    assert find_database(tmp_path / "nowhere", env={}).url == ""
    with open_state(tmp_path) as state:
        assert isinstance(state.journal, SqliteJournal)


def test_the_configuration_names_it_by_reference(tmp_path: Path) -> None:
    for text, env in (
        ("database: ${URL}", {"URL": URL}),
        ("database: secret://env/URL", {"URL": URL}),
        ("database: postgresql://ci:${PW}@db.example:5433/runs?sslmode=require", {"PW": "pass-w0rd"}),
    ):
        loaded = load(tmp_path, f"project_name: x\n{text}\n", **env)
        assert loaded.database.url == URL
        assert loaded.masker.text("says pass-w0rd") == "says ***"
        found = find_database(tmp_path, env=env)
        assert (found.url, found.place and found.place.line) == (URL, 2)
        assert "pass-w0rd" not in repr(found)
        assert "pass-w0rd" not in json.dumps(loaded.recorded(defaults=True))


def test_the_environment_wins(tmp_path: Path) -> None:
    env = {DATABASE_VARIABLE: URL}
    loaded = load(tmp_path, "database: ${NOT_SET}\n", **env)
    assert loaded.database.url == URL
    assert loaded.masker.text("pass-w0rd") == "***"
    assert find_database(tmp_path, env=env).url == URL


def test_a_default_may_be_the_file_in_the_workspace(tmp_path: Path) -> None:
    assert load(tmp_path, "database: ${NOT_SET:-}\n").database.url == ""


def test_what_is_recorded_holds_no_password(tmp_path: Path) -> None:
    recorded = load(tmp_path, f"database: {URL}\n").config.public()
    assert recorded["database"] == SHOWN
    assert load(tmp_path, "database: ${U}\n", U=URL).config.public()["database"] == "${U}"
    assert load(tmp_path, "database: ''\n").config.public()["database"] == ""


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ("mysql://u:pass-w0rd@host/db", "STO102", "the scheme `mysql`"),
        ("sqlite:///file.db", "STO102", "the scheme `sqlite`"),
        ("host/db", "STO102", "no URL"),
        ("postgresql://u:pass-w0rd@host:port/db", "STO101", "cannot be read"),
        ("postgresql://u:pass/w0rd@host/db", "STO101", "cannot be read"),
        ("postgresql://u:pass-w0rd#@host/db", "STO101", "cannot be read"),
        ("postgresql://[::1/db", "STO101", "cannot be read"),
        ("${MISSING}", "CFG150", "MISSING is not set"),
        ("secret://vault/x", "CFG152", "is not a secret reference"),
    ],
)
def test_a_mistake_is_one_error_with_its_place(tmp_path: Path, text: str, code: str, words: str) -> None:
    found = mistake(tmp_path, f"project_name: x\ndatabase: '{text}'\n")
    assert (found.code, found.place) == (code, Place(str(tmp_path / "chainops.yaml"), 2, 11))
    assert words in found.message
    assert found.hint
    assert "w0rd" not in str(found)


def test_without_the_secrets_only_the_text_itself_is_checked(tmp_path: Path) -> None:
    (tmp_path / "chainops.yaml").write_text("database: ${MISSING}\n")
    load_config(tmp_path, env={}, resolve=False)
    (tmp_path / "chainops.yaml").write_text("database: mysql://h/d\n")
    with pytest.raises(InputErrors):
        load_config(tmp_path, env={}, resolve=False)


def test_a_bad_url_in_the_environment_is_named_by_its_variable(tmp_path: Path) -> None:
    with pytest.raises(DatabaseUrlError, match=DATABASE_VARIABLE):
        find_database(tmp_path, env={DATABASE_VARIABLE: "mysql://u:p@h/d"})
    for text in ("project_name: x\n", "database: ${NOT_SET}\n"):
        found = mistake(tmp_path, text, **{DATABASE_VARIABLE: "mysql://u:p@h/d"})
        assert isinstance(found, DatabaseUrlError)
        assert DATABASE_VARIABLE in found.message


@pytest.mark.parametrize(
    "url",
    [
        "postgres://host/db",
        "postgresql:///db?host=/var/run/postgresql",
        "postgresql://u@one:1,two:2/db?target_session_attrs=read-write",
        "postgresql://u:p%40%2Fw@[::1]:5432/db",
    ],
)
def test_every_form_that_libpq_takes_is_a_url(url: str) -> None:
    check_url(url)


def test_a_url_is_shown_without_secrets() -> None:
    assert shown_url(URL) == SHOWN
    assert shown_url("postgres://h/db?password=pass-w0rd") == "postgresql://h/db"
    assert shown_url("mysql://u:p@h/d") == shown_url("postgresql://u:pa/ss@h/d") == "***"
    assert secrets_of("postgresql://u:p%40w@h/d?sslpassword=other") == ("p%40w", "p@w", "other")
    assert secrets_of("postgresql://[::1/d") == ("postgresql://[::1/d",)


def test_a_database_out_of_reach_is_named_with_the_place_of_the_setting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(DATABASE_VARIABLE, raising=False)
    (tmp_path / "chainops.yaml").write_text("database: postgresql://u:pass-w0rd@127.0.0.1:1/db\n")
    with pytest.raises(StoreBusyError) as away, open_state(tmp_path):
        raise AssertionError("opened")
    assert away.value.place == Place(str(tmp_path / "chainops.yaml"), 1, 11)
    assert away.value.hint
    assert "pass-w0rd" not in str(away.value)
    (check,) = check_state_database(tmp_path)
    assert (check.health, check.hint) == (Health.FAILED, away.value.hint)


def test_a_workspace_keeps_its_identity(tmp_path: Path) -> None:
    first = workspace_id(tmp_path)
    assert workspace_id(tmp_path) == first
    assert len(first) == 32
    other = tmp_path / "other"
    other.mkdir()
    assert workspace_id(other) != first
    assert [p.name for p in (tmp_path / ".chainops").iterdir()] == ["workspace-id"]
