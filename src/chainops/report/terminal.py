"""Live progress on stderr: a table that moves on a terminal, one line an event everywhere else."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, TextIO

from chainops.core.clock import Clock, SystemClock
from chainops.core.streams import show
from chainops.core.text import decode, one_line
from chainops.core.units import format_duration
from chainops.pipeline.model import RunRecord, RunStatus, StageRecord, StageStatus
from chainops.report.headline import SIGNS
from chainops.report.reading import short_name

if TYPE_CHECKING:
    from rich.console import Console
    from rich.live import Live
    from rich.table import Table

#: how often a long stage is mentioned where nothing moves
STILL_RUNNING_S = 30.0
#: what is kept of a stage's output to show its last line
_TAIL_BYTES = 512
#: width of the names, which grows from that of the ten stages with the longest cell's
_MOST_NAME = 36
_STYLES = {
    StageStatus.SUCCESS: "green",
    StageStatus.FAILED: "red",
    StageStatus.LOST: "red",
    StageStatus.CANCELLED: "yellow",
    StageStatus.WAITING: "yellow",
    StageStatus.RUNNING: "bold",
}


class PlainWatcher:
    """Prints a line when a stage starts or ends, and now and then that a long one still runs."""

    def __init__(self, stream: TextIO, *, clock: Clock, still_every_s: float = STILL_RUNNING_S) -> None:
        self._stream = stream
        self._clock = clock
        self._still_every_s = still_every_s
        self._named = False
        self._seen: dict[str, tuple[StageStatus, int]] = {}
        #: running stages: when they started and when they were last mentioned, monotonic
        self._running: dict[str, tuple[float, float]] = {}
        self._lock = threading.Lock()

    def changed(self, run: Callable[[], RunRecord], stage: StageRecord | None) -> None:
        """Print what is new; see `RunWatcher.changed`."""
        with self._lock:
            if not self._named:
                self._named = True
                record = run()
                name = one_line(record.project_name or record.pipeline_id, 60)
                self._print(f"run {record.run_id} of {name}")
            for one in run().stages if stage is None else (stage,):
                self._stage(one)

    def output(self, stage: str, data: bytes) -> None:
        """Take no notice: the log file has it."""

    def tick(self) -> None:
        """Mention the stages that were silent for long; called from time to time."""
        with self._lock:
            now_s = self._clock.monotonic_s()
            for name, (started_s, mentioned_s) in self._running.items():
                if now_s - mentioned_s >= self._still_every_s:
                    self._running[name] = (started_s, now_s)
                    self._print(
                        f"{SIGNS['running']} {name} still running, {format_duration(now_s - started_s)}"
                    )

    def _stage(self, stage: StageRecord) -> None:
        name = stage.node.name
        state = (stage.status, len(stage.attempts))
        if self._seen.get(name, (StageStatus.PENDING, 0)) == state:
            self._seen[name] = state
            return
        self._seen[name] = state
        if stage.status is StageStatus.RUNNING:
            now_s = self._clock.monotonic_s()
            self._running[name] = (now_s, now_s)
            again = f", attempt {len(stage.attempts)}" if len(stage.attempts) > 1 else ""
            self._print(f"{SIGNS['running']} {name} started{again}")
        elif stage.status is not StageStatus.PENDING:
            self._running.pop(name, None)
            self._print(f"{SIGNS[stage.status.value]} {_ended(stage)}")

    def _print(self, line: str) -> None:
        # a CI system takes `##[…]` for a command of ours
        show(self._stream, line.replace("##[", "# #[") + "\n")


class LiveWatcher:
    """Keeps a table of the stages up to date, each running one with its time and last line."""

    def __init__(self, console: Console, *, clock: Clock) -> None:
        self._console = console
        self._clock = clock
        self._run: Callable[[], RunRecord] | None = None
        self._started_s: dict[str, float] = {}
        self._tails: dict[str, bytes] = {}
        self._live: Live | None = None

    def changed(self, run: Callable[[], RunRecord], stage: StageRecord | None) -> None:
        """Take the new state; the table is drawn when its next turn comes."""
        for one in run().stages if stage is None else (stage,):
            if one.status is not StageStatus.RUNNING:
                self._started_s.pop(one.node.name, None)
                self._tails.pop(one.node.name, None)
            else:
                self._started_s.setdefault(one.node.name, self._clock.monotonic_s())
        self._run = run

    def output(self, stage: str, data: bytes) -> None:
        """Keep the end of the output, which costs the same however much there is."""
        if len(data) >= _TAIL_BYTES:
            self._tails[stage] = data[-_TAIL_BYTES:]
        else:
            self._tails[stage] = (self._tails.get(stage, b"") + data)[-_TAIL_BYTES:]

    def start(self) -> None:
        """Begin to draw."""
        from rich.live import Live

        self._live = Live(
            console=self._console, get_renderable=self.table, refresh_per_second=5, transient=True
        )
        self._live.start()

    def stop(self) -> None:
        """Clear the table away; the summary follows."""
        if self._live:
            self._live.stop()

    def table(self) -> Table:
        """Return the table as it is now. All text is shown as it stands, markup included."""
        from rich.table import Table
        from rich.text import Text

        table = Table.grid(padding=(0, 1), expand=True)
        table.add_column(width=1)
        stages = self._run().stages if self._run else ()
        longest = max((len(short_name(stage.node.name)) for stage in stages), default=0)
        table.add_column(width=max(20, min(longest, _MOST_NAME)), no_wrap=True)
        table.add_column(width=9, justify="right", no_wrap=True)
        table.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
        for stage in stages:
            style = _STYLES.get(stage.status, "dim")
            table.add_row(
                Text(SIGNS.get(stage.status.value, "?"), style=style),
                Text(one_line(short_name(stage.node.name), _MOST_NAME), style=style),
                Text(self._time(stage), style="dim"),
                Text(self._remark(stage), style="dim"),
            )
        return table

    def _time(self, stage: StageRecord) -> str:
        started_s = self._started_s.get(stage.node.name)
        if started_s is not None:
            return format_duration(self._clock.monotonic_s() - started_s)
        return format_duration(stage.duration_s) if stage.attempts else ""

    def _remark(self, stage: StageRecord) -> str:
        if stage.status is StageStatus.RUNNING:
            lines = decode(self._tails.get(stage.node.name, b"")).replace("\r", "\n").split("\n")
            return next((shown for line in reversed(lines) if (shown := one_line(line))), "")
        return "" if stage.status is StageStatus.SUCCESS else one_line(stage.reason)


class TerminalWatcher:
    """A `RunWatcher` that shows a run on a stream; use it as a context, so that it is cleared away."""

    def __init__(
        self,
        stream: TextIO,
        *,
        live: bool | None = None,
        clock: Clock | None = None,
        still_every_s: float = STILL_RUNNING_S,
    ) -> None:
        """Draw a moving table with `live`, lines without; by default what suits the stream."""
        self._clock = clock or SystemClock()
        moving = _can_move(stream) if live is None else live
        self._plain = None if moving else PlainWatcher(stream, clock=self._clock, still_every_s=still_every_s)
        self._live = _live_watcher(stream, self._clock) if moving else None
        self._ticker = _Ticker(self._plain.tick, still_every_s / 2) if self._plain else None

    def changed(self, run: Callable[[], RunRecord], stage: StageRecord | None) -> None:
        """See `RunWatcher.changed`."""
        (self._live or self._shown_plainly()).changed(run, stage)
        if stage is None and self._ticker and run().status is not RunStatus.RUNNING:
            self._ticker.stop()

    def output(self, stage: str, data: bytes) -> None:
        """See `RunWatcher.output`."""
        if self._live:
            self._live.output(stage, data)

    def __enter__(self) -> TerminalWatcher:
        if self._live:
            self._live.start()
        if self._ticker:
            self._ticker.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live:
            self._live.stop()
        if self._ticker:
            self._ticker.stop()

    def _shown_plainly(self) -> PlainWatcher:
        if self._plain is None:
            raise RuntimeError("a watcher is either live or plain")
        return self._plain


def terminal_watcher(stream: TextIO) -> TerminalWatcher:
    """Return the watcher that suits `stream`."""
    return TerminalWatcher(stream)


class _Ticker:
    """Calls a function now and then from a thread of its own, until it is stopped."""

    def __init__(self, call: Callable[[], None], every_s: float) -> None:
        self._call = call
        self._every_s = every_s
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True, name="chainops-progress")

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()

    def _run(self) -> None:
        while not self._stopped.wait(self._every_s):
            self._call()


def _can_move(stream: TextIO) -> bool:
    if not stream.isatty():
        return False
    from rich.console import Console

    return not Console(file=stream).is_dumb_terminal


def _live_watcher(stream: TextIO, clock: Clock) -> LiveWatcher:
    from rich.console import Console

    return LiveWatcher(Console(file=stream), clock=clock)


def _ended(stage: StageRecord) -> str:
    name, took = one_line(stage.node.name, 100), format_duration(stage.duration_s)
    words = {
        StageStatus.SUCCESS: f"{name} in {took}",
        StageStatus.SKIPPED: f"{name} skipped",
        StageStatus.WAITING: f"{name} waits for an approval",
    }.get(stage.status, f"{name} {stage.status.value} after {took}")
    reason = one_line(stage.reason, 240)
    if stage.outcome and stage.outcome.cached_from:
        words += f", taken from run {one_line(stage.outcome.cached_from, 40)}"
    return f"{words}: {reason}" if reason and stage.status is not StageStatus.SUCCESS else words
