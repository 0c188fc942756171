"""The user's own programs are taken only when asked for and when they answer."""

from __future__ import annotations

from pathlib import Path

import pytest

from chainops.core.hashing import digest_file
from chainops.core.process import LocalProcessRunner
from chainops.tools.errors import SystemToolError
from chainops.tools.system import find_native_solc, node_is_new_enough, npm_script, parse_version, system_tool


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("forge Version: 1.7.1\nCommit SHA: 0a1b2c3d", "1.7.1"),
        ("forge Version: 1.5.0-nightly\n", "1.5.0-nightly"),
        ("v24.19.0", "24.19.0"),
        ("git version 2.39.5", "2.39.5"),
        ("GNU Make 4.3\nBuilt for x86_64", "4.3"),
        ("Version: 0.8.30+commit.73712a01.Linux.g++", "0.8.30+commit.73712a01.Linux.g++"),
        ("no number", ""),
    ],
)
def test_version_is_read_from_what_programs_say(text, version):
    assert parse_version(text) == version


@pytest.mark.parametrize(
    ("version", "enough"),
    [("22.13.0", True), ("22.12.9", False), ("20.20.2", False), ("24.0.0", True), ("", False), ("22", False)],
)
def test_node_serves_from_22_13_on(version, enough):
    assert node_is_new_enough(version) is enough


@pytest.fixture
def programs(tmp_path, monkeypatch) -> Path:
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    return folder


def write_program(path: Path, text: str) -> Path:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


async def test_own_binary_is_named_with_version_and_hash(programs, tmp_path):
    path = write_program(programs / "forge", "echo 'forge Version: 1.6.0'")
    tool = await system_tool(LocalProcessRunner(), "forge", tmp_path)
    assert tool.argv == (str(path),)
    assert (tool.use.version, tool.use.origin, tool.use.digest) == ("1.6.0", "system", digest_file(path))


async def test_own_binary_that_is_not_there_is_an_error(programs, tmp_path):
    with pytest.raises(SystemToolError, match="anvil is set to `system` but is not on PATH"):
        await system_tool(LocalProcessRunner(), "anvil", tmp_path)


async def test_own_binary_that_does_not_answer_is_an_error(programs, tmp_path):
    write_program(programs / "cast", "exit 1")
    with pytest.raises(SystemToolError, match="does not tell its version"):
        await system_tool(LocalProcessRunner(), "cast", tmp_path)


def test_native_compiler_with_another_hash_is_not_used(programs, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    write_program(programs / "solc", "echo Version: 0.8.30+commit.73712a01.Linux.g++")
    place = tmp_path / ".svm" / "0.8.30"
    place.mkdir(parents=True)
    write_program(place / "solc-0.8.30", "echo Version: 0.8.30+commit.73712a01.Linux.g++")
    assert find_native_solc("0.8.30") is None


def test_npm_is_the_one_beside_node(tmp_path):
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "node").write_bytes(b"")
    assert npm_script(tmp_path / "bin" / "node") is None
    script = tmp_path / "lib" / "npm-cli.js"
    script.parent.mkdir()
    script.write_bytes(b"")
    (tmp_path / "bin" / "npm").symlink_to(script)
    assert npm_script(tmp_path / "bin" / "node") == script
