"""`python -m benchmarks [startup] [memory] [engine] [pipeline] [library] [ROUNDS]`: all without a name."""

from __future__ import annotations

import sys

from benchmarks.engine import engine
from benchmarks.memory import loud_tool
from benchmarks.pipeline import example, library
from benchmarks.startup import help_and_first_stage

BENCHMARKS = {
    "startup": help_and_first_stage,
    "memory": loud_tool,
    "engine": engine,
    "pipeline": example,
    "library": library,
}


def main() -> None:
    """Run the named benchmarks one after another: two at once would measure each other."""
    rounds = [int(word) for word in sys.argv[1:] if word.isdigit()]
    for name in [word for word in sys.argv[1:] if not word.isdigit()] or BENCHMARKS:
        BENCHMARKS[name](*rounds)


main()
