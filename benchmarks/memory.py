"""Peak memory of chainops itself while a tool prints 200 MB."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from benchmarks.measure import CHAINOPS, run, say
from benchmarks.startup import COUNTER

_FORGE = """\
#!/bin/sh
case "$*" in
  *--version*) echo "forge Version: 1.7.1"; exit 0 ;;
esac
yes "a line of a tool that does not know when to stop" | head -c 200000000
exit 1
"""


def loud_tool() -> None:
    """Print the peak resident memory with a `forge` that prints 200 MB in every stage that calls it."""
    with tempfile.TemporaryDirectory() as name:
        project, bin_dir = Path(name) / "counter", Path(name) / "bin"
        shutil.copytree(COUNTER, project, ignore=shutil.ignore_patterns("out", "cache", ".chainops"))
        bin_dir.mkdir()
        forge = bin_dir / "forge"
        forge.write_text(_FORGE)
        forge.chmod(0o755)
        (project / "chainops.yaml").write_text("tools: {forge: system}\n")
        path = f"{bin_dir}:{os.environ['PATH']}"
        timed = run([CHAINOPS, "run", str(project)], cwd=project, env={"PATH": path})
        logs = sum(p.stat().st_size for p in project.glob(".chainops/runs/*/*/*.log"))
        say(
            f"peak memory of chainops while a tool prints 200 MB: {timed.peak_rss_bytes / 1e6:.0f} MB "
            f"(bar 120 MB; exit code {timed.returncode}, logs kept {logs / 1e6:.0f} MB)"
        )
