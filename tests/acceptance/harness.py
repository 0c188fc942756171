"""Runs the installed command on copies of the test projects, as a user would."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
PROJECTS = ROOT / "tests" / "projects"
CHAINOPS = str(Path(sys.executable).with_name("chainops"))

#: what every counter project is asked to be; the variants each miss one of these
COUNTER_CONFIG = """\
pipeline_id: counter
quality_gates:
  min_test_coverage: {measure: lines, value: 0.9}
  max_complexity_score: 10
  security_scan_required: true
  fail_on: high
  max_contract_size: 24576
deploy:
  contracts:
    - contract: Counter
      args: [1000]
    - contract: Bank
smoke_tests:
  - {name: limit, contract: Counter, function: LIMIT, expect: 1000}
  - {name: version, contract: Counter, function: version, expect: 1}
  - name: above the limit
    contract: Counter
    function: setNumber
    args: [1001]
    reverts: {error: AboveLimit, args: [1001, 1000]}
  - {name: empty bank, contract: Bank, function: total, expect: 0}
"""


@dataclass(frozen=True, kw_only=True)
class Ran:
    """A finished command."""

    code: int
    out: str
    err: str

    @property
    def result(self) -> dict[str, Any]:
        """Stdout as JSON."""
        parsed: dict[str, Any] = json.loads(self.out)
        return parsed

    def stage(self, name: str) -> dict[str, Any]:
        """A stage of result.json."""
        return next(s for s in self.result["stages"] if s["name"] == name)

    def statuses(self) -> dict[str, str]:
        """Every stage's status."""
        return {s["name"]: s["status"] for s in self.result["stages"]}


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The test's environment without what a CI system would add."""
    env = {k: v for k, v in os.environ.items() if not k.startswith(("GITHUB_", "GITLAB_", "CI_"))}
    env.pop("CI", None)
    return {**env, **(extra or {})}


def chainops(*arguments: str | Path, cwd: Path | None = None, env: Mapping[str, str] | None = None) -> Ran:
    """Run the command to its end."""
    done = subprocess.run(
        [CHAINOPS, *map(str, arguments)],
        cwd=cwd or ROOT,
        env=environment(env),
        capture_output=True,
        timeout=600,
        check=False,
    )
    return Ran(code=done.returncode, out=done.stdout.decode(), err=done.stderr.decode())


def lay(target: Path, *layers: str, config: str | None = COUNTER_CONFIG) -> Path:
    """Lay projects over each other as `tests/projects/variants/README.md` says, and write a config."""
    for layer in layers:
        source = PROJECTS / layer
        ignored = shutil.ignore_patterns("out", "cache", ".chainops", "NOTES.md", "DELETE")
        shutil.copytree(source, target, ignore=ignored, dirs_exist_ok=True)
        deleted = source / "DELETE"
        for line in deleted.read_text().split() if deleted.exists() else ():
            (target / line).unlink()
    if config is not None:
        (target / "chainops.yaml").write_text(config)
    return target
