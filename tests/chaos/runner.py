"""A runner as a process of its own, with what happens to it on the way: `python -m chaos.runner ORDER`."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import json
import resource
import signal
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from chainops.app.state import RunState, open_state
from chainops.core.errors import ChainopsError
from chainops.core.process_tree import kill_marked
from chainops.core.secrets import Masker
from chainops.pipeline.attempt import LocalAttemptRunner
from chainops.pipeline.claims import ClaimLostError, RunHeldError, this_runner
from chainops.pipeline.engine import Engine, RunPlan
from chainops.pipeline.events import CancelRequested, PauseRequested
from chainops.pipeline.graph import build_graph
from chainops.pipeline.model import RunRecord
from chaos.killing import JumpingClock, KillingClaims, KillingJournal, Switch
from chaos.scripted import GRAPHS, Bench, NoGates, scripted_stages
from chaos.waiting import until


@dataclass(frozen=True, kw_only=True)
class Order:
    """What a runner is to run, and what happens to it at which of its writes (counted from 1)."""

    workspace: str
    run_id: str
    graph: str = "ten"
    kill_at: int = 0
    when: str = "before"
    #: dies before it writes how the run ended: its number depends on what ends together
    kill_at_end: bool = False
    #: (write, what, argument): what happens right after that write, see `happenings`
    moments: tuple[tuple[int, str, str], ...] = ()
    max_parallel: int = 3
    pace_s: float = 0.0
    #: how long a database that does not answer is waited for; 0 leaves what the engine has
    patience_s: float = 0.0
    #: waits for a line on stdin before it begins, so that several begin together
    waits: bool = False

    def text(self) -> str:
        """The order as the runner's argument."""
        return json.dumps(asdict(self))


@dataclass
class Current:
    """The engine that runs, once there is one."""

    engine: Engine | None = None

    def status(self) -> RunRecord | None:
        return self.engine.record if self.engine else None


def happenings(order: Order, state: RunState, clock: JumpingClock) -> dict[str, Callable[[str], object]]:
    """Return what can happen to a runner, by name; each takes the argument of its moment."""

    def ask(request: type[PauseRequested | CancelRequested]) -> None:
        state.journal.append(order.run_id, request(at=clock.now(), by="somebody"))

    return {
        # another process asks for it
        "pause": lambda _: ask(PauseRequested),
        "cancel": lambda _: ask(CancelRequested),
        # somebody sets the wall clock
        "jump": lambda seconds: clock.jump(float(seconds)),
        # the disk gets full
        "fill": lambda path: fill(Path(path)),
        "limit": lambda path: limit(Path(path).stat().st_size),
        # the test is told, and does something before the runner goes on
        "meet": lambda path: meet(Path(path)),
    }


def fill(path: Path) -> None:
    """Write until the disk refuses (ENOSPC)."""
    with contextlib.suppress(OSError), path.open("wb", buffering=0) as file:
        while True:
            file.write(b"x" * 4096)


def limit(size_bytes: int) -> None:
    """Refuse files that grow beyond a size, as an error and not as a signal (setrlimit(2))."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, hard))


def meet(path: Path) -> None:
    """Say that this point is reached, and go on when the test says so."""
    path.touch()
    until(path.with_suffix(".go").exists, f"{path} is answered")


def engine_for(order: Order, state: RunState, clock: JumpingClock) -> tuple[Engine, Switch]:
    """Wire an engine whose writes are counted."""
    workspace = Path(order.workspace)
    switch = Switch(kill_at=order.kill_at, when=order.when, kill_at_end=order.kill_at_end)
    current = Current()
    bench = Bench(
        workspace=workspace, run_id=order.run_id, switch=switch, status=current.status, pace_s=order.pace_s
    )
    stages = scripted_stages(bench, order.graph)
    known = happenings(order, state, clock)
    for number, what, argument in order.moments:
        switch.hooks.setdefault(number, []).append(functools.partial(known[what], argument))
    more: dict[str, Any] = {"patience_s": order.patience_s} if order.patience_s else {}
    current.engine = Engine(
        plan=RunPlan(
            run_id=order.run_id,
            pipeline_id="chaos",
            project_name="scripted",
            workspace=workspace,
            graph=build_graph(GRAPHS[order.graph]),
            max_parallel=order.max_parallel,
        ),
        journal=KillingJournal(state.journal, switch, note=workspace / "appends"),
        attempts=LocalAttemptRunner(
            run_id=order.run_id,
            workspace=workspace,
            stages=lambda node: stages[node.stage],
            artifacts=bench.artifacts,
            masker=Masker(),
        ),
        gatekeeper=NoGates(),
        clock=clock,
        claims=KillingClaims(state.claims, switch),
        runner=this_runner(clock.now()),
        end_orphans=kill_marked,
        jitter=lambda: 0.0,  # how long a retry waits is another test's
        **more,
    )
    return current.engine, switch


async def execute(order: Order) -> dict[str, object]:
    """Run the order to its end; return how the run stands."""
    clock = JumpingClock()
    with open_state(Path(order.workspace), clock=clock) as state:
        engine, switch = engine_for(order, state, clock)
        try:
            record = await engine.execute()
        except (RunHeldError, ClaimLostError):
            raise  # what runs is another runner's
        except BaseException:
            kill_marked(f"{order.run_id}/")
            raise
        kill_marked(f"{order.run_id}/")
        return {"status": record.status.value, "exit_code": record.exit_code, "writes": switch.count}


def main() -> int:
    """Execute the order in the argument; print the end on stdout, an error on stderr."""
    order = Order(**json.loads(sys.argv[1]))
    if order.waits:
        print("ready", flush=True)  # noqa: T201
        sys.stdin.readline()
    try:
        ended = asyncio.run(execute(order))
    except ChainopsError as error:
        print(json.dumps({"code": error.code, "message": str(error)}), file=sys.stderr)  # noqa: T201
        return error.exit_code.value
    print(json.dumps(ended))  # noqa: T201
    return int(str(ended["exit_code"]))


if __name__ == "__main__":
    sys.exit(main())
