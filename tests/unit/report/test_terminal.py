"""Progress: every start and end is told once, long silence is broken, floods cost nothing."""

import io
import os
import tracemalloc
from dataclasses import replace
from pathlib import Path

import samples
from rich.console import Console

from chainops.core.clock import MemoryClock
from chainops.pipeline.model import (
    AttemptRecord,
    Outcome,
    RunRecord,
    RunStatus,
    StageNode,
    StageRecord,
    StageStatus,
)
from chainops.pipeline.ports import RunWatcher
from chainops.report.terminal import LiveWatcher, PlainWatcher, TerminalWatcher

RUN = "run 20260304T050607-1f3a9c of vault"


def run_with(*stages: StageRecord, status: RunStatus = RunStatus.RUNNING) -> RunRecord:
    return replace(samples.passed_run(), stages=stages, status=status)


def show(watcher: RunWatcher, run: RunRecord) -> None:
    watcher.changed(lambda: run, None)


def at(status: StageStatus, attempts: int = 1, reason: str = "", name: str = "compilation") -> StageRecord:
    done = tuple(
        AttemptRecord(
            attempt=n + 1,
            status=status,
            started_at=samples.START,
            duration_s=2.5,
            outcome=Outcome(status=status, reason=reason),
        )
        for n in range(attempts)
    )
    return StageRecord(node=StageNode(name=name), status=status, reason=reason, attempts=done)


def test_each_start_and_end_is_one_line() -> None:
    stream = io.StringIO()
    watcher = PlainWatcher(stream, clock=MemoryClock())
    pending = at(StageStatus.PENDING, 0)
    for stage in (pending, at(StageStatus.RUNNING), at(StageStatus.RUNNING), at(StageStatus.SUCCESS)):
        show(watcher, run_with(stage))
        show(watcher, run_with(stage))
    assert stream.getvalue().splitlines() == [RUN, "▸ compilation started", "✓ compilation in 2.5 s"]


def test_a_retry_a_failure_and_a_skip_say_so() -> None:
    stream = io.StringIO()
    watcher = PlainWatcher(stream, clock=MemoryClock())
    for stage in (
        at(StageStatus.RUNNING),
        at(StageStatus.RUNNING, 2),
        at(StageStatus.FAILED, 2, "no solc\n::x"),
    ):
        show(watcher, run_with(stage, at(StageStatus.PENDING, 0, name="unit-tests")))
    show(watcher, run_with(at(StageStatus.SKIPPED, 0, "compilation failed", name="unit-tests")))
    assert stream.getvalue().splitlines() == [
        RUN,
        "▸ compilation started",
        "▸ compilation started, attempt 2",
        "✗ compilation failed after 5.0 s: no solc ::x",
        "– unit-tests skipped: compilation failed",
    ]


def test_a_long_silence_is_broken_at_intervals_and_ends_with_the_stage() -> None:
    stream, clock = io.StringIO(), MemoryClock()
    watcher = PlainWatcher(stream, clock=clock, still_every_s=30)
    show(watcher, run_with(at(StageStatus.RUNNING)))
    for _ in range(5):
        clock.advance(15)
        watcher.tick()
    show(watcher, run_with(at(StageStatus.SUCCESS)))
    clock.advance(60)
    watcher.tick()
    assert stream.getvalue().splitlines()[2:] == [
        "▸ compilation still running, 30.0 s",
        "▸ compilation still running, 1m 00s",
        "✓ compilation in 2.5 s",
    ]


def shown(watcher: LiveWatcher, width: int = 80) -> str:
    console = Console(file=io.StringIO(), width=width, force_terminal=False)
    console.print(watcher.table())
    return console.file.getvalue()


def live(clock: MemoryClock) -> LiveWatcher:
    return LiveWatcher(Console(file=io.StringIO()), clock=clock)


def test_the_live_table_shows_time_and_last_line_of_what_runs() -> None:
    clock = MemoryClock()
    watcher = live(clock)
    show(watcher, run_with(at(StageStatus.RUNNING), at(StageStatus.SKIPPED, 0, "why [bold]not[/bold]", "x")))
    watcher.output("compilation", b"Compiling 42 files\nSolc \x1b[31m0.8.30")
    watcher.output("compilation", b" finished\r\n\n")
    clock.advance(4.2)
    lines = shown(watcher).splitlines()
    assert "compilation" in lines[0]
    assert "4.2 s" in lines[0]
    assert lines[0].rstrip().endswith("Solc 0.8.30 finished")
    assert "why [bold]not[/bold]" in lines[1]
    show(watcher, run_with(at(StageStatus.SUCCESS)))
    assert "finished" not in shown(watcher)


def test_a_flood_of_output_is_not_kept() -> None:
    watcher = live(MemoryClock())
    show(watcher, run_with(at(StageStatus.RUNNING)))
    chunk = b"x" * 65_536
    tracemalloc.start()
    for _ in range(3200):  # 200 MB
        watcher.output("compilation", chunk)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1_000_000


def test_the_watcher_fits_its_stream_and_cleans_up() -> None:
    plain = io.StringIO()
    with TerminalWatcher(plain, clock=MemoryClock()) as watcher:
        show(watcher, run_with(at(StageStatus.RUNNING)))
        watcher.output("compilation", b"noise\n")
        show(watcher, run_with(at(StageStatus.SUCCESS), status=RunStatus.SUCCESS))
    assert plain.getvalue().splitlines() == [RUN, "▸ compilation started", "✓ compilation in 2.5 s"]
    moving = io.StringIO()
    with TerminalWatcher(moving, live=True, clock=MemoryClock()) as watcher:
        show(watcher, run_with(at(StageStatus.RUNNING)))
        watcher.output("compilation", b"noise\n")


def test_names_cannot_speak_to_the_terminal_or_to_ci(tmp_path: Path) -> None:
    stream = io.StringIO()
    run = replace(run_with(at(StageStatus.FAILED, 1, "\x1b[2J##[command]x")), project_name="a\x1b]0;b\x07\nc")
    show(PlainWatcher(stream, clock=MemoryClock()), run)
    assert stream.getvalue().splitlines() == [
        "run 20260304T050607-1f3a9c of a c",
        "✗ compilation failed after 2.5 s: # #[command]x",
    ]


def test_a_run_is_not_stopped_by_a_pipe_that_nobody_reads() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as stream:
        watcher = PlainWatcher(stream, clock=MemoryClock())
        show(watcher, run_with(at(StageStatus.RUNNING)))
        show(watcher, run_with(at(StageStatus.SUCCESS)))
