"""Command lines and the environment of forge."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from chainops.core.tooluse import ToolUse
from chainops.toolchains.adapters.foundry_command import (
    ForgeCommands,
    ForgeFolders,
    ffi_arguments,
    selection_arguments,
    selection_environment,
)
from chainops.toolchains.ports import TestSelection, ToolchainRequest
from chainops.tools.ports import Tool

FORGE = Tool(use=ToolUse(name="forge", version="1.7.1"), argv=("/t/forge",), path=(Path("/t/node"),))


def request(tmp_path: Path, **changes: Any) -> ToolchainRequest:
    return ToolchainRequest(
        project_root=tmp_path, build_dir=tmp_path / "build", scratch=tmp_path / "scratch", **changes
    )


def environment(tmp_path: Path, **changes: object) -> dict[str, str]:
    asked = request(tmp_path, **changes)
    variables = {"FOUNDRY_CONFIG": "/our.toml"} if "env" in changes else {}
    commands = ForgeCommands(tool=FORGE, request=asked, variables=variables, seed="0x7")
    return dict(commands.command(("test",), ForgeFolders.shared(asked)).env)


def test_nothing_of_ours_reaches_the_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRIVATE_KEY", "0x1")
    monkeypatch.setenv("FOUNDRY_CONFIG", "/elsewhere.toml")
    env = environment(tmp_path)
    assert "PRIVATE_KEY" not in env
    assert "FOUNDRY_CONFIG" not in env
    assert env["HOME"] == str(tmp_path / "home")
    assert env["PATH"].startswith("/t/node:")


def test_declared_variables_cannot_lift_our_limits(tmp_path: Path) -> None:
    declared = {
        "FOUNDRY_CONFIG": "/x",
        "FOUNDRY_OUT": "/x",
        "FOUNDRY_OFFLINE": "0",
        "HOME": "/root",
        "A": "1",
    }
    env = environment(tmp_path, env=declared)
    assert env["A"] == "1"
    assert env["FOUNDRY_CONFIG"] == "/our.toml"
    assert env["HOME"] == str(tmp_path / "home")
    assert env["FOUNDRY_OFFLINE"] == "true"
    assert env["FOUNDRY_OUT"] == str(tmp_path / "build" / "out")


def test_the_flag_for_ffi_is_given_only_when_it_is_allowed() -> None:
    assert ffi_arguments(allowed=False) == ()
    assert ffi_arguments(allowed=True) == ("--ffi",)


def test_nothing_is_written_into_the_users_tree(tmp_path: Path) -> None:
    root = tmp_path / "project"
    asked = ToolchainRequest(project_root=root, build_dir=tmp_path / "build", scratch=tmp_path / "scratch")
    command = ForgeCommands(tool=FORGE, request=asked).command(("test",), ForgeFolders.shared(asked))
    written = [name for name, value in command.env.items() if value.startswith(str(root))]
    assert written == []
    for name in ("OUT", "CACHE_PATH", "TEST_FAILURES_FILE", "FUZZ_FAILURE_PERSIST_DIR", "SNAPSHOTS"):
        assert command.env[f"FOUNDRY_{name}"].startswith(str(tmp_path))


def test_calls_side_by_side_remember_apart(tmp_path: Path) -> None:
    asked = request(tmp_path)
    assert ForgeFolders.shared(asked, memory="gas").memory != ForgeFolders.shared(asked, memory="test").memory
    assert ForgeFolders.own(asked, "coverage").out != ForgeFolders.shared(asked).out


def test_an_rpc_url_is_not_on_the_command_line() -> None:
    selection = TestSelection(match_path="test/x/**", no_match_path="test/y/**", rpc_url="https://h/key")
    arguments = selection_arguments(selection)
    assert arguments == ("--match-path", "test/x/**", "--no-match-path", "test/y/**")
    assert selection_environment(selection) == {"FOUNDRY_ETH_RPC_URL": "https://h/key"}
