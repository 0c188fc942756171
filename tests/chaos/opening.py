"""Processes that open one new database at the same moment, many times: `python -m chaos.opening FOLDER`."""

from __future__ import annotations

import multiprocessing
import sys
from multiprocessing.synchronize import Barrier
from pathlib import Path

from chainops.core.store.database import Database
from chainops.pipeline.journal import MIGRATIONS

PROCESSES = 4
ROUNDS = 150


def open_together(path: Path, barrier: Barrier) -> None:
    """Open the database when all are there; an error is the process's end."""
    barrier.wait(timeout=30)
    Database(path, MIGRATIONS).close()


def main() -> int:
    """Return how many of the processes were refused."""
    context = multiprocessing.get_context("fork")
    refused = 0
    for number in range(ROUNDS):
        barrier = context.Barrier(PROCESSES)
        path = Path(sys.argv[1]) / f"{number}.db"
        processes = [context.Process(target=open_together, args=(path, barrier)) for _ in range(PROCESSES)]
        for process in processes:
            process.start()
        for process in processes:
            process.join(timeout=60)
        refused += sum(process.exitcode != 0 for process in processes)
    return min(refused, 100)


if __name__ == "__main__":
    sys.exit(main())
