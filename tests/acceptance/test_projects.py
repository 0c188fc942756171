"""Projects as they come: old compilers, odd paths, subfolders, clones."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from acceptance.harness import COUNTER_CONFIG, PROJECTS, Ran, chainops, lay

pytestmark = pytest.mark.acceptance


def assert_passed(ran: Ran) -> None:
    assert ran.code == 0, ran.err
    assert ran.result["status"] == "success"
    assert ran.stage("unit-tests")["outputs"]["tests"]["failed"] == 0
    assert ran.stage("unit-tests")["outputs"]["tests"]["passed"] > 0


@pytest.mark.parametrize("version", ["0.8.15", "0.5.16"])
def test_a_project_pinned_to_an_old_compiler_runs_without_a_config(version: str, tmp_path: Path) -> None:
    ran = chainops("run", lay(tmp_path / "pinned", f"pinned-{version}", config=None), "--json")
    assert_passed(ran)
    assert ran.stage("compilation")["outputs"]["solc_versions"] == [version]
    used = {(tool["name"], tool["version"]): tool["digest"] for tool in ran.result["tools"]}
    assert used["solc", version].startswith("sha512")
    digests = {tool["name"]: tool["digest"] for tool in ran.result["tools"]}
    assert digests.keys() >= {"forge", "node", "slither", "solc", "solhint"}
    assert all(digests.values())
    linted = {
        linter["name"]: linter["not_run"] for linter in ran.stage("static-analysis")["outputs"]["linters"]
    }
    assert bool(linted["forge-lint"]) == (version == "0.5.16")


def test_a_path_with_spaces_and_other_letters_is_only_a_path(tmp_path: Path) -> None:
    project = lay(tmp_path / "Größe und ñandú 合约", "counter")
    assert_passed(chainops("run", project, "--json"))


def test_the_one_project_of_a_monorepo_is_found_in_its_subfolder(tmp_path: Path) -> None:
    lay(tmp_path / "packages" / "contracts", "counter", config=None)
    (tmp_path / "packages" / "web").mkdir()
    (tmp_path / "chainops.yaml").write_text("path: packages/contracts\n")
    ran = chainops("run", tmp_path, "--json")
    assert_passed(ran)
    assert ran.stage("source-checkout")["outputs"]["project_root"].endswith("packages/contracts")


def test_a_clone_at_a_ref_is_what_runs_and_local_changes_are_not(tmp_path: Path) -> None:
    origin = lay(tmp_path / "origin", "counter", config=None)
    git = ["git", "-c", "user.name=A Person", "-c", "user.email=person@example.org"]
    for command in (["init", "-q", "-b", "main"], ["add", "."], ["commit", "-qm", "First"], ["tag", "v1"]):
        subprocess.run([*git, *command], cwd=origin, check=True)
    commit = subprocess.run(
        [*git, "rev-parse", "HEAD"], cwd=origin, check=True, capture_output=True, text=True
    ).stdout.strip()
    (origin / "src" / "Counter.sol").write_text("not Solidity")
    work = tmp_path / "work"
    work.mkdir()
    (work / "chainops.yaml").write_text(f"repository_url: {origin}\nref: v1\n")
    ran = chainops("run", work, "--json")
    assert_passed(ran)
    outputs = ran.stage("source-checkout")["outputs"]
    assert (outputs["commit"], outputs["author"].split(" <")[0], outputs["dirty"]) == (
        commit,
        "A Person",
        False,
    )
    digests = {tool["name"]: tool["digest"] for tool in ran.result["tools"]}
    assert digests["git"].startswith("sha256:")


def test_uncommitted_changes_of_a_local_tree_are_included_and_named(tmp_path: Path) -> None:
    project = lay(tmp_path / "counter", "counter", config=None)
    git = ["git", "-c", "user.name=A", "-c", "user.email=a@example.org"]
    for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "First"]):
        subprocess.run([*git, *command], cwd=project, check=True)
    # written now: a copy that keeps its time and size is no change to Git
    wrong = (PROJECTS / "variants" / "compile-error" / "src" / "Counter.sol").read_text()
    (project / "src" / "Counter.sol").write_text(wrong)
    ran = chainops("run", project, "--json")
    outputs = ran.stage("source-checkout")["outputs"]
    assert outputs["dirty"] is True
    assert "src/Counter.sol" in outputs["changed_files"]
    assert ran.statuses()["compilation"] == "failed"


def test_a_forge_script_is_deployed_like_a_manifest(tmp_path: Path) -> None:
    project = lay(tmp_path / "counter", "counter", config="deploy: {script: 'script/Deploy.s.sol:Deploy'}\n")
    (project / "script").mkdir()
    (project / "script" / "Deploy.s.sol").write_text(SCRIPT)
    ran = chainops("run", project, "--json")
    assert_passed(ran)
    deployed = ran.stage("contract-deploy")["outputs"]["contracts"]
    assert [(c["name"], c["code_matches"]) for c in deployed] == [("Counter", True)]


SCRIPT = """\
// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Counter} from "../src/Counter.sol";

interface Cheats {
    function startBroadcast() external;
    function stopBroadcast() external;
}

contract Deploy {
    Cheats private constant CHEATS = Cheats(address(uint160(uint256(keccak256("hevm cheat code")))));

    function run() external {
        CHEATS.startBroadcast();
        new Counter(7);
        CHEATS.stopBroadcast();
    }
}
"""


def test_a_secret_that_a_test_prints_is_nowhere_in_what_the_run_leaves(tmp_path: Path) -> None:
    secret = "s3cr3t-value-of-the-project"
    config = COUNTER_CONFIG + "environment_vars: {PROJECT_TOKEN: 'secret://env/TOKEN'}\n"
    project = lay(tmp_path / "counter", "counter", config=config)
    (project / "test" / "Leak.t.sol").write_text(LEAK)
    ran = chainops("run", project, "--json", env={"TOKEN": secret})
    assert ran.code == 1
    assert secret not in ran.out + ran.err
    assert "***" in ran.out
    left = [
        p for p in (project / ".chainops").rglob("*") if p.is_file() and secret.encode() in p.read_bytes()
    ]
    assert left == []
    assert json.loads(ran.out)["config"]["environment_vars"] == {"PROJECT_TOKEN": "secret://env/TOKEN"}


LEAK = """\
// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

interface Env {
    function envString(string calldata name) external view returns (string memory);
}

contract LeakTest {
    function test_Leak() external view {
        revert(Env(address(uint160(uint256(keccak256("hevm cheat code"))))).envString("PROJECT_TOKEN"));
    }
}
"""


def test_a_reproducible_build_is_made_twice_and_compared(tmp_path: Path) -> None:
    config = "foundry: {reproducible: true, coverage: false, gas: false}\n"
    ran = chainops("run", lay(tmp_path / "counter", "counter", config=config), "--json")
    assert_passed(ran)
    assert ran.stage("compilation")["outputs"]["reproducible"] is True
