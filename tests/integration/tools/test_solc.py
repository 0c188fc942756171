"""Old and new compilers answer through the shim as native ones do."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from chainops.core.process import Command, Completed, LocalProcessRunner, clean_environment
from chainops.tools.installers import SHIM, SOLJSON
from chainops.tools.lockfile import locked_solc
from chainops.tools.ports import Tool
from chainops.tools.toolbox import ProvisionedToolbox

pytestmark = pytest.mark.integration

VERSIONS = {
    "0.4.11": "68ef5810", "0.4.26": "4563c3fc", "0.5.16": "9c3226ce", "0.6.12": "27d51765",
    "0.7.6": "7338295f", "0.8.15": "e14f2714", "0.8.30": "73712a01",
}  # fmt: skip


async def start(tool: Tool, folder: Path, *arguments: str, stdin: Any = None) -> Completed:
    command = Command(
        argv=(*tool.argv, *arguments),
        cwd=folder,
        env=clean_environment(folder),
        stdin=b"" if stdin is None else json.dumps(stdin).encode(),
        timeout_s=120,
    )
    return await LocalProcessRunner().run(command)


def request(sources: dict[str, Any]) -> dict[str, Any]:
    wanted = {"*": {"*": ["abi", "evm.bytecode.object"]}}
    return {"language": "Solidity", "sources": sources, "settings": {"outputSelection": wanted}}


@pytest.mark.parametrize("version", VERSIONS)
async def test_version_has_the_native_form(toolbox: ProvisionedToolbox, tmp_path: Path, version: str) -> None:
    said = await start(await toolbox.solc(version), tmp_path, "--version")
    assert said.text.splitlines() == [
        "solc, the solidity compiler commandline interface",
        f"Version: {version}+commit.{VERSIONS[version]}.Linux.g++",
    ]


@pytest.mark.parametrize("version", VERSIONS)
async def test_standard_json_with_an_import_from_disk(
    toolbox: ProvisionedToolbox, tmp_path: Path, version: str
) -> None:
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "B.sol").write_text("pragma solidity >=0.4.0; contract B { uint x; }")
    source = 'pragma solidity >=0.4.0; import "./lib/B.sol"; contract A is B { function f() public {} }'
    done = await start(
        await toolbox.solc(version),
        tmp_path,
        "--standard-json",
        stdin=request({"A.sol": {"content": source}}),
    )
    assert done.returncode == 0, done.error_text
    contracts = json.loads(done.stdout)["contracts"]
    assert len(contracts["A.sol"]["A"]["evm"]["bytecode"]["object"]) > 50
    assert contracts["lib/B.sol"]["B"]["abi"] == []


@pytest.mark.parametrize("version", ["0.4.11", "0.8.30"])
async def test_files_outside_the_allowed_folders_are_not_read(
    toolbox: ProvisionedToolbox, tmp_path: Path, version: str
) -> None:
    (tmp_path / "outside.sol").write_text("contract Secret {}")
    (tmp_path / "project").mkdir()
    source = f'pragma solidity >=0.4.0; import "{tmp_path}/outside.sol"; contract A {{}}'
    tool = await toolbox.solc(version)
    asked = request({"A.sol": {"content": source}})
    refused = await start(tool, tmp_path / "project", "--standard-json", stdin=asked)
    answer = json.loads(refused.stdout)
    assert any("outside of allowed directories" in error["message"] for error in answer["errors"])
    assert not answer.get("contracts")
    arguments = ("--standard-json", "--allow-paths", f".,{tmp_path}")
    allowed = await start(tool, tmp_path / "project", *arguments, stdin=asked)
    assert "A.sol" in json.loads(allowed.stdout)["contracts"]


async def test_large_input_goes_over_the_heap(toolbox: ProvisionedToolbox, tmp_path: Path) -> None:
    comment = "// " + "x" * 200 + "\n"
    sources = {f"C{i}.sol": {"content": comment * 210 + f"contract C{i} {{}}"} for i in range(160)}
    asked = request(sources)
    assert len(json.dumps(asked)) > 6_000_000
    done = await start(await toolbox.solc("0.8.30"), tmp_path, "--standard-json", stdin=asked)
    assert len(json.loads(done.stdout)["contracts"]) == 160


async def test_deep_nesting_is_reported_as_natively_and_not_as_a_crash(
    toolbox: ProvisionedToolbox, tmp_path: Path
) -> None:
    body = "if(a){" * 600 + "}" * 600
    source = f"pragma solidity >=0.4.0; contract A {{ function f(bool a) public pure {{ {body} }} }}"
    done = await start(
        await toolbox.solc("0.8.30"),
        tmp_path,
        "--standard-json",
        stdin=request({"A.sol": {"content": source}}),
    )
    assert "Maximum recursion depth" in done.text


async def test_exhausted_memory_is_recognisable(
    toolbox: ProvisionedToolbox, cache_dir: Path, tmp_path: Path
) -> None:
    await toolbox.solc("0.8.30")
    node = await toolbox.tool("node")
    folder = cache_dir / "tools" / locked_solc("0.8.30").folder
    small = Tool(
        use=node.use,
        argv=(*node.argv, "--wasm-max-mem-pages=600", str(folder / SHIM), str(folder / SOLJSON)),
    )
    lines = [f"contract C{i} {{ mapping(uint=>uint) m; function f(uint a) public {{ m[a] = {i}; }} }}"
             for i in range(3000)]  # fmt: skip
    asked = request({"A.sol": {"content": "pragma solidity >=0.4.0;\n" + "\n".join(lines)}})
    done = await start(small, tmp_path, "--standard-json", stdin=asked)
    assert done.returncode == 70
    assert "CHAINOPS_SOLC_OUT_OF_MEMORY" in done.error_text
    assert "std::bad_alloc" in done.error_text
    assert done.stdout == b""


async def test_other_calls_are_refused_in_words(toolbox: ProvisionedToolbox, tmp_path: Path) -> None:
    done = await start(await toolbox.solc("0.8.30"), tmp_path, "--combined-json", "abi", "A.sol")
    assert done.returncode == 2
    assert "--standard-json" in done.error_text


async def test_forge_builds_offline_with_the_versions_of_the_home(
    toolbox: ProvisionedToolbox, tmp_path: Path
) -> None:
    home, project = tmp_path / "home", tmp_path / "a project é"
    await toolbox.solc_home(("0.8.30", "0.5.16"), home)
    (project / "src").mkdir(parents=True)
    (project / "foundry.toml").write_text("[profile.default]\noffline = true\n")
    (project / "src" / "A.sol").write_text("pragma solidity 0.8.30; contract A {}")
    (project / "src" / "B.sol").write_text("pragma solidity 0.5.16; contract B {}")
    forge = await toolbox.tool("forge")
    command = Command(argv=(*forge.argv, "build"), cwd=project, env=clean_environment(home), timeout_s=120)
    done = await LocalProcessRunner().run(command)
    assert done.returncode == 0, done.text + done.error_text
    assert {p.name for p in (project / "out").rglob("*.json")} >= {"A.json", "B.json"}
