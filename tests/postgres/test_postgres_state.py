"""A workspace whose database is PostgreSQL keeps nothing of its runs' course in a file."""

from __future__ import annotations

from pathlib import Path

import pytest

from chainops.app.database import DATABASE_VARIABLE
from chainops.app.database_check import check_state_database
from chainops.app.state import open_state
from chainops.tools.doctor import Health
from unit.pipeline.claims_suite import living
from unit.pipeline.journal_suite import STARTED


def test_each_workspace_lists_its_own_runs(tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(DATABASE_VARIABLE, url)
    runner = living()
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        with open_state(tmp_path / name) as state:
            state.claims.claim(name, runner)
            state.journal.append(name, STARTED, runner=runner.token)
    for name in ("one", "two"):
        with open_state(tmp_path / name) as state:
            assert [h.run_id for h in state.journal.runs()] == [name]
            holder = state.claims.holder(name)
            assert holder
            assert holder.runner == runner
        assert not (tmp_path / name / ".chainops" / "state.db").exists()


def test_the_configuration_chooses_it(tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(DATABASE_VARIABLE, raising=False)
    monkeypatch.setenv("STATE_URL", url)
    (tmp_path / "chainops.yaml").write_text("database: ${STATE_URL}\n")
    with open_state(tmp_path) as state:
        state.journal.append("run", STARTED)
    with open_state(tmp_path) as state:
        assert state.journal.read("run") == (STARTED,)


def test_the_doctor_asks_the_server(tmp_path: Path, url: str) -> None:
    (check,) = check_state_database(tmp_path, env={DATABASE_VARIABLE: url})
    assert check.health is Health.OK
    assert check.detail.startswith("PostgreSQL ")
    assert check_state_database(tmp_path, env={}) == ()
