"""A full disk, a clock that jumps, a database that somebody locks, and two runners that want one run."""

from __future__ import annotations

import contextlib
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from chaos.checks import Undisturbed, check_same, processes
from chaos.harness import Case, Ended, finish, run_module, say, start
from chaos.waiting import until

#: a small disk: the journal of a run and its write-ahead log take about a third of it
DISK_BYTES = 2 << 20
#: how long somebody holds the database, and how long a runner waits for one that is held for good
LOCKED_S = 3.0
PATIENCE_S = 2.0


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a disk that can really be full (tmpfs(5)); only root can."""
    target = tmp_path / "disk"
    target.mkdir()
    options = ["-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs"]
    mounted = subprocess.run(["mount", *options, target], capture_output=True, text=True, check=False)
    if mounted.returncode:
        pytest.skip(f"a disk to fill cannot be mounted: {mounted.stderr.strip()}")
    yield target
    subprocess.run(["umount", "--lazy", target], check=True)


def refused(case: Case, ended: Ended, *codes: str) -> None:
    """Fail unless the runner ended with one of these errors, and left nothing running."""
    assert ended.code == 3, ended
    assert ended.error["code"] in codes, ended.error
    assert "state.db" in ended.error["message"]
    assert processes(f"{case.run_id}/") == {}
    assert not any(e.kind == "RunFinished" for e in case.entries())


@pytest.mark.parametrize("write", [2, 7, 12, 17])
def test_a_run_whose_journal_fills_the_disk_goes_on_when_there_is_room_again(
    write: int, tmp_path: Path, small_disk: Path, model: Callable[[str], Undisturbed]
) -> None:
    case = Case(workspace=tmp_path / "project")
    database = case.workspace / ".chainops" / "state.db"
    database.parent.mkdir()
    database.symlink_to(small_disk / "state.db")
    filler = small_disk / "filler"
    ended = case.run(case.order(moments=((write, "fill", str(filler)),)))
    refused(case, ended, "STO301", "DSK301")
    assert "full" in ended.error["message"], "the error does not say what is wrong"
    filler.unlink()
    check_same(case, case.to_the_end(), model("ten"))


@pytest.mark.parametrize("write", [2, 9, 16])
def test_a_run_whose_journal_may_not_grow_goes_on_when_it_may(
    write: int, tmp_path: Path, model: Callable[[str], Undisturbed]
) -> None:
    case = Case(workspace=tmp_path)
    log = case.workspace / ".chainops" / "state.db-wal"
    ended = case.run(case.order(moments=((write, "limit", str(log)),)))
    refused(case, ended, "STO301", "DSK301")
    check_same(case, case.to_the_end(), model("ten"))


@pytest.mark.parametrize("jumps", [(3600, -7200), (-3600, 3600), (-90_000,), (90_000,)])
def test_a_clock_that_is_set_meanwhile_changes_neither_durations_nor_the_end(
    jumps: tuple[int, ...], tmp_path: Path, model: Callable[[str], Undisturbed]
) -> None:
    case = Case(workspace=tmp_path)
    moments = tuple((6 + 7 * n, "jump", str(seconds)) for n, seconds in enumerate(jumps))
    record = case.to_the_end(case.order(moments=moments))
    check_same(case, record, model("ten"))
    took = [a.duration_s for s in record.stages for a in s.attempts]
    assert all(0 <= s < 30 for s in took), took
    # entries are in the order of their numbers, whatever time they bear
    assert record.stage("release").status.value == "success"


@pytest.mark.parametrize("seconds", [3600, -3600])
def test_a_clock_that_is_set_takes_the_run_from_nobody(
    seconds: int, tmp_path: Path, model: Callable[[str], Undisturbed]
) -> None:
    case = Case(workspace=tmp_path / "project")
    met = tmp_path / "met"
    first = start(case.order(moments=((9, "jump", str(seconds)), (10, "meet", str(met)))))
    until(met.exists, "the first runner is in the middle of the run")
    second = finish(start(case.order()))
    met.with_suffix(".go").touch()
    assert (second.code, second.error["code"]) == (3, "PIP303"), second
    assert str(first.pid) in second.error["message"]
    case.note(finish(first))
    check_same(case, case.to_the_end(), model("ten"))


@contextlib.contextmanager
def locked(case: Case) -> Iterator[None]:
    """Hold the database as another program does that writes to it."""
    connection = sqlite3.connect(case.workspace / ".chainops" / "state.db", isolation_level=None)
    try:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("ROLLBACK")
    finally:
        connection.close()


@pytest.mark.parametrize("write", [2, 14, 21])
def test_a_database_that_is_locked_for_seconds_is_waited_for(
    write: int, tmp_path: Path, model: Callable[[str], Undisturbed]
) -> None:
    case = Case(workspace=tmp_path / "project")
    met = tmp_path / "met"
    runner = start(case.order(moments=((write, "meet", str(met)),)))
    until(met.exists, "the runner is in the middle of the run")
    with locked(case):
        met.with_suffix(".go").touch()
        with pytest.raises(subprocess.TimeoutExpired):
            runner.wait(LOCKED_S)
    case.note(finish(runner))
    check_same(case, case.to_the_end(), model("ten"))


@pytest.mark.parametrize("write", [2, 14, 21])
def test_a_database_that_stays_locked_ends_the_runner_and_not_the_run(
    write: int, tmp_path: Path, model: Callable[[str], Undisturbed]
) -> None:
    case = Case(workspace=tmp_path / "project")
    met = tmp_path / "met"
    order = case.order(moments=((write, "meet", str(met)),), patience_s=PATIENCE_S)
    runner = start(order)
    until(met.exists, "the runner is in the middle of the run")
    with locked(case):
        met.with_suffix(".go").touch()
        ended = finish(runner)
    refused(case, case.note(ended), "STO302")
    assert "locked" in ended.error["message"]
    check_same(case, case.to_the_end(), model("ten"))


def _both(case: Case, number: int) -> None:
    """Let two runners begin at once; fail unless one of them ran the run and the other named it."""
    runners = [start(case.order(waits=True)) for _ in range(2)]
    for runner in runners:
        assert runner.stdout
        assert runner.stdout.readline() == "ready\n"
    for runner in runners:
        assert runner.stdin
        runner.stdin.write("\n")
        runner.stdin.flush()
    ended = [finish(runner) for runner in runners]
    lost = [n for n, e in enumerate(ended) if e.code == 3]
    assert len(lost) == 1, f"round {number}: {ended}"
    loser, winner = ended[lost[0]], ended[1 - lost[0]]
    assert loser.error["code"] == "PIP303", loser
    assert f"process {runners[1 - lost[0]].pid} " in loser.error["message"], loser
    case.note(winner)


def two_at_once(rounds: int, folder: Path, expected: Undisturbed) -> None:
    """Kill a runner, take its run up twice at once, and again."""
    for number in range(rounds):
        case = Case(workspace=folder / f"{number}")
        write = 2 + number % (expected.writes[0] - 8)
        say(f"round {number}: killed at write {write}, then taken up twice")
        if number % 4:
            case.run(case.order(kill_at=write, when="after"))
        _both(case, number)
        check_same(case, case.to_the_end(), expected)


def test_one_of_two_runners_at_once_gets_the_run(tmp_path: Path, model: Callable[[str], Undisturbed]) -> None:
    two_at_once(5, tmp_path, model("ten"))


@pytest.mark.chaos
def test_one_of_two_runners_at_once_gets_the_run_every_time(
    tmp_path: Path, model: Callable[[str], Undisturbed]
) -> None:
    two_at_once(40, tmp_path, model("ten"))


@pytest.mark.chaos
def test_a_new_database_that_several_open_at_once_is_open_to_all(tmp_path: Path) -> None:
    done = run_module("chaos.opening", str(tmp_path))
    assert (done.returncode, done.stderr) == (0, "")
