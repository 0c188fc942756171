"""The library runs what the command runs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from chainops import Pipeline
from chainops.core.errors import InputErrors
from chainops.pipeline.model import RunRecord, RunStatus, StageRecord, StageStatus

pytestmark = pytest.mark.acceptance

CONFIG = {
    "stages": {
        name: {"enabled": False}
        for name in ("static-analysis", "security-scan", "integration-tests", "contract-deploy")
    },
    "foundry": {"coverage": False, "gas": False},
}


class Seen:
    """A watcher that cancels the run when a stage has started."""

    def __init__(self, stage: str) -> None:
        self.pipeline: Pipeline | None = None
        self.stages: list[str] = []
        self._stage = stage

    def changed(self, run: Callable[[], RunRecord], stage: StageRecord | None) -> None:
        self.stages = [s.node.name for s in run().stages if s.status is StageStatus.RUNNING]
        if self._stage in self.stages and self.pipeline:
            self.pipeline.cancel()

    def output(self, stage: str, data: bytes) -> None:
        pass


async def test_a_pipeline_executes_and_tells_its_status(counter: Callable[..., Path]) -> None:
    pipeline = Pipeline(CONFIG, counter(config=None))
    assert pipeline.current_status() is None
    result = await pipeline.execute()
    status = pipeline.current_status()
    assert status is not None
    assert (status.status, result.exit_code) == (RunStatus.SUCCESS, 0)
    assert result.document["run_id"] == status.run_id
    assert all(path.is_file() for path in result.reports)


async def test_a_cancelled_pipeline_keeps_what_was_done(counter: Callable[..., Path]) -> None:
    seen = Seen("compilation")
    pipeline = Pipeline(CONFIG, counter(config=None), watchers=(seen,))
    seen.pipeline = pipeline
    result = await asyncio.wait_for(pipeline.execute(), 60)
    assert result.exit_code == 130
    assert result.record.stage("source-checkout").status is StageStatus.SUCCESS
    assert result.record.stage("compilation").status is StageStatus.CANCELLED
    assert seen.stages == []


def test_mistakes_of_the_config_are_raised_together(tmp_path: Path) -> None:
    with pytest.raises(InputErrors) as caught:
        Pipeline({"stages": {"unit-test": {}}, "max_parallel": 0}, tmp_path)
    assert len(caught.value.errors) == 2
