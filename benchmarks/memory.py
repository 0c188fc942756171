"""Peak memory of chainops itself while a tool prints 200 MB."""

from __future__ import annotations

import asyncio
import os
import shlex
import shutil
import tempfile
from pathlib import Path

from benchmarks.measure import CHAINOPS, run, say
from benchmarks.startup import COUNTER

#: what is left to the real forge; every other call prints 200 MB on one of its outputs
_CASES = {
    "forge build": "--version|config",
    "forge test, gas report, coverage and lint at once": "--version|config|build",
}
_FORGE = """\
#!/bin/sh
for word in "$@"; do
  case "$word" in {real}) exec {forge} "$@" ;; esac
done
loud() {{ yes "a line of a tool that does not know when to stop" | head -c 200000000; }}
{loud}
exit 1
"""
_LOUD = {"stdout": "loud", "stderr": "loud >&2"}


def loud_tool() -> None:
    """Print the peak resident memory when `forge` prints 200 MB in one call, and in all side by side."""
    forge = asyncio.run(_real_forge())
    for what, real in _CASES.items():
        for output, loud in _LOUD.items():
            _measure(f"{what} on {output}", _FORGE.format(real=real, forge=shlex.quote(forge), loud=loud))


async def _real_forge() -> str:
    from chainops.core.process import LocalProcessRunner
    from chainops.tools.cache import default_cache_dir
    from chainops.tools.toolbox import ProvisionedToolbox

    toolbox = ProvisionedToolbox(cache_dir=default_cache_dir(), runner=LocalProcessRunner())
    return (await toolbox.tool("forge")).argv[0]


def _measure(what: str, script: str) -> None:
    with tempfile.TemporaryDirectory() as name:
        project, bin_dir = Path(name) / "counter", Path(name) / "bin"
        shutil.copytree(COUNTER, project, ignore=shutil.ignore_patterns("out", "cache", ".chainops"))
        bin_dir.mkdir()
        forge = bin_dir / "forge"
        forge.write_text(script)
        forge.chmod(0o755)
        (project / "chainops.yaml").write_text("tools: {forge: system}\n")
        path = f"{bin_dir}:{os.environ['PATH']}"
        timed = run([CHAINOPS, "run", str(project)], cwd=project, env={"PATH": path})
        logs = sum(p.stat().st_size for p in project.glob(".chainops/runs/*/*/*.log"))
        say(
            f"peak memory of chainops while 200 MB come from {what}: {timed.peak_rss_bytes / 1e6:.0f} MB "
            f"(bar 120 MB; {timed.seconds:.0f} s, exit code {timed.returncode}, logs {logs / 1e6:.0f} MB)"
        )
