"""`chainops tools` and `chainops doctor` on an empty cache."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from chainops.cli.doctor import app as doctor
from chainops.cli.tools import app as tools
from chainops.core.errors import MachineError


@pytest.fixture(autouse=True)
def empty_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("CHAINOPS_CACHE_DIR", str(tmp_path / "cache"))


def test_list_shows_every_tool_of_the_lock():
    result = CliRunner().invoke(tools, ["list", "--json"])
    assert result.exit_code == 0
    found = {tool["name"]: tool["status"] for tool in json.loads(result.stdout)["tools"]}
    assert set(found) == {"anvil", "cast", "forge", "node", "pnpm", "slither", "solhint", "yarn"}
    assert found["forge"] == "absent"


def test_list_of_compilers():
    result = CliRunner().invoke(tools, ["list", "--solc"])
    assert result.stdout.splitlines()[0] == "0.4.11"
    assert "0.8.30" in result.stdout.splitlines()


def test_verify_of_a_tool_that_is_not_installed_fails():
    result = CliRunner().invoke(tools, ["verify", "forge"])
    assert result.exit_code == 3
    assert "chainops tools install forge" in result.stderr


def test_unknown_name_is_refused_before_anything_is_installed():
    result = CliRunner().invoke(tools, ["install", "forge", "slyther"])
    assert isinstance(result.exception, MachineError)
    assert result.exception.exit_code == 2
    assert "installing" not in result.stderr


def test_doctor_gives_the_same_to_people_and_programs():
    people = CliRunner().invoke(doctor, [])
    programs = CliRunner().invoke(doctor, ["--json"])
    checks = json.loads(programs.stdout)["checks"]
    assert len(people.stdout.splitlines()) == len(checks)
    assert people.exit_code == programs.exit_code


def checks_of(*arguments: str) -> dict[str, dict[str, str]]:
    result = CliRunner().invoke(doctor, [*arguments, "--json"])
    return {check["name"]: check for check in json.loads(result.stdout)["checks"]}


def test_doctor_looks_at_the_tools_that_the_project_chose(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))  # this machine may have an anvil of its own
    assert checks_of(str(tmp_path))["tool anvil"]["health"] == "note"
    (tmp_path / "chainops.yaml").write_text("tools: {anvil: system}\n")
    own = checks_of(str(tmp_path))["tool anvil"]
    assert own["health"] == "failed"
    assert "anvil is set to `system` but is not on PATH" in own["detail"]


def test_doctor_examines_the_machine_beside_a_config_that_is_wrong(tmp_path):
    (tmp_path / "chainops.yaml").write_text("tools: {frge: system}\n")
    found = checks_of(str(tmp_path))
    assert (found["config"]["health"], "1 mistake" in found["config"]["detail"]) == ("note", True)
    assert found["tool anvil"]["health"] == "note"
