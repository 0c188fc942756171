"""Runs runners as processes, takes up again what they left, and compares the end with an undisturbed run."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from chainops.app.state import RunState, open_state
from chainops.artifacts.runs import run_dir
from chainops.core.clock import SystemClock
from chainops.pipeline.events import ApprovalGiven, CancelRequested, PauseRequested
from chainops.pipeline.fold import reduce
from chainops.pipeline.journal import Journal
from chainops.pipeline.model import RunRecord, StageStatus
from chaos.real import RealOrder
from chaos.runner import Order
from chaos.scripted import lines
from chaos.waiting import until

TESTS = Path(__file__).parents[1]
#: no runner of a scripted run may take longer than this
LIMIT_S = 60.0
#: more resumptions than this are a run that does not get on
MOST_RUNNERS = 12
TERMINAL = ("success", "failed", "cancelled")


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How one runner ended."""

    #: exit code, negative for a signal
    code: int
    out: str
    err: str

    @property
    def killed(self) -> bool:
        return self.code == -signal.SIGKILL

    @property
    def result(self) -> dict[str, Any]:
        """What it printed; its last line."""
        found: dict[str, Any] = json.loads(self.out.strip().splitlines()[-1])
        return found

    @property
    def error(self) -> dict[str, str]:
        """The error that it ended with; fails the test when it printed something else."""
        found: dict[str, str] = json.loads(self.err.strip().splitlines()[-1])
        return found


def say(line: str) -> None:
    """Tell whoever reads a failed test where it was, and with which seed."""
    sys.stdout.write(f"{line}\n")


def start(order: Order | RealOrder) -> subprocess.Popen[str]:
    """Start a runner, of scripted tools or of the real ones."""
    program = "chaos.runner" if isinstance(order, Order) else "chaos.real"
    return subprocess.Popen(
        [sys.executable, "-m", program, order.text()],
        env=environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def environment() -> dict[str, str]:
    """Return the test's environment, with the tests' own modules to be found."""
    path = filter(None, (str(TESTS), os.environ.get("PYTHONPATH")))
    return {**os.environ, "PYTHONPATH": os.pathsep.join(path)}


def run_module(name: str, argument: str, limit_s: float = 10 * LIMIT_S) -> subprocess.CompletedProcess[str]:
    """Run one of the programs beside this file to its end."""
    return subprocess.run(
        [sys.executable, "-m", name, argument],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=limit_s,
        check=False,
    )


def finish(process: subprocess.Popen[str], given: str = "", limit_s: float = LIMIT_S) -> Ended:
    """Wait for a runner; one that does not end is killed, and the test fails."""
    try:
        out, err = process.communicate(given, timeout=limit_s)
    except subprocess.TimeoutExpired:
        process.kill()
        out, err = process.communicate()
        raise AssertionError(f"the runner did not end within {limit_s} s: {out}{err}") from None
    return Ended(code=process.returncode, out=out, err=err)


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A row of the journal as it lies in the database."""

    seq: int
    kind: str
    payload: str


@dataclass(frozen=True, kw_only=True)
class Moment:
    """What there was when a runner had been killed, none of which may get lost or change."""

    entries: tuple[Entry, ...]
    logs: dict[str, bytes]
    ledger_lines: int
    succeeded: frozenset[str]


@dataclass(kw_only=True)
class Case:
    """One run in one workspace, executed by one runner after another."""

    workspace: Path
    graph: str = "ten"
    run_id: str = "run-1"
    moments: list[Moment] = field(default_factory=list)
    ends: list[Ended] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.workspace.mkdir(parents=True, exist_ok=True)
        # the mark of a tool in the process table is looked for by run: tests at once must not share it
        self.run_id = f"{self.run_id}-{os.getpid()}-{abs(hash(str(self.workspace))):x}"

    def order(self, **fields: Any) -> Order:
        return Order(workspace=str(self.workspace), run_id=self.run_id, graph=self.graph, **fields)

    def run(self, order: Order | None = None, *, kill_after_s: float | None = None) -> Ended:
        """Execute one runner to its end or its death, and look at what it left."""
        process = start(order or self.order())
        if kill_after_s is not None:
            with suppress(subprocess.TimeoutExpired):
                process.wait(kill_after_s)
            process.kill()
        return self.note(finish(process))

    def run_until(self, condition: Callable[[], object]) -> Ended:
        """Kill a runner as soon as the condition holds."""
        process = start(self.order())
        self.wait_for(process, condition)
        process.kill()
        return self.note(finish(process))

    def wait_for(self, process: subprocess.Popen[str], condition: Callable[[], object]) -> None:
        """Return once the condition holds; fail when the runner ends before, or it takes too long."""
        try:
            until(lambda: condition() or process.poll() is not None, "the moment to act")
        finally:
            if not condition():
                process.kill()
                raise AssertionError(f"it did not get so far: {finish(process)}")

    def ask(self, request: type[PauseRequested | CancelRequested]) -> None:
        """Append a request to the run's journal, as another process does."""
        with self.state() as state:
            state.journal.append(self.run_id, request(at=SystemClock().now(), by="somebody"))

    def record_now(self) -> RunRecord:
        """Fold the journal of a run that has begun."""
        with self.state() as state:
            record = self.record(state.journal)
        assert record
        return record

    def note(self, ended: Ended) -> Ended:
        """Remember how a runner ended."""
        self.ends.append(ended)
        assert ended.killed or ended.out or ended.err, f"it ended with {ended.code} and no word"
        if ended.killed:
            self.moments.append(self.look())
        return ended

    def approve(self) -> bool:
        """Agree to what waits, as a person does while no runner is there; return whether something did."""
        with self.state() as state:
            record = self.record(state.journal)
            waiting = [s for s in record.stages if s.status is StageStatus.WAITING] if record else []
            for stage in waiting:
                assert stage.outcome
                digest = str(stage.outcome.outputs["plan_digest"])
                if not any((a.stage, a.digest) == (stage.node.name, digest) for a in record.approvals):
                    given = ApprovalGiven(
                        at=SystemClock().now(), stage=stage.node.name, digest=digest, by="somebody"
                    )
                    state.journal.append(self.run_id, given)
                    return True
        return False

    def to_the_end(self, *orders: Order) -> RunRecord:
        """Execute the orders, then undisturbed runners, until the run is done; approve what waits."""
        left = list(orders)
        for _ in range(MOST_RUNNERS):
            ended = self.run(left.pop(0) if left else None)
            assert ended.killed or not ended.err, ended.err
            approved = self.approve()
            if not ended.killed and ended.result["status"] in TERMINAL and not approved:
                break
        else:
            raise AssertionError(f"still not at its end after {MOST_RUNNERS} runners: {self.ends[-1]}")
        return self.record_now()

    @contextmanager
    def state(self) -> Iterator[RunState]:
        """Open the run's database as another process does."""
        with open_state(self.workspace) as state:
            yield state

    def record(self, journal: Journal) -> RunRecord | None:
        """Fold the journal; None before the run has begun."""
        events = journal.read(self.run_id)
        return reduce(self.run_id, events) if events else None

    def entries(self) -> tuple[Entry, ...]:
        """Return the run's rows, read past our own code."""
        path = self.workspace / ".chainops" / "state.db"
        if not path.exists():
            return ()
        connection = sqlite3.connect(path)
        try:
            known = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'journal'").fetchone()
            rows = (
                connection.execute(
                    "SELECT seq, kind, payload FROM journal WHERE run_id = ? ORDER BY seq", (self.run_id,)
                ).fetchall()
                if known
                else []
            )
        finally:
            connection.close()
        return tuple(Entry(seq=seq, kind=kind, payload=payload) for seq, kind, payload in rows)

    def logs(self) -> dict[str, bytes]:
        """Return the attempts' logs by their path in the run."""
        base = run_dir(self.workspace, self.run_id)
        return {str(p.relative_to(base)): p.read_bytes() for p in base.glob("*/*.log")}

    def look(self) -> Moment:
        """Return what there is now."""
        entries = self.entries()
        succeeded = frozenset(
            data["stage"]
            for data in (json.loads(e.payload) for e in entries if e.kind == "AttemptFinished")
            if data["outcome"]["status"] == "success"
        )
        return Moment(
            entries=entries,
            logs=self.logs(),
            ledger_lines=len(lines(self.workspace / "ledger")),
            succeeded=succeeded,
        )

    @property
    def kills(self) -> int:
        """How many runners died."""
        return sum(e.killed for e in self.ends)


def has_grandchild(case: Case, attempt: int) -> bool:
    """Whether the long tool has left its grandchild in that attempt, in a session of its own."""
    return any(e.startswith(f"grandchild scan {attempt} ") for e in lines(case.workspace / "ledger"))
