"""What a node costs in our engine, journal and log on disk, beside make, asyncio, doit, Luigi and Snakemake.

All run the same work in turns within one run of this benchmark: so many nodes that need nothing, each of
them `/bin/true`, two at a time. The figure is the wall time of a run divided by its nodes. For make it is the
whole process, which has no inside to be timed. For everything else it is taken in its process, from handing
over the nodes until the last has ended and the tool's own files are closed; the start of the interpreter, its
imports and one run to warm up are left out, for all alike. Before that each tool runs nodes that keep a
tally: one that leaves out a node, or does not run two side by side, counts as not measured, and so does one
that cannot be had.
"""

from __future__ import annotations

import shlex
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.measure import median, say
from benchmarks.peers import NotMeasuredError, Peer, measured, peers, run_program

OURS = "chainops"
NODES, MANY_NODES, ENTRIES = 20, 1000, 10_000
#: runs of each tool per round, the first of which is not counted
_TIMES = 3
_TRUE = ("/bin/true",)


def our_engine() -> Peer:
    """Return our engine, to be measured as its peers are."""
    return Peer(name=OURS, measure=_own)


def _own(folder: Path, nodes: int, times: int, command: Sequence[str]) -> list[float]:
    return run_program(_own_argv("nodes", nodes, times, folder, *command), folder)


def _own_argv(*words: object) -> list[str]:
    return [sys.executable, "-m", "benchmarks.own_engine", *map(str, words)]


def engine(rounds: int = 9) -> None:
    """Print the cost of a node beside the peers', with many nodes, and of resuming a long journal."""
    compare([our_engine(), *peers()], rounds)
    many_nodes(min(rounds, 3))
    long_journal(min(rounds, 5))


def compare(tools: Sequence[Peer], rounds: int, nodes: int = NODES) -> dict[str, float]:
    """Measure the tools in turns and print a table; return milliseconds a node of those measured."""
    able = [tool for tool in tools if _reported(tool, nodes)]
    seconds: dict[str, list[float]] = {tool.name: [] for tool in able}
    for _ in range(rounds):
        for tool in able:
            with tempfile.TemporaryDirectory() as name:
                seconds[tool.name] += tool.measure(Path(name), nodes, _TIMES, _TRUE)[1:]
    figures = {name: median(values) / nodes * 1000 for name, values in seconds.items()}
    say(f"{nodes} no-op nodes, two at a time, median of {rounds * (_TIMES - 1)} runs: wall time / nodes")
    say("(make: its whole process; the others: from handing over the nodes to the end, in their process)")
    say(f"  {'':14} {'ms a node':>10} {'to make':>8} {'to asyncio':>11}")
    for name, value in sorted(figures.items(), key=lambda item: item[1]):
        say(f"  {name:14} {value:10.2f} {_ratio(value, figures.get('GNU make')):>8} "
            f"{_ratio(value, figures.get('plain asyncio')):>11}")  # fmt: skip
    return figures


def _ratio(value: float, other: float | None) -> str:
    return f"{value / other:.2f}" if other else "-"


def _reported(tool: Peer, nodes: int) -> bool:
    try:
        check_work(tool, nodes)
    except NotMeasuredError as error:
        say(f"  {tool.name}: not measured: {' '.join(str(error).split())}")
        return False
    return True


def check_work(tool: Peer, nodes: int) -> None:
    """Have the tool run nodes twice that keep a tally.

    Raises `NotMeasuredError` unless all ran, two at a time.
    """
    with tempfile.TemporaryDirectory() as name:
        tally = Path(name) / "tally"
        path = shlex.quote(str(tally))
        script = f"echo + >> {path}; sleep 0.05; echo - >> {path}"
        tool.measure(Path(name), nodes, 2, ("/bin/sh", "-c", script))
        steps = [1 if line == "+" else -1 for line in tally.read_text().split()]
    side_by_side = max(sum(steps[: end + 1]) for end in range(len(steps)))
    if steps.count(1) != 2 * nodes or steps.count(-1) != 2 * nodes or side_by_side != 2:
        raise NotMeasuredError(f"{steps.count(1)} of {2 * nodes} nodes ran, {side_by_side} side by side")


def many_nodes(rounds: int, many: int = MANY_NODES, few: int = NODES) -> None:
    """Print what a node costs in a big graph beside a small one, and the peak of resident memory."""
    cost: dict[int, list[float]] = {few: [], many: []}
    peaks: list[float] = []
    for _ in range(rounds):
        for nodes, times in ((few, _TIMES), (many, 2)):
            with tempfile.TemporaryDirectory() as name:
                result = measured(_own_argv("nodes", nodes, times, name, *_TRUE), Path(name))
            cost[nodes] += [s / nodes * 1000 for s in _numbers(result["seconds"])[1:]]
            peaks += _numbers([result["peak_rss_bytes"]])
    small, big = median(cost[few]), median(cost[many])
    say(f"{many} nodes: {big:.2f} ms a node, {big / small:.2f} of what it is with {few} (bar 0.80-1.20); "
        f"peak memory {max(peaks) / 1e6:.0f} MB (bar 150 MB)")  # fmt: skip


def long_journal(rounds: int, entries: int = ENTRIES) -> None:
    """Print how long a run with many journal entries takes from opening it to the first decision."""
    seconds = []
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as name:
            seconds += run_program(_own_argv("resume", entries, name), Path(name))
    say(f"resume of a journal with {entries} entries: {median(seconds):.3f} s to the first decision "
        f"(bar 0.500 s, median of {rounds})")  # fmt: skip


def _numbers(values: object) -> list[float]:
    return [float(v) for v in values] if isinstance(values, list) else []
