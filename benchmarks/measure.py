"""What the benchmarks share: run a command, time it, watch its memory, and take medians."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

CHAINOPS = str(Path(sys.executable).with_name("chainops"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Timed:
    """One timed command. `peak_rss_bytes` is of the process itself, its children left out."""

    seconds: float
    returncode: int
    stdout: bytes
    stderr: bytes
    spawned_at: datetime
    peak_rss_bytes: int


def run(command: Sequence[str], *, cwd: Path, env: Mapping[str, str] | None = None) -> Timed:
    """Run a command to its end; its output goes through files, so that nothing here slows it."""
    out, err = cwd / ".bench.out", cwd / ".bench.err"
    with out.open("wb") as stdout, err.open("wb") as stderr:
        spawned_at = datetime.now(UTC)
        started = time.perf_counter()
        process = subprocess.Popen(
            command, cwd=cwd, env={**os.environ, **(env or {})}, stdout=stdout, stderr=stderr
        )
        peak_rss_bytes = _watch(process)
        seconds = time.perf_counter() - started
    timed = Timed(
        seconds=seconds,
        returncode=process.returncode,
        stdout=out.read_bytes(),
        stderr=err.read_bytes(),
        spawned_at=spawned_at,
        peak_rss_bytes=peak_rss_bytes,
    )
    out.unlink()
    err.unlink()
    return timed


def _watch(process: subprocess.Popen[bytes]) -> int:
    """Wait for the end; return the high-water mark of resident memory that the kernel kept (proc(5))."""
    status = Path(f"/proc/{process.pid}/status")
    peak = 0
    while True:
        try:
            process.wait(timeout=0.02)
        except subprocess.TimeoutExpired:
            text = status.read_text()
            peak = max(
                [peak, *(int(line.split()[1]) * 1024 for line in text.splitlines() if "VmHWM" in line)]
            )
        else:
            return peak


def median(values: Sequence[float]) -> float:
    """Return the median."""
    return statistics.median(values)


def say(line: str) -> None:
    """Print a line of the result at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
