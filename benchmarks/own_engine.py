"""The measured side of the engine benchmark: our engine with journal on disk, log files and real processes.

`python -m benchmarks.own_engine nodes NODES TIMES FOLDER COMMAND…` runs a graph TIMES times and prints JSON;
`python -m benchmarks.own_engine resume ENTRIES FOLDER` resumes a run with a journal of that many entries.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from chainops.app.database import DatabaseChoice
from chainops.app.state import RunState, open_state
from chainops.artifacts.model import Artifact
from chainops.core.clock import SystemClock
from chainops.core.process import Command, LocalProcessRunner
from chainops.core.process_tree import adopt_orphans
from chainops.core.secrets import Masker
from chainops.pipeline.attempt import AttemptRunner, LocalAttemptRunner
from chainops.pipeline.claims import this_runner
from chainops.pipeline.engine import Engine, RunPlan
from chainops.pipeline.events import AttemptFinished, AttemptStarted, Event, RunStarted
from chainops.pipeline.graph import Graph, build_graph
from chainops.pipeline.model import Outcome, RunStatus, StageContext, StageNode, StageStatus
from chainops.quality.model import Verdict

PARALLEL = 2
_SUCCESS = Outcome(status=StageStatus.SUCCESS)
_EMBEDDED = DatabaseChoice()


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandStage:
    """Runs one program, its output going to the log."""

    name: str
    argv: tuple[str, ...]
    runner: LocalProcessRunner

    async def run(self, context: StageContext) -> Outcome:
        """Run the program; its exit code decides."""
        command = Command(
            argv=self.argv,
            cwd=context.workspace,
            env={"PATH": "/usr/bin:/bin"},
            timeout_s=context.timeout_s,
            marker=context.marker,
        )
        done = await self.runner.run(command, context.log)
        return _SUCCESS if done.returncode == 0 else Outcome(status=StageStatus.FAILED)


class NoGates:
    """A pipeline without quality gates."""

    def judge(self, node: StageNode, outcome: Outcome) -> tuple[Verdict, ...]:  # noqa: ARG002 - the port's
        """Nothing is judged."""
        return ()

    def judge_missing(self, verdicts: Sequence[Verdict]) -> tuple[Verdict, ...]:  # noqa: ARG002 - the port's
        """Nothing is missing."""
        return ()


class NoArtifacts:
    """A sink for stages that leave nothing."""

    def put_bytes(self, name: str, data: bytes, *, kind: str, media_type: str = "") -> Artifact:
        """Refuse: no stage of the benchmark leaves anything."""
        raise NotImplementedError(name)

    def put_file(self, name: str, path: Path, *, kind: str, media_type: str = "") -> Artifact:
        """Refuse: no stage of the benchmark leaves anything."""
        raise NotImplementedError(name)


class FirstDecision:
    """An attempt runner that notes when it is first called, and does nothing."""

    def __init__(self) -> None:
        self.at_s = 0.0

    async def run(
        self, node: StageNode, attempt: int, upstream: Mapping[str, Outcome], *, output: object
    ) -> Outcome:
        """Note the time."""
        del node, attempt, upstream, output
        self.at_s = self.at_s or time.perf_counter()
        return _SUCCESS


def _engine(folder: Path, run_id: str, graph: Graph, state: RunState, attempts: AttemptRunner) -> Engine:
    clock = SystemClock()
    return Engine(
        plan=RunPlan(
            run_id=run_id,
            pipeline_id="bench",
            project_name="bench",
            workspace=folder,
            graph=graph,
            max_parallel=PARALLEL,
        ),
        journal=state.journal,
        attempts=attempts,
        gatekeeper=NoGates(),
        clock=clock,
        claims=state.claims,
        runner=this_runner(clock.now()),
    )


async def run_nodes(folder: Path, run_id: str, nodes: int, argv: tuple[str, ...]) -> float:
    """Run so many independent stages; return the seconds from opening the journal to closing it."""
    masker = Masker()
    runner = LocalProcessRunner(masker)
    started = time.perf_counter()
    graph = build_graph(StageNode(name=f"n{number}") for number in range(nodes))
    with open_state(folder, database=_EMBEDDED) as state:
        attempts = LocalAttemptRunner(
            run_id=run_id,
            workspace=folder,
            stages=lambda node: CommandStage(name=node.stage, argv=argv, runner=runner),
            artifacts=lambda _stage: NoArtifacts(),
            masker=masker,
        )
        record = await _engine(folder, run_id, graph, state, attempts).execute()
    seconds = time.perf_counter() - started
    if record.status is not RunStatus.SUCCESS:
        raise RuntimeError(f"the run ended as {record.status}")
    return seconds


async def resume(folder: Path, entries: int) -> float:
    """Return the seconds from opening a journal of so many entries to the first decision after resuming."""
    graph = build_graph(StageNode(name=f"n{number}") for number in range(entries // 2))
    with open_state(folder, database=_EMBEDDED) as state:
        state.journal.append("run", *_history(folder, graph))
        if state.journal.last("run") != entries:
            raise RuntimeError(f"the journal holds {state.journal.last('run')} entries")
    attempts = FirstDecision()
    started = time.perf_counter()
    with open_state(folder, database=_EMBEDDED) as state:
        await _engine(folder, "run", graph, state, attempts).execute()
    return attempts.at_s - started


def _history(folder: Path, graph: Graph) -> list[Event]:
    """Return a run that was killed while its last stage ran."""
    now = SystemClock().now()
    events: list[Event] = [
        RunStarted(
            at=now, pipeline_id="bench", project_name="bench", workspace=str(folder), nodes=graph.nodes
        )
    ]
    for node in graph.nodes:
        events.append(AttemptStarted(at=now, stage=node.name, attempt=1))
        events.append(AttemptFinished(at=now, stage=node.name, attempt=1, duration_s=1.0, outcome=_SUCCESS))
    return events[:-1]


def _peak_rss_bytes() -> int:
    # ru_maxrss would begin with what the parent had when it forked
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))


async def _times(folder: Path, nodes: int, times: int, argv: tuple[str, ...]) -> list[float]:
    return [await run_nodes(folder, f"run-{number}", nodes, argv) for number in range(times)]


def main(words: Sequence[str]) -> None:
    """Measure what the words name, and print JSON."""
    adopt_orphans()  # as `chainops run` does
    if words[0] == "resume":
        seconds = [asyncio.run(resume(Path(words[2]), int(words[1])))]
    else:
        seconds = asyncio.run(_times(Path(words[3]), int(words[1]), int(words[2]), tuple(words[4:])))
    sys.stdout.write(json.dumps({"seconds": seconds, "peak_rss_bytes": _peak_rss_bytes()}) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
