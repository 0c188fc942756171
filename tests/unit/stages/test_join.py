"""A stage that fanned out ends as its cells did."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from chainops.artifacts.run import MemoryArtifacts
from chainops.core.errors import Place
from chainops.pipeline.model import FailureKind, Outcome, StageContext, StageStatus
from chainops.quality.model import Measurement
from chainops.stages.join import JoinStage

CELLS = ("t[solc=1]", "t[solc=2]", "t[solc=3]")
DONE = Outcome(status=StageStatus.SUCCESS, outputs={"tests": 1})


def failed(kind: FailureKind, code: str = "X1") -> Outcome:
    place = Place(f"src/{code}.sol", 1)
    return Outcome(
        status=StageStatus.FAILED, failure=kind, reason="broke", code=code, hint="mend", places=(place,)
    )


async def joined(outcomes: Mapping[str, Outcome], lines: list[bytes] | None = None) -> Outcome:
    said = lines if lines is not None else []
    context = StageContext(
        run_id="r",
        stage="t",
        attempt=1,
        workspace=Path("/w"),
        scratch=Path("/w/s"),
        marker="r/t/1/",
        timeout_s=1,
        log=said.append,
        upstream=outcomes,
        artifacts=MemoryArtifacts(stage="t"),
    )
    stage = JoinStage(name="t", cells=CELLS)
    assert stage.name == "t"
    return await stage.run(context)


async def test_all_cells_passed() -> None:
    lines: list[bytes] = []
    outcome = await joined(dict.fromkeys(CELLS, DONE), lines)
    assert outcome.status is StageStatus.SUCCESS
    assert outcome.reason == "3 of 3 cells passed"
    assert b"".join(lines).splitlines()[0] == b"success   t[solc=1]"


async def test_outputs_are_the_first_cells_and_every_cells_figures_stand_beside_them() -> None:
    figure = Measurement(name="tests.passed", value=7, unit="count")
    of_one = Measurement(name="size", value=9, unit="bytes", subject="A")
    second = Outcome(status=StageStatus.SUCCESS, outputs={"tests": 2}, metrics=(figure, of_one))
    outcome = await joined({CELLS[0]: DONE, CELLS[1]: second, CELLS[2]: DONE})
    assert outcome.outputs["tests"] == 1
    assert [c["name"] for c in outcome.outputs["cells"]] == list(CELLS)
    assert outcome.outputs["cells"][1] == {
        "name": "t[solc=2]",
        "values": {"solc": "2"},
        "status": "success",
        "reason": "",
        "failure": None,
        "code": "",
        "figures": {"tests.passed": 7},
    }


async def test_outputs_are_rather_those_of_a_cell_that_succeeded() -> None:
    broken = replace(failed(FailureKind.PROJECT), outputs={"tests": 3})
    outcome = await joined({CELLS[0]: broken, CELLS[1]: DONE, CELLS[2]: broken})
    assert outcome.outputs["tests"] == 1
    outcome = await joined(dict.fromkeys(CELLS, broken))
    assert outcome.outputs["tests"] == 3


@pytest.mark.parametrize(
    ("kinds", "decides"),
    [
        ((FailureKind.MACHINE, FailureKind.PROJECT), FailureKind.PROJECT),
        ((FailureKind.MACHINE, FailureKind.CONFIG), FailureKind.CONFIG),
        ((FailureKind.MACHINE,), FailureKind.MACHINE),
    ],
)
async def test_one_failed_cell_fails_the_stage(kinds: tuple[FailureKind, ...], decides: FailureKind) -> None:
    broken = {CELLS[i]: failed(kind, code=kind.value) for i, kind in enumerate(kinds)}
    outcome = await joined({**dict.fromkeys(CELLS, DONE), **broken})
    assert outcome.status is StageStatus.FAILED
    assert (outcome.failure, outcome.code, outcome.hint) == (decides, decides.value, "mend")
    assert outcome.reason.startswith(f"{len(kinds)} of 3 cells failed: solc=1")
    assert [p.path for p in outcome.places] == [f"src/{k.value}.sol" for k in kinds]


async def test_a_cell_that_did_not_run_leaves_the_stage_incomplete() -> None:
    outcome = await joined({CELLS[0]: DONE, CELLS[2]: DONE})
    assert outcome.status is StageStatus.SKIPPED
    assert outcome.reason == "1 of 3 cells did not run: solc=2"
    assert outcome.outputs["cells"][1]["status"] == "skipped"


async def test_a_stage_of_which_every_cell_had_nothing_to_do_is_skipped() -> None:
    nothing = Outcome(status=StageStatus.SKIPPED, reason="no deploy manifest")
    outcome = await joined(dict.fromkeys(CELLS, nothing))
    assert (outcome.status, outcome.reason) == (StageStatus.SKIPPED, "no deploy manifest")


async def test_many_failed_cells_are_named_only_at_first() -> None:
    cells = [f"t[solc={n}]" for n in range(5)]
    context_outcomes = {cell: failed(FailureKind.PROJECT) for cell in cells}
    context = StageContext(
        run_id="r",
        stage="t",
        attempt=1,
        workspace=Path("/w"),
        scratch=Path("/w/s"),
        marker="",
        timeout_s=1,
        log=lambda _: None,
        upstream=context_outcomes,
        artifacts=MemoryArtifacts(stage="t"),
    )
    outcome = await JoinStage(name="t", cells=cells).run(context)
    assert outcome.reason == "5 of 5 cells failed: solc=0, solc=1, solc=2 and 2 more"
