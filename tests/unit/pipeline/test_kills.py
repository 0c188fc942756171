"""Whenever its runner dies, and whoever steers it meanwhile, a run ends as if nothing had happened."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainops.pipeline.events import (
    ApprovalGiven,
    AttemptFinished,
    AttemptLost,
    AttemptStarted,
    CancelRequested,
    Event,
    PauseRequested,
    RunFinished,
    RunStarted,
)
from chainops.pipeline.fold import reduce
from chainops.pipeline.journal import Journal, MemoryJournal
from chainops.pipeline.model import (
    FailureKind,
    Outcome,
    RunRecord,
    RunStatus,
    StageContext,
    StageNode,
    StageStatus,
)
from unit.pipeline.fakes import SUCCESS, Bench, DyingJournal, FakeGates, FakeStage, RunnerDiedError, failure

AXES = [
    f"[network={network},solc={solc}]" for network in ("one", "two", "three") for solc in ("0.8.20", "0.8.26")
]
ASKS = Outcome(status=StageStatus.WAITING, reason="approve sha256:1", outputs={"plan_digest": "sha256:1"})


def nodes() -> list[StageNode]:
    """Return thirty nodes: cells and joins, retries, an allowed failure, a choice, chains, an approval."""
    cells = [f"build{axes}" for axes in AXES]
    tests = [f"test{axes}" for axes in AXES]
    deploys = [f"deploy{axes}" for axes in AXES]
    return [
        StageNode(name="checkout"),
        StageNode(name="install", needs=("checkout",), retries=2),
        *(StageNode(name=name, needs=("install",)) for name in cells),
        StageNode(name="build", needs=tuple(cells)),
        *(StageNode(name=t, needs=(c,), retries=1) for t, c in zip(tests, cells, strict=True)),
        StageNode(name="test", needs=tuple(tests)),
        StageNode(name="lint", needs=("checkout",), allow_failure=True),
        StageNode(name="scan", needs=("checkout",)),
        StageNode(name="document", needs=("scan", "lint")),
        StageNode(name="left-out", needs=("install",), skip_reason="not wanted"),
        StageNode(name="ask", needs=("test",), approval=True),
        *(
            StageNode(name=d, needs=(t, "ask"), touches_chain=True)
            for d, t in zip(deploys, tests, strict=True)
        ),
        StageNode(name="deploy", needs=tuple(deploys)),
        StageNode(name="smoke", needs=("deploy",)),
        StageNode(name="announce", needs=("smoke", "document")),
    ]


class Asking(FakeStage):
    """Waits until the journal holds the approval, as a stage does that checks for itself."""

    def __init__(self, journal: Journal) -> None:
        super().__init__("ask", body=self._ask)
        self._journal = journal

    async def _ask(self, context: StageContext) -> Outcome:
        given = [e.digest for e in self._journal.read("run-1") if isinstance(e, ApprovalGiven)]
        approved = "sha256:1" in given
        return SUCCESS if approved else ASKS


def bench_at(folder: Path) -> Bench:
    journal = MemoryJournal()
    down = failure(FailureKind.MACHINE)
    stages = [
        FakeStage("install", [down, down, SUCCESS]),
        FakeStage("lint", [failure()]),
        Asking(journal),
    ]
    gates = FakeGates(required={"coverage": "test"})
    return Bench(folder, nodes(), stages, gates=gates, journal=journal, max_parallel=3)


def check_journal(events: tuple[Event, ...]) -> None:
    """No attempt starts or ends twice, none that succeeded is followed by another, one start of the run."""
    started = Counter((e.stage, e.attempt) for e in events if isinstance(e, AttemptStarted))
    ended = Counter((e.stage, e.attempt) for e in events if isinstance(e, AttemptFinished | AttemptLost))
    assert set(started.values()) == {1}
    assert set(ended.values()) == {1}
    assert set(ended) == set(started)
    assert sum(isinstance(e, RunStarted) for e in events) == 1
    done: set[str] = set()
    for event in events:
        if isinstance(event, AttemptStarted):
            assert event.stage not in done, f"{event.stage} was repeated after it had succeeded"
        if isinstance(event, AttemptFinished) and event.outcome.status is StageStatus.SUCCESS:
            done.add(event.stage)
    assert isinstance(events[-1], RunFinished)


class Disturbed(DyingJournal):
    """Dies as told, and lets another process append an event before the append with a number."""

    def __init__(self, journal: Journal, dies_at: int, *, stored: bool, foreign: dict[int, Event]) -> None:
        super().__init__(journal, dies_at, stored=stored)
        self._foreign = foreign

    def append(self, run_id: str, *events: Event, runner: str = "", key: str = "") -> int:
        event = self._foreign.pop(self.appends + 1, None)
        if event and self._journal.last(run_id):
            self._journal.append(run_id, event)
        return super().append(run_id, *events, runner=runner, key=key)


def approval(bench: Bench, digest: str = "sha256:1") -> ApprovalGiven:
    return ApprovalGiven(at=bench.clock.now(), stage="ask", digest=digest, by="alice")


async def to_the_end(
    bench: Bench, deaths: list[tuple[int, bool]], foreign: list[tuple[int, Event]]
) -> RunRecord:
    """Run, dying and being steered, take up again, approve when asked, until the run has ended for good."""
    for turn in range(200):
        dies_at, stored = deaths[turn] if turn < len(deaths) else (10_000, True)
        steered = dict([foreign[turn]]) if turn < len(foreign) else {}
        try:
            record = await bench.engine(
                Disturbed(bench.journal, dies_at, stored=stored, foreign=steered)
            ).execute()
        except RunnerDiedError:
            continue
        assert record == reduce("run-1", bench.journal.read("run-1"))
        if record.status in (RunStatus.SUCCESS, RunStatus.FAILED):
            return record
        if record.stage("ask").status is StageStatus.WAITING:
            bench.journal.append("run-1", approval(bench))
    raise AssertionError("the run did not come to an end")


END = {n.name: "success" for n in nodes()} | {"left-out": "skipped", "lint": "failed"}


async def counted_sessions(folder: Path) -> list[int]:
    """Return how many appends an undisturbed run makes until it waits, and then until it ends."""
    bench = bench_at(folder)
    before = DyingJournal(bench.journal, 10_000, stored=True)
    assert (await bench.engine(before).execute()).exit_code == 4
    bench.journal.append("run-1", approval(bench))
    after = DyingJournal(bench.journal, 10_000, stored=True)
    record = await bench.engine(after).execute()
    assert (bench.statuses(record), record.exit_code) == (END, 0)
    return [before.appends, after.appends]


@pytest.mark.parametrize("stored", [False, True], ids=["before", "after"])
async def test_thirty_stages_whose_runner_dies_at_any_append(tmp_path: Path, stored: bool) -> None:
    assert len(nodes()) == 30
    before, after = await counted_sessions(tmp_path / "whole")
    assert before > 8 < after
    plans = [[(n, stored)] for n in range(1, before + 1)]
    plans += [[(10_000, True), (n, stored)] for n in range(1, after + 1)]
    for number, deaths in enumerate(plans):
        bench = bench_at(tmp_path / f"{number}")
        record = await to_the_end(bench, deaths, [])
        assert (bench.statuses(record), record.exit_code) == (END, 0), f"died at {deaths}"
        check_journal(bench.journal.read("run-1"))


requests = st.sampled_from(["pause", "cancel", "approve", "other"])
deaths = st.lists(st.tuples(st.integers(1, 25), st.booleans()), max_size=8)


@settings(max_examples=25, deadline=None)
@given(deaths=deaths, steering=st.lists(st.tuples(st.integers(1, 20), requests), max_size=6))
async def test_any_deaths_and_any_steering_end_in_the_same_result(
    deaths: list[tuple[int, bool]], steering: list[tuple[int, str]]
) -> None:
    with TemporaryDirectory() as name:
        bench = bench_at(Path(name))
        at = bench.clock.now()
        events: dict[str, Event] = {
            "pause": PauseRequested(at=at, by="alice"),
            "cancel": CancelRequested(at=at, by="alice"),
            "approve": approval(bench),
            "other": approval(bench, "sha256:2"),
        }
        record = await to_the_end(bench, deaths, [(n, events[act]) for n, act in steering])
        check_journal(bench.journal.read("run-1"))
        assert (bench.statuses(record), record.exit_code) == (END, 0)
