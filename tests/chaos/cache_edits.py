"""Edits a copy of the counter project at random; each state is run with the cache and rebuilt."""

from __future__ import annotations

import os
import random
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from acceptance.harness import Ran, chainops, lay

#: nothing is deployed: that is never taken from the cache
CONFIG = """\
pipeline_id: counter
quality_gates: {min_test_coverage: {measure: lines, value: 0.5}, security_scan_required: true}
stages:
  contract-deploy: {enabled: false}
"""
CACHEABLE = ("compilation", "unit-tests", "static-analysis", "security-scan", "integration-tests")
_TIMES = frozenset({"duration_s", "duration_ms", "build_dir", "output_dir"})


class Edits:
    """A project and a clean twin of it."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.root = lay(folder / "cached", "counter", config=CONFIG)
        self.twin = folder / "clean"
        self.random = random.Random(seed)
        self.earlier: list[dict[str, bytes]] = [self.content()]

    def content(self) -> dict[str, bytes]:
        """Return every file of the project."""
        names = (p.relative_to(self.root) for p in self.root.rglob("*") if p.is_file())
        return {n.as_posix(): (self.root / n).read_bytes() for n in names if n.parts[0] != ".chainops"}

    def edit(self) -> str:
        """Change something; return what it was."""
        kinds: list[Callable[[], str]] = [
            self._comment, self._comment, self._code, self._readme, self._toml, self._remapping, self._new,
            self._delete, self._swap, self._touch, self._revert, self._revert,
        ]  # fmt: skip
        what = self.random.choice(kinds)()
        self.earlier.append(self.content())
        return what

    def run(self) -> Ran:
        """Run with the cache."""
        return chainops("run", self.root, "--no-production", "--new", "--json")

    def rebuild(self) -> Ran:
        """Run a copy that has neither a cache nor an earlier build."""
        shutil.rmtree(self.twin, ignore_errors=True)
        shutil.copytree(self.root, self.twin, ignore=shutil.ignore_patterns(".chainops"))
        return chainops("run", self.twin, "--no-production", "--no-cache", "--json")

    def _some(self) -> Path:
        names = sorted(n for n in self.content() if n.startswith(("src/", "test/")) and n.endswith(".sol"))
        return self.root / self.random.choice(names)

    def _append(self, name: str | Path, text: str) -> str:
        path = self.root / name
        path.write_text((path.read_text() if path.exists() else "") + text)
        return f"{path.name} += {text.strip()}"

    def _comment(self) -> str:
        return self._append(self._some(), f"// {self.random.random()}\n")

    def _code(self) -> str:
        number = self.random.randrange(10**9)
        return self._append(
            self._some(), f"\ncontract Extra{number} {{\n    uint256 public x = {number};\n}}\n"
        )

    def _readme(self) -> str:
        return self._append("README.md", f"{self.random.random()}\n")

    def _toml(self) -> str:
        path = self.root / "foundry.toml"
        runs = self.random.choice((1, 200, 1000))
        lines = path.read_text().splitlines()
        path.write_text(
            "\n".join(f"optimizer_runs = {runs}" if "optimizer_runs" in x else x for x in lines) + "\n"
        )
        return f"optimizer_runs = {runs}"

    def _remapping(self) -> str:
        """Let a test's import lead elsewhere."""
        for lib in ("one", "two"):
            path = self.root / "vendor" / lib / "Value.sol"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(
                f"// SPDX-License-Identifier: MIT\npragma solidity 0.8.30;\nlibrary Value_{lib} {{}}\n"
            )
        target = self.random.choice(("one", "two"))
        (self.root / "remappings.txt").write_text(f"value/=vendor/{target}/\n")
        head = "// SPDX-License-Identifier: MIT\npragma solidity 0.8.30;\n"
        (self.root / "src/UsesValue.sol").write_text(f'{head}import "value/Value.sol";\n')
        return f"value/ leads to {target}"

    def _new(self) -> str:
        number = self.random.randrange(100)
        head = "// SPDX-License-Identifier: MIT\npragma solidity 0.8.30;\n"
        path = self.root / self.random.choice(("src", "test")) / f"New{number}.sol"
        path.write_text(f"{head}contract New{number} {{}}\n")
        return f"new {path.name}"

    def _delete(self) -> str:
        new = sorted(self.root.glob("*/New*.sol"))
        if new:
            new[0].unlink()
        return "deleted" if new else "nothing to delete"

    def _swap(self) -> str:
        """Rewrite a file with the same size, and set its time back."""
        path = self._some()
        status, text = path.stat(), path.read_text()
        licence = self.random.choice(("MIT", "BSD", "ISC"))
        path.write_text(re.sub(r"(Identifier: )\w{3}", rf"\g<1>{licence}", text, count=1))
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
        return f"swapped {path.name}"

    def _touch(self) -> str:
        path = self._some()
        path.touch()
        return f"touched {path.name}"

    def _revert(self) -> str:
        then = self.random.choice(self.earlier)
        now = self.content()
        for name in now.keys() - then.keys():
            (self.root / name).unlink()
        for name, data in then.items():
            if now.get(name) != data:
                (self.root / name).parent.mkdir(parents=True, exist_ok=True)
                (self.root / name).write_bytes(data)
        return "reverted"


def found(ran: Ran) -> dict[str, Any]:
    """Return what a run found out, without what differs between two runs of the same."""
    result = ran.result
    stages = {stage["name"]: stage for stage in result["stages"] if stage["name"] in CACHEABLE}
    return {
        "exit code": ran.code,
        "gates": [(gate["gate"], gate["status"], gate["measured"]) for gate in result["gates"]],
        **{name: _stage(stage) for name, stage in stages.items()},
    }


def _stage(stage: dict[str, Any]) -> dict[str, Any]:
    kept = ("status", "reason", "code", "metrics", "findings", "places")
    return {**{key: stage[key] for key in kept}, "outputs": _timeless(stage["outputs"])}


def _timeless(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _timeless(item) for key, item in value.items() if key not in _TIMES}
    return [_timeless(item) for item in value] if isinstance(value, list) else value


def compare(edits: Edits, number: int) -> int:
    """Make the next edit, and hold both runs against each other; return how many stages were taken."""
    what = edits.edit()
    cached, clean = edits.run(), edits.rebuild()
    assert found(cached) == found(clean), (number, what)
    stages = [stage for stage in cached.result["stages"] if stage["name"] in CACHEABLE]
    if what.startswith(("touched", "README")):
        assert all(s["cached_from"] for s in stages if s["status"] == "success"), (number, what)
    return sum(bool(stage["cached_from"]) for stage in stages)
