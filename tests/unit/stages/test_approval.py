"""A stage that waits until somebody agreed to what it stands on."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from chainops.artifacts.run import MemoryArtifacts
from chainops.deploy.model import Approval
from chainops.deploy.ports import MemoryApprovals
from chainops.pipeline.model import Outcome, StageContext, StageNode, StageStatus
from chainops.report.approval import plan_lines
from chainops.stages.approval import ApprovedStage
from unit.pipeline.fakes import FakeStage

NODE = StageNode(name="contract-deploy", needs=("unit-tests", "security-scan"), approval=True)
CONFIG = {"pipeline_id": "p"}


def upstream(**more: Outcome) -> dict[str, Outcome]:
    checkout = {"tree_digest": "sha256:t", "commit": "c" * 40, "branch": "main", "subject": "Fix"}
    return {
        "source-checkout": Outcome(status=StageStatus.SUCCESS, outputs=checkout),
        "unit-tests": Outcome(
            status=StageStatus.SUCCESS, reason="17 tests passed", outputs={"tests": {"total": 17}}
        ),
        **{name.replace("_", "-"): outcome for name, outcome in more.items()},
    }


def context(tmp_path: Path, **fields: Any) -> StageContext:
    fields = {"upstream": upstream(), "log": lambda _: None, **fields}
    return StageContext(
        run_id="r1",
        stage="contract-deploy",
        attempt=1,
        workspace=tmp_path,
        scratch=tmp_path,
        marker="r1/contract-deploy/1/",
        timeout_s=1,
        artifacts=MemoryArtifacts(),
        **fields,
    )


def guarded(
    *digests: str, node: StageNode = NODE, config: object = CONFIG
) -> tuple[ApprovedStage, FakeStage]:
    inner = FakeStage("contract-deploy")
    approvals = MemoryApprovals(*digests)
    return ApprovedStage(inner, node=node, config=config, approvals=approvals), inner  # type: ignore[arg-type]


async def asked(tmp_path: Path, **fields: Any) -> str:
    stage, _ = guarded(config=fields.pop("config", CONFIG), node=fields.pop("node", NODE))
    outcome = await stage.run(context(tmp_path, **fields))
    return str(outcome.outputs["plan_digest"])


async def test_it_waits_and_shows_what_it_stands_on(tmp_path: Path) -> None:
    stage, inner = guarded()
    outcome = await stage.run(context(tmp_path))
    assert (outcome.status, inner.calls, stage.name) == (StageStatus.WAITING, 0, "contract-deploy")
    assert outcome.hint == "chainops approve r1 contract-deploy"
    assert outcome.outputs["stands_on"]["unit-tests"]["reason"] == "17 tests passed"
    lines = plan_lines(outcome.outputs)
    assert lines[0] == "to go on with commit cccccccccccc (Fix)"
    assert lines[1] == f"  plan {outcome.outputs['plan_digest']}"
    assert lines[2] == "  sources sha256:t"
    assert lines[-1].startswith("  unit-tests: 17 tests passed (sha256:")


async def test_it_runs_once_exactly_that_was_approved(tmp_path: Path) -> None:
    log = bytearray()
    stage, inner = guarded(await asked(tmp_path))
    outcome = await stage.run(context(tmp_path, log=log.extend))
    assert (outcome.status, inner.calls) == (StageStatus.SUCCESS, 1)
    assert b"was approved" in log


async def test_the_log_says_who_agreed_and_when(tmp_path: Path) -> None:
    class Ada:
        given = frozenset[str]()

        def approved(self, stage: str, digest: str) -> Approval:
            return Approval(digest=digest, by="ada", at=datetime(2026, 1, 2, tzinfo=UTC))

    log = bytearray()
    stage = ApprovedStage(FakeStage("contract-deploy"), node=NODE, config=CONFIG, approvals=Ada())
    await stage.run(context(tmp_path, log=log.extend))
    assert b"was approved by ada at 2026-01-02 00:00:00 UTC" in log


async def test_an_approval_dies_when_what_it_covers_changes(tmp_path: Path) -> None:
    before = await asked(tmp_path)
    stage, inner = guarded(before)
    changed = upstream(unit_tests=Outcome(status=StageStatus.SUCCESS, outputs={"tests": {"total": 16}}))
    outcome = await stage.run(context(tmp_path, upstream=changed))
    assert (outcome.status, inner.calls) == (StageStatus.WAITING, 0)
    assert f"the approval given ({before}) is for another plan" in outcome.reason


@pytest.mark.parametrize(
    "fields",
    [
        {"config": {"pipeline_id": "q"}},
        {"cell": {"network": "live"}},
        {"upstream": upstream(security_scan=Outcome(status=StageStatus.SUCCESS))},
        {"node": replace(NODE, needs=())},
        {"upstream": upstream(source_checkout=Outcome(status=StageStatus.SUCCESS))},
    ],
)
async def test_settings_cell_sources_and_earlier_results_are_all_covered(
    fields: dict[str, Any], tmp_path: Path
) -> None:
    assert await asked(tmp_path, **fields) != await asked(tmp_path)


async def test_the_same_result_from_the_cache_needs_no_new_approval(tmp_path: Path) -> None:
    tests = upstream()["unit-tests"]
    cached = upstream(unit_tests=replace(tests, cached_from="r0"))
    assert await asked(tmp_path, upstream=cached) == await asked(tmp_path)


async def test_sources_without_a_commit_are_shown_as_such(tmp_path: Path) -> None:
    stage, _ = guarded()
    outcome = await stage.run(context(tmp_path, upstream={}))
    assert plan_lines(outcome.outputs)[0] == "to go on with sources without a commit"
    assert "  sources not known" in plan_lines(outcome.outputs)
