"""The whole run beside its own critical path and beside a shell script that calls the same tools in turn."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from pathlib import Path

from benchmarks.measure import CHAINOPS, Timed, median, run, say
from benchmarks.script import npm_command, shell_script

ROOT = Path(__file__).parents[1]
_LEFT_OUT = shutil.ignore_patterns("node_modules", "out", "cache", ".chainops")


def example(rounds: int = 3) -> None:
    """Print the figures of `examples/vault`, dependencies installed from npm's cache each time."""
    with tempfile.TemporaryDirectory() as name:
        project, home = Path(name) / "vault", Path(name) / "home"
        runs, scripts = [], []
        for _ in range(rounds):
            _lay(ROOT / "examples" / "vault", project)
            runs.append(run([CHAINOPS, "run", str(project), "--no-production", "--json"], cwd=project))
            _lay(ROOT / "examples" / "vault", project)
            text = shell_script(
                project,
                home,
                solc="0.8.30",
                install=True,
                integration=True,
                deploy_script="script/Deploy.s.sol",
            )
            scripts.append(run(["bash", "-c", text], cwd=project))
        _compare("examples/vault", runs, scripts)


def library(rounds: int = 3) -> None:
    """Print the figures of @uniswap/v4-core 1.0.2 (160 files, 598 tests) with its `debug` profile."""
    with tempfile.TemporaryDirectory() as name:
        source, project, home = (Path(name) / part for part in ("source", "v4-core", "home"))
        source.mkdir()
        subprocess.run([*npm_command(), "pack", "--silent", "@uniswap/v4-core@1.0.2"], cwd=source, check=True)
        subprocess.run(["tar", "xzf", next(source.glob("*.tgz")).name], cwd=source, check=True)
        # its tests call a program of its own (FFI), and it is not formatted by our version's rules
        config = "foundry: {profile: debug, allow_ffi: true}\n"
        (source / "package" / "chainops.yaml").write_text(config)
        runs, scripts = [], []
        for _ in range(rounds):
            _lay(source / "package", project)
            runs.append(run([CHAINOPS, "run", str(project), "--json"], cwd=project))
            _lay(source / "package", project)
            scripts.append(
                run(["bash", "-c", shell_script(project, home, solc="0.8.26", profile="debug")], cwd=project)
            )
        _compare("@uniswap/v4-core 1.0.2, profile debug", runs, scripts)


def _lay(source: Path, project: Path) -> None:
    shutil.rmtree(project, ignore_errors=True)
    shutil.copytree(source, project, ignore=_LEFT_OUT)


def _compare(what: str, runs: list[Timed], scripts: list[Timed]) -> None:
    results = [json.loads(timed.stdout) for timed in runs]
    ratios = [r["duration_ms"] / r["critical_path"]["total_ms"] for r in results]
    run_s, script_s = median([t.seconds for t in runs]), median([t.seconds for t in scripts])
    codes = {t.returncode for t in runs}, {t.returncode for t in scripts}
    say(f"{what}: median of {len(runs)}, exit codes {codes[0]} and {codes[1]}")
    say(f"  chainops run        {run_s:7.1f} s")
    say(f"  shell script        {script_s:7.1f} s   ratio {run_s / script_s:.2f} (bar: less than 1)")
    say(f"  run / critical path {median(ratios):7.3f}     (bar 1.10)")
    for timed in (*runs, *scripts):
        if timed.returncode not in (0, 1):
            say(f"  did not end well: {timed.stderr.decode(errors='replace')[-400:]}")
