"""Reads the logs of a run, also while it writes them, in a form that a terminal can show without harm."""

from __future__ import annotations

import difflib
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from chainops.app.runs import RunView, Standing
from chainops.core.errors import InputError
from chainops.core.store.database import StoreBusyError
from chainops.core.text import clean, decode, folder_name, one_line
from chainops.pipeline.model import AttemptRecord, RunRecord, StageStatus

#: how often a run that goes on is asked for more
POLL_S = 0.25
#: how long the database may be out of reach before following ends
_PATIENCE_S = 60.0
_CHUNK_BYTES = 1 << 16


class UnknownStageError(InputError):
    """The run has no such stage."""

    code = "RUN105"


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLine:
    """One line of an attempt's log, free of what would steer a terminal or a CI system."""

    stage: str
    attempt: int
    line: str


@dataclass(slots=True)
class _Position:
    """How far a log has been read; `rest` is a line that has no end yet."""

    offset: int = 0
    rest: bytes = b""


@dataclass(slots=True, kw_only=True)
class LogReader:
    """Gives each line of a run's logs once, whenever it is asked; a log that does not exist yet may come."""

    #: the run's own folder
    folder: Path
    #: names of the stages that are wanted; empty for all
    stages: frozenset[str] = frozenset()
    _positions: dict[tuple[str, int], _Position] = field(default_factory=dict)

    def read(self, run: RunRecord) -> Iterator[LogLine]:
        """Yield what is new in the attempts that `run` knows, in the order in which they started."""
        wanted = [s for s in run.stages if not self.stages or s.node.name in self.stages]
        attempts = [(s.node.name, a) for s in wanted for a in s.attempts]
        for stage, attempt in sorted(attempts, key=lambda pair: pair[1].started_at):
            for line in self._new(stage, attempt):
                yield LogLine(stage=stage, attempt=attempt.attempt, line=harmless(decode(line)))

    def _new(self, stage: str, attempt: AttemptRecord) -> Iterator[bytes]:
        position = self._positions.setdefault((stage, attempt.attempt), _Position())
        try:
            with (self.folder / folder_name(stage) / f"{attempt.attempt}.log").open("rb") as file:
                file.seek(position.offset)
                while chunk := file.read(_CHUNK_BYTES):
                    position.offset += len(chunk)
                    *lines, position.rest = (position.rest + chunk).split(b"\n")
                    yield from lines
                    if len(position.rest) > _CHUNK_BYTES:  # no line that anybody reads
                        yield position.rest
                        position.rest = b""
        except FileNotFoundError:
            return
        if position.rest and attempt.status is not StageStatus.RUNNING:
            yield position.rest
            position.rest = b""


def harmless(line: str) -> str:
    """Return one line as a terminal would leave it, without escapes and without commands to a CI system.

    A carriage return begins a line anew, which progress bars use. CI systems take lines that begin with
    `::`, or hold `##[`, for commands.
    """
    shown = clean(next((part for part in reversed(line.split("\r")) if part.strip()), ""))
    shown = shown.replace("##[", "# #[")
    return shown.replace("::", ": :", 1) if shown.lstrip().startswith("::") else shown


def stages_called(run: RunRecord, name: str) -> frozenset[str]:
    """Return the nodes that `name` means: itself, or all cells of a stage that fans out; all for nothing.

    Raises `UnknownStageError`.
    """
    if not name:
        return frozenset()
    names = [s.node.name for s in run.stages]
    found = frozenset(s.node.name for s in run.stages if name in (s.node.name, s.node.stage))
    if not found:
        near = difflib.get_close_matches(name, names, n=1)
        hint = f"did you mean `{near[0]}`?" if near else f"its stages: {', '.join(names)}"
        raise UnknownStageError(f"run {run.run_id} has no stage `{one_line(name, 80)}`", hint=hint)
    return found


async def follow(
    view: RunView,
    reader: LogReader,
    show: Callable[[LogLine], None],
    *,
    sleep: Callable[[float], Awaitable[None]],
) -> Standing:
    """Show what the run writes until nobody runs it any more; return where it stands then.

    Raises `StoreBusyError` when the database is out of reach for a minute.
    """
    waited_s = 0.0
    while True:
        try:
            stands = view.update().standing
            waited_s = 0.0
        except StoreBusyError:
            waited_s += POLL_S
            if waited_s > _PATIENCE_S:
                raise
            stands = Standing.RUNNING
        for line in reader.read(view.run):
            show(line)
        if stands is not Standing.RUNNING:
            return stands
        await sleep(POLL_S)
