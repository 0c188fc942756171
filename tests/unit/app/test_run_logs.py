"""Reading the logs of a run while it writes them."""

from __future__ import annotations

from pathlib import Path

import pytest

from chainops.app.run_logs import LogLine, LogReader, UnknownStageError, follow, harmless, stages_called
from chainops.app.runs import RunView, Standing, load_run
from chainops.app.state import RunState
from chainops.core.store.database import StoreBusyError
from chainops.pipeline.journal import MemoryJournal
from chainops.pipeline.model import RunStatus, StageNode, StageStatus
from unit.app.journals import begun, ended, finished, memory_state, runner, started, went


def write(folder: Path, stage: str, data: bytes, attempt: int = 1) -> None:
    (folder / stage).mkdir(parents=True, exist_ok=True)
    with (folder / stage / f"{attempt}.log").open("ab") as file:
        file.write(data)


def lines(found: object) -> list[str]:
    return [f"{one.stage}/{one.attempt} {one.line}" for one in found]  # type: ignore[attr-defined]


def test_lines_come_once_whole_and_by_the_order_of_attempts(tmp_path: Path) -> None:
    state = memory_state(started(), begun("unit-tests", 3), begun("compilation", 2))
    run, reader = load_run(state, "r1"), LogReader(folder=tmp_path)
    assert lines(reader.read(run)) == []  # no file yet
    write(tmp_path, "unit-tests", b"one\ntw")
    write(tmp_path, "compilation", b"c\n")
    assert lines(reader.read(run)) == ["compilation/1 c", "unit-tests/1 one"]
    write(tmp_path, "unit-tests", "o ü".encode()[:-1])
    assert lines(reader.read(run)) == []
    write(tmp_path, "unit-tests", "ü".encode()[-1:])
    state.journal.append("r1", ended("unit-tests"))
    assert lines(reader.read(load_run(state, "r1"))) == ["unit-tests/1 two ü"]
    assert lines(reader.read(load_run(state, "r1"))) == []


def test_only_the_wanted_stages_are_read(tmp_path: Path) -> None:
    state = memory_state(started(), *went("compilation"), *went("unit-tests"))
    for stage in ("compilation", "unit-tests"):
        write(tmp_path, stage, b"x\n")
    reader = LogReader(folder=tmp_path, stages=frozenset({"unit-tests"}))
    assert lines(reader.read(load_run(state, "r1"))) == ["unit-tests/1 x"]


def test_a_line_without_an_end_does_not_fill_the_memory(tmp_path: Path) -> None:
    state = memory_state(started(), begun("compilation"))
    write(tmp_path, "compilation", b"x" * (5 << 16))
    found = list(LogReader(folder=tmp_path).read(load_run(state, "r1")))
    assert sum(len(one.line) for one in found) >= 4 << 16
    assert max(len(one.line) for one in found) <= 2 << 16


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("plain\ttext", "plain\ttext"),
        ("\x1b[2J\x1b]0;title\x07red\x1b[0m", "red"),
        ("10 %\r50 %\r100 %", "100 %"),
        ("done\r", "done"),
        ("##[error]no", "# #[error]no"),
        ("  ::set-output name=a::b", "  : :set-output name=a::b"),
        ("a::b", "a::b"),
        ("\r", ""),
    ],
)
def test_what_a_tool_wrote_steers_no_terminal_and_no_ci_system(line: str, shown: str) -> None:
    assert harmless(line) == shown


def test_a_stage_is_meant_with_all_its_cells() -> None:
    nodes = [
        StageNode(name=n) for n in ("unit-tests[solc=0.8.30]", "unit-tests[solc=0.8.20]", "unit-tests", "x")
    ]
    run = load_run(memory_state(started(nodes)), "r1")
    assert len(stages_called(run, "unit-tests")) == 3
    assert stages_called(run, "unit-tests[solc=0.8.20]") == {"unit-tests[solc=0.8.20]"}
    assert stages_called(run, "") == frozenset()
    with pytest.raises(UnknownStageError) as caught:
        stages_called(run, "unit-test")
    assert "did you mean `unit-tests" in caught.value.hint
    with pytest.raises(UnknownStageError, match="no stage `zz`") as caught:
        stages_called(run, "zz")
    assert caught.value.hint.startswith("its stages: unit-tests[")


async def test_following_ends_with_the_run_and_loses_nothing(tmp_path: Path) -> None:
    state = memory_state(started(), begun("source-checkout"), held=True)
    shown: list[LogLine] = []
    turns = 0

    async def sleep(_seconds: float) -> None:
        nonlocal turns
        turns += 1
        if turns == 1:
            write(tmp_path, "source-checkout", b"a\nb")
        elif turns == 2:
            state.journal.append("r1", ended("source-checkout"), begun("compilation"))
            write(tmp_path, "compilation", b"c\n")
        else:
            write(tmp_path, "compilation", b"last")
            state.journal.append("r1", ended("compilation"), finished(RunStatus.SUCCESS))

    stands = await follow(RunView(state, "r1"), LogReader(folder=tmp_path), shown.append, sleep=sleep)
    assert stands is Standing.SUCCESS
    assert lines(shown) == [
        "source-checkout/1 a",
        "source-checkout/1 b",
        "compilation/1 c",
        "compilation/1 last",
    ]


async def test_following_ends_when_the_runner_dies(tmp_path: Path) -> None:
    state = memory_state(started(), begun("source-checkout"), held=True)

    async def sleep(_seconds: float) -> None:
        state.claims.release("r1", runner().token)

    stands = await follow(RunView(state, "r1"), LogReader(folder=tmp_path), lambda _: None, sleep=sleep)
    assert stands is Standing.INTERRUPTED


class BusyJournal(MemoryJournal):
    """A journal whose database does not answer for a while."""

    busy = 0

    def last(self, run_id: str) -> int:
        if self.busy:
            self.busy -= 1
            raise StoreBusyError("restarting")
        return super().last(run_id)


@pytest.mark.parametrize(("busy", "survives"), [(200, True), (300, False)])
async def test_following_has_patience_with_a_database_that_restarts(
    busy: int, survives: bool, tmp_path: Path
) -> None:
    journal = BusyJournal()
    journal.append(
        "r1", started(), *went("source-checkout", StageStatus.SUCCESS), finished(RunStatus.SUCCESS)
    )
    view = RunView(RunState(journal=journal, claims=memory_state().claims), "r1")
    journal.busy = busy

    async def sleep(_seconds: float) -> None:
        pass

    following = follow(view, LogReader(folder=tmp_path), lambda _: None, sleep=sleep)
    if survives:
        assert await following is Standing.SUCCESS
    else:
        with pytest.raises(StoreBusyError):
            await following
