"""The lock pins every package file of every tool, and unknown names get the nearest one."""

from __future__ import annotations

import json
import re
from importlib import resources

import pytest

from chainops.core.errors import ExitCode
from chainops.tools.errors import ToolError, UnknownToolError
from chainops.tools.lockfile import (
    integrity_digest,
    locked_solc,
    locked_tool,
    platform_key,
    solc_table,
    split_name,
    tool_names,
)

LOCK = resources.files("chainops.tools").joinpath("lock")
SHA512 = re.compile(r"sha512-[A-Za-z0-9+/]{86}==")


def test_every_npm_package_is_pinned_by_sha512():
    entries = json.loads(LOCK.joinpath("tools.json").read_text())
    pins = [p["integrity"] for e in entries.values() for p in e.get("packages", {}).values()]
    pins += [entry["integrity"] for entry in solc_table().values()]
    assert len(pins) > 100
    assert all(SHA512.fullmatch(pin) for pin in pins)


def test_every_package_of_solhints_tree_is_pinned_and_names_no_host():
    packages = json.loads(LOCK.joinpath("solhint.json").read_text())["packages"]
    assert all(SHA512.fullmatch(p["integrity"]) for name, p in packages.items() if name)
    assert not any("resolved" in package for package in packages.values())


@pytest.mark.parametrize("name", ["slither.txt", "node.txt"])
def test_every_python_package_has_hashes(name):
    text = LOCK.joinpath(name).read_text().replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line.strip()]
    assert lines
    assert all(re.match(r"[\w.-]+==\S+", line) and "--hash=sha256:" in line for line in lines)


@pytest.mark.parametrize("where", ["linux-x64", "linux-arm64", "darwin-x64", "darwin-arm64"])
def test_foundry_is_pinned_for_each_platform(where):
    packages = {name: locked_tool(name, platform_name=where).package for name in ("forge", "cast", "anvil")}
    assert all(package and name in package.name for name, package in packages.items())


def test_a_platform_without_a_package_is_told_how_to_go_on():
    with pytest.raises(ToolError, match=r"forge 1\.7\.1 has no package for sunos-sparc") as caught:
        locked_tool("forge", platform_name="sunos-sparc")
    assert "system" in caught.value.hint


def test_platforms_differ_in_their_folder():
    folders = {locked_tool("cast", platform_name=f"linux-{cpu}").folder for cpu in ("x64", "arm64")}
    assert len(folders) == 2


def test_folder_names_tool_version_and_lock_digest():
    assert re.fullmatch(r"forge-1\.7\.1-[0-9a-f]{16}", locked_tool("forge").folder)
    assert re.fullmatch(r"solc-0\.8\.30-[0-9a-f]{16}", locked_solc("0.8.30").folder)


def test_this_machine_has_a_name_that_the_lock_knows():
    assert platform_key() in {"linux-x64", "linux-arm64", "darwin-x64", "darwin-arm64"}


def test_compilers_from_the_first_with_standard_json_are_known_oldest_first():
    known = tuple(solc_table())
    assert known[0] == "0.4.11"
    assert known.index("0.4.26") < known.index("0.5.16") < known.index("0.8.9") < known.index("0.8.30")


def test_native_hashes_are_sha256():
    hashes = [entry["linux-amd64"] for entry in solc_table().values() if "linux-amd64" in entry]
    assert len(hashes) >= len(solc_table()) - 1
    assert all(re.fullmatch(r"[0-9a-f]{64}", value) for value in hashes)


@pytest.mark.parametrize(
    ("wrong", "right"), [("forg", "forge"), ("slyther", "slither"), ("solhin", "solhint")]
)
def test_unknown_tool_gets_the_nearest_name(wrong, right):
    with pytest.raises(UnknownToolError) as caught:
        locked_tool(wrong)
    assert repr(right) in caught.value.hint
    assert caught.value.exit_code is ExitCode.USAGE


def test_unknown_compiler_gets_the_nearest_releases():
    with pytest.raises(UnknownToolError, match=r"0\.8\.99") as caught:
        locked_solc("0.8.99")
    assert "0.8.9" in caught.value.hint


@pytest.mark.parametrize("name", ["solc", "solc@0.4.10", "forge@9.9.9", "hardhut"])
def test_names_that_cannot_be_installed_are_refused(name):
    with pytest.raises(UnknownToolError):
        split_name(name)


def test_names_are_split_into_tool_and_version():
    assert split_name("solc@0.8.30") == ("solc", "0.8.30")
    assert split_name("forge@1.7.1") == ("forge", "1.7.1")
    assert [split_name(name) for name in tool_names()] == [(name, "") for name in tool_names()]


def test_integrity_is_shown_as_hex():
    assert integrity_digest("sha512-AAEC") == "sha512:000102"
