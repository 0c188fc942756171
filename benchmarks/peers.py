"""The other tools of the engine benchmark, in an environment of their own, each given the same work.

Every program below is called with NODES, TIMES and the command, in an empty folder, and prints the seconds of
each of its TIMES runs as JSON.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from chainops.tools.cache import default_cache_dir

PINS = ("doit==0.37.0", "luigi==3.8.1", "snakemake==9.27.1")
_INSTALL_S = 900
_RUN_S = 600

_BEGIN = """\
import json, shutil, sys, time
nodes, times, command = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
seconds = []
"""
_END = """
print(json.dumps({"seconds": seconds}))
"""

_ASYNCIO = """\
import asyncio
from asyncio.subprocess import PIPE

async def node(slots):
    async with slots:
        process = await asyncio.create_subprocess_exec(*command, stdout=PIPE, stderr=PIPE)
        await process.communicate()
        if process.returncode:
            raise SystemExit("a node failed")

async def work():
    slots = asyncio.Semaphore(2)
    async with asyncio.TaskGroup() as group:
        for _ in range(nodes):
            group.create_task(node(slots))

async def main():
    for _ in range(times):
        started = time.perf_counter()
        await work()
        seconds.append(time.perf_counter() - started)

asyncio.run(main())
"""

_DOIT = """\
import contextlib, io
from doit.cmd_base import ModuleTaskLoader
from doit.doit_cmd import DoitMain

DOIT_CONFIG = {"default_tasks": ["node"]}

def task_node():
    for n in range(nodes):
        yield {"name": str(n), "actions": [command], "uptodate": [False]}

for number in range(times):
    arguments = ["run", "-n", "2", "-P", WAY, "--db-file", f"state-{number}"]
    with contextlib.redirect_stdout(io.StringIO()):
        started = time.perf_counter()
        code = DoitMain(ModuleTaskLoader(sys.modules["__main__"])).run(arguments)
        seconds.append(time.perf_counter() - started)
    if code:
        raise SystemExit("a node failed")
"""

_LUIGI = """\
import subprocess
import luigi

class Node(luigi.Task):
    number = luigi.IntParameter()
    time = luigi.IntParameter()

    def run(self):
        subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.output().open("w").close()

    def output(self):
        return luigi.LocalTarget(f"done-{self.time}-{self.number}")

for number in range(times):
    started = time.perf_counter()
    tasks = [Node(number=n, time=number) for n in range(nodes)]
    if not luigi.build(tasks, workers=2, local_scheduler=True, log_level="CRITICAL"):
        raise SystemExit("a node failed")
    seconds.append(time.perf_counter() - started)
"""

_SNAKEMAKE = """\
import shlex
from snakemake.cli import main

with open("Snakefile", "w") as file:
    file.write(f"rule all:\\n    input: expand('done-{{n}}', n=range({nodes}))\\n")
    file.write("rule node:\\n    output: touch('done-{n}')\\n")
    file.write(f"    shell: {shlex.join(command)!r}\\n")
for number in range(times):
    started = time.perf_counter()
    try:
        main(["--snakefile", "Snakefile", "--cores", "2", "--forceall", "--quiet", "all"])
    except SystemExit as end:
        if end.code:
            raise
    seconds.append(time.perf_counter() - started)
"""


class NotMeasuredError(Exception):
    """A peer cannot be installed or does not do the work; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """A tool that can run nodes; `measure` returns the seconds of each of `times` runs."""

    name: str
    measure: Callable[[Path, int, int, Sequence[str]], list[float]]


def peers(*, installed: bool = True) -> tuple[Peer, ...]:
    """Return the peers; without `installed` those that need no environment of their own.

    A peer that cannot be had raises `NotMeasuredError` when it is measured.
    """
    own = (
        Peer(name="GNU make", measure=_make),
        Peer(name="plain asyncio", measure=_program(_ASYNCIO, lambda: sys.executable)),
    )
    others = {
        "doit": _DOIT.replace("WAY", '"process"'),
        "doit, threads": _DOIT.replace("WAY", '"thread"'),
        "Luigi": _LUIGI,
        "Snakemake": _SNAKEMAKE,
    }
    programs = tuple(Peer(name=n, measure=_program(text, _python)) for n, text in others.items())
    return own + programs if installed else own


def _program(text: str, python: Callable[[], str]) -> Callable[[Path, int, int, Sequence[str]], list[float]]:
    def measure(folder: Path, nodes: int, times: int, command: Sequence[str]) -> list[float]:
        program = folder / "program.py"
        program.write_text(_BEGIN + text + _END)
        return run_program([python(), str(program), f"{nodes}", f"{times}", *command], folder)

    return measure


def run_program(argv: Sequence[str], folder: Path) -> list[float]:
    """Run a measuring program in an empty folder and return the seconds that it prints."""
    seconds = measured(argv, folder)["seconds"]
    return [float(s) for s in seconds] if isinstance(seconds, list) else []


def measured(argv: Sequence[str], folder: Path) -> dict[str, object]:
    """Run a measuring program and return what it prints; raises `NotMeasuredError` when it fails."""
    done = subprocess.run(
        argv, cwd=folder, env=_environment(folder), capture_output=True, timeout=_RUN_S, check=False
    )
    if done.returncode:
        raise NotMeasuredError(done.stderr.decode(errors="replace").strip()[-400:])
    result: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return result


def _environment(folder: Path) -> dict[str, str]:
    root = str(Path(__file__).parents[1])
    # what a tool writes below HOME stays in the folder of its round
    return {**os.environ, "HOME": str(folder), "XDG_CACHE_HOME": str(folder), "PYTHONPATH": root}


def _make(folder: Path, nodes: int, times: int, command: Sequence[str]) -> list[float]:
    """Time whole make processes: there is no inside to time."""
    import shlex

    make = _make_program()
    names = " ".join(f"n{number}" for number in range(nodes))
    recipe = shlex.join(command).replace("$", "$$")
    (folder / "Makefile").write_text(f".PHONY: all {names}\nall: {names}\n{names}:\n\t@{recipe}\n")
    seconds = []
    for _ in range(times):
        started = time.perf_counter()
        subprocess.run([make, "-s", "-j2", "all"], cwd=folder, check=True, stdout=subprocess.DEVNULL)
        seconds.append(time.perf_counter() - started)
    return seconds


def _make_program() -> str:
    if found := shutil.which("make"):
        return found
    _quiet(["apt-get", "install", "-y", "-qq", "make"])
    return shutil.which("make") or "make"


def _python() -> str:
    """Return the interpreter of the peers' environment, which is made on first use."""
    digest = hashlib.sha256(" ".join((*PINS, sys.version)).encode()).hexdigest()[:12]
    folder = default_cache_dir() / "bench" / digest
    python, stamp = folder / "bin" / "python", folder / ".installed"
    if not stamp.exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.parent.mkdir(parents=True, exist_ok=True)
        _quiet([sys.executable, "-m", "venv", str(folder)])
        _quiet([str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *PINS])
        stamp.touch()
    return str(python)


def _quiet(argv: Sequence[str]) -> None:
    try:
        done = subprocess.run(argv, capture_output=True, timeout=_INSTALL_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotMeasuredError(f"{argv[0]}: {error}") from error
    if done.returncode:
        raise NotMeasuredError(f"{' '.join(argv)}: {done.stderr.decode(errors='replace').strip()[-300:]}")
