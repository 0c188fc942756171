"""How long a person waits before anything happens: `--help`, and from the command to the first stage."""

from __future__ import annotations

import json
import shutil
import tempfile
from datetime import datetime
from pathlib import Path

from benchmarks.measure import CHAINOPS, median, run, say

COUNTER = Path(__file__).parents[1] / "tests" / "projects" / "counter"


def help_and_first_stage(rounds: int = 9) -> None:
    """Print the medians of `chainops --help` and of command → first stage with the journal open."""
    with tempfile.TemporaryDirectory() as name:
        here = Path(name)
        helps = [run([CHAINOPS, "--help"], cwd=here).seconds for _ in range(rounds)]
        say(f"chainops --help: {median(helps) * 1000:.0f} ms (bar 120 ms, median of {rounds})")
        project = here / "counter"
        shutil.copytree(COUNTER, project, ignore=shutil.ignore_patterns("out", "cache", ".chainops"))
        waits = [_first_stage_s(project) for _ in range(rounds)]
        say(f"command → first stage: {median(waits) * 1000:.0f} ms (bar 500 ms, median of {rounds})")


def _first_stage_s(project: Path) -> float:
    """Run until the sources are checked out; everything else is switched off."""
    config = project / "bench.yaml"
    off = "\n".join(f"  {name}: {{enabled: false}}" for name in _OTHERS)
    config.write_text(f"stages:\n{off}\nquality_gates: {{security_scan_required: false}}\n")
    timed = run([CHAINOPS, "run", str(project), "--config", str(config), "--json"], cwd=project)
    result = json.loads(timed.stdout)
    started = datetime.fromisoformat(result["stages"][0]["attempts"][0]["started_at"])
    return (started - timed.spawned_at).total_seconds()


_OTHERS = (
    "dependency-install", "compilation", "unit-tests", "static-analysis", "security-scan",
    "integration-tests", "contract-deploy", "smoke-tests", "production-deploy",
)  # fmt: skip
