"""Runs whose runner died, found by the next one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from chainops.app.config import LoadedConfig, load_config
from chainops.app.runs import load_run
from chainops.app.taking_up import dead_runs, end_orphans, taken_up_by_itself
from chainops.pipeline.model import RunRecord, RunStatus, StageNode
from unit.app.journals import CHAIN, begun, finished, memory_state, runner, started


@pytest.fixture
def loaded(tmp_path: Path) -> LoadedConfig:
    return load_config(tmp_path, data={"project_name": "p", "pipeline_id": "p"})


def dead_run(loaded: LoadedConfig, nodes: tuple[StageNode, ...] = CHAIN) -> RunRecord:
    first = replace(started(nodes, workspace=str(loaded.workspace)), config=loaded.recorded())
    return load_run(memory_state(first), "r1")


def test_only_interrupted_runs_of_the_workspace_are_dead(tmp_path: Path) -> None:
    here = str(tmp_path)
    state = memory_state(started(workspace=here), run_id="dead")
    state.journal.append("ended", started(second=1, workspace=here), finished(RunStatus.SUCCESS))
    state.journal.append("paused", started(second=2, workspace=here), finished(RunStatus.PAUSED))
    state.journal.append("lives", started(second=3, workspace=here))
    state.claims.claim("lives", runner())
    state.journal.append("elsewhere", started(second=4, workspace="/other"))
    state.journal.append("same-path", started(second=5, workspace=here), begun("source-checkout"))
    state.journal.append("newest", started(second=6, workspace="/moved"), begun("source-checkout"))
    (tmp_path / ".chainops" / "runs" / "newest").mkdir(parents=True)
    assert [run.run_id for run in dead_runs(state, tmp_path)] == ["newest", "dead"]


def test_what_dead_runs_left_is_ended(loaded: LoadedConfig) -> None:
    ended: list[str] = []
    said: list[str] = []

    def marked(prefix: str) -> list[int]:
        return {"": [1, 2, 3], "r1/": [2, 3]}.get(prefix, [])

    dead = [dead_run(loaded), replace(dead_run(loaded), run_id="r2")]
    end_orphans(dead, marked, ended.append, said.append)
    assert (ended, said) == (["r1/"], ["ended 2 processes that run r1 had left"])
    end_orphans(dead, lambda _: [], ended.append, said.append)
    end_orphans([], marked, ended.append, said.append)
    assert ended == ["r1/"]


def test_outside_of_ci_a_dead_run_is_offered(loaded: LoadedConfig, tmp_path: Path) -> None:
    said: list[str] = []
    dead = [dead_run(loaded)] * 3
    assert taken_up_by_itself(dead, loaded, tmp_path, CHAIN, said.append, ci=False) is None
    assert said == [
        "run r1 was interrupted: `chainops run --run r1` takes it up again; 2 more in `chainops runs list`"
    ]
    assert taken_up_by_itself([], loaded, tmp_path, CHAIN, said.append, ci=True) is None
    assert len(said) == 1


def test_in_ci_the_newest_dead_run_is_taken_up(loaded: LoadedConfig, tmp_path: Path) -> None:
    said: list[str] = []
    dead = dead_run(loaded)
    assert taken_up_by_itself([dead], loaded, tmp_path, CHAIN, said.append, ci=True) is dead
    assert said == ["run r1 was interrupted: it is taken up again"]


def test_under_other_settings_or_stages_a_new_run_is_started(loaded: LoadedConfig, tmp_path: Path) -> None:
    said: list[str] = []
    run = dead_run(loaded)
    skipped = (*CHAIN[:-1], replace(CHAIN[-1], skip_reason="its condition is not met: pull_request"))
    assert taken_up_by_itself([run], loaded, tmp_path, skipped, said.append, ci=True) is None
    assert said.pop() == (
        "run r1 cannot go on: 1 stage would now run otherwise: static-analysis; a new run is started"
    )
    other = load_config(tmp_path, data={"target_network": "embedded", "analysis": {"linters": []}})
    assert taken_up_by_itself([run], other, tmp_path, CHAIN, said.append, ci=True) is None
    assert "`analysis`; a new run is started" in said.pop()
