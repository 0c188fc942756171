"""What forge leaves of a dry run, and what it is allowed."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from chainops.core.errors import Place
from chainops.core.hashing import digest_bytes
from chainops.core.process import Command, MemoryProcessRunner, ScriptedAnswer
from chainops.core.tooluse import ToolUse
from chainops.deploy.adapters.forge_script import ForgeScriptRunner
from chainops.deploy.builds import BuildChangedError
from chainops.deploy.errors import PlanChangedError, ScriptError
from chainops.deploy.ports import ScriptRequest
from chainops.deploy.scripted import load_plan, save_plan, scripted_plan
from chainops.tools.ports import Tool

ACCOUNT = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"
DRY_RUN = Path(__file__).parents[2] / "fixtures" / "forge-script" / "run-latest.json"
URL = "https://rpc.example/v2/0123456789abcdef0123456789abcdef"


class Forge:
    async def tool(self, name, sink=None):
        return Tool(use=ToolUse(name=name, version="1"), argv=(name,), path=(Path("/opt/forge"),))


def request(tmp_path: Path, **changes) -> ScriptRequest:
    return ScriptRequest(
        **{
            "script": "script/Deploy.s.sol:Deploy",
            "project_root": tmp_path,
            "build_dir": tmp_path / "build",
            "scratch": tmp_path / "scratch",
            "home": tmp_path / "home",
            "rpc_url": URL,
            "chain_id": 31337,
            "account": ACCOUNT,
            "env": {"FOUNDRY_FFI": "true", "LIMIT": "5"},
            **changes,
        }
    )


def leaving(source: Path | str | None):
    def effect(command: Command) -> None:
        if source is None:
            return
        folder = Path(command.env["FOUNDRY_BROADCAST"]) / "Deploy.s.sol" / "31337" / "dry-run"
        folder.mkdir(parents=True)
        if isinstance(source, Path):
            shutil.copy(source, folder / "run-latest.json")
        else:
            (folder / "run-latest.json").write_text(source)

    return effect


async def run(tmp_path: Path, answer: ScriptedAnswer, **changes):
    runner = MemoryProcessRunner(ScriptedAnswer(when="config --json", stdout=b'{"ffi": false}'), answer)
    found = await ForgeScriptRunner(toolbox=Forge(), runner=runner).dry_run(
        request(tmp_path, **changes), lambda _: None
    )
    return found, runner.commands[-1]


async def test_a_dry_runs_transactions_are_read(tmp_path):
    found, command = await run(tmp_path, ScriptedAnswer(when="forge script", effect=leaving(DRY_RUN)))
    assert [(t.contract, t.function, bool(t.to), bool(t.address), t.value_wei) for t in found] == [
        ("Ratio", "", True, True, 0),
        ("Counter", "", False, True, 0),
        ("Bank", "", False, True, 0),
        ("Counter", "setNumber(uint256)", True, False, 0),
        ("Bank", "deposit()", True, False, 3 * 10**18),
        ("Counter", "", False, True, 0),
    ]
    assert "--broadcast" not in command.argv
    assert URL not in command.argv
    assert command.env["FOUNDRY_ETH_RPC_URL"] == URL
    assert command.env["FOUNDRY_FFI"] == "false"
    assert command.env["LIMIT"] == "5"
    assert not any("PRIVATE" in name or "MNEMONIC" in name for name in command.env)


async def test_the_plan_of_a_script_knows_contracts_and_libraries_and_is_kept(tmp_path, builds, network):
    found, _ = await run(tmp_path, ScriptedAnswer(when="forge", effect=leaving(DRY_RUN)))
    plan = scripted_plan(found, builds, network, ACCOUNT, Place("chainops.yaml", 2))
    assert [s.label for s in plan.steps] == [
        "1: deploy Ratio",
        "2: deploy Counter",
        "3: deploy Bank",
        "4: call Counter setNumber(uint256)",
        "5: call Bank deposit()",
        "6: deploy Counter-2",
    ]
    assert plan.steps[0].fqn == "src/Ratio.sol:Ratio"
    assert plan.steps[2].libraries == {"src/Ratio.sol:Ratio": found[0].address}

    path = tmp_path / "plan.json"
    assert load_plan(path, network=network, account=ACCOUNT) is None
    save_plan(path, plan)
    assert load_plan(path, network=network, account=ACCOUNT) == plan
    with pytest.raises(PlanChangedError):
        load_plan(path, network=network, account="0x70997970C51812dc3A010C7d01b50e0d17dc79C8")
    changed = json.loads(path.read_bytes())
    changed["steps"][1]["data"] += "00"
    path.write_text(json.dumps(changed))
    with pytest.raises(PlanChangedError):
        load_plan(path, network=network, account=ACCOUNT)
    path.write_text("{")
    with pytest.raises(ScriptError, match="cannot be read"):
        load_plan(path, network=network, account=ACCOUNT)


async def test_a_script_may_not_create_what_was_not_tested(tmp_path, builds, network):
    found, _ = await run(tmp_path, ScriptedAnswer(when="forge", effect=leaving(DRY_RUN)))
    counter = found[1]
    other = replace(counter, data=counter.data[:40] + "ff" + counter.data[42:])
    with pytest.raises(BuildChangedError, match="transaction 2 of the script creates Counter") as caught:
        scripted_plan([found[0], other], builds, network, ACCOUNT, Place("chainops.yaml", 2))
    assert caught.value.code == "DPL302"

    # what no build of the project is called can have been tested by nobody; the plan shows its code's digest
    foreign = replace(other, contract="")
    (step,) = scripted_plan([foreign], builds, network, ACCOUNT, Place("chainops.yaml", 2)).steps
    assert (step.fqn, step.code_digest) == ("", digest_bytes(bytes.fromhex(other.data[2:])))


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (ScriptedAnswer(when="forge", returncode=1, stderr=b"Error: script failed: NoLimit()\n"), "NoLimit"),
        (ScriptedAnswer(when="forge", returncode=1), "it gave no reason"),
        (ScriptedAnswer(when="forge", timed_out=True), "did not end within"),
        (ScriptedAnswer(when="forge"), "sends nothing"),
        (ScriptedAnswer(when="forge", effect=leaving("{")), "cannot be read"),
        (ScriptedAnswer(when="forge", effect=leaving('{"transactions": [{}]}')), "cannot be read"),
    ],
)
async def test_a_script_that_gives_nothing_usable_is_told(tmp_path, answer, message):
    with pytest.raises(ScriptError, match=message):
        await run(tmp_path, answer, timeout_s=5)


async def test_a_script_in_another_accounts_name_is_refused(tmp_path):
    with pytest.raises(ScriptError, match="broadcasts in the name of 0xf39"):
        await run(
            tmp_path,
            ScriptedAnswer(when="forge", effect=leaving(DRY_RUN)),
            account="0x70997970C51812dc3A010C7d01b50e0d17dc79C8",
        )
