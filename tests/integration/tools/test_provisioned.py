"""Tools really installed from the registries: verified, isolated, once, and never half."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import signal
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from chainops.core.process import Command, LocalProcessRunner, clean_environment
from chainops.tools.cache import ToolCache
from chainops.tools.clients import NpmClient, PipClient
from chainops.tools.errors import ChangedToolError, IntegrityError
from chainops.tools.inventory import ToolStatus, survey
from chainops.tools.lockfile import locked_tool
from chainops.tools.ports import Tool
from chainops.tools.toolbox import ProvisionedToolbox

pytestmark = pytest.mark.integration


async def say(tool: Tool, folder: Path, *arguments: str) -> str:
    command = Command(
        argv=(*tool.argv, *arguments),
        cwd=folder,
        env=clean_environment(folder) | dict(tool.env),
        timeout_s=60,
    )
    done = await LocalProcessRunner().run(command)
    assert done.returncode == 0, done.error_text
    return done.text


@pytest.mark.parametrize(
    ("name", "origin"),
    [
        ("forge", "npm"),
        ("cast", "npm"),
        ("anvil", "npm"),
        ("node", "pypi"),
        ("slither", "pypi"),
        ("solhint", "npm"),
    ],
)
async def test_tool_reports_its_locked_version(
    toolbox: ProvisionedToolbox, tmp_path: Path, name: str, origin: str
) -> None:
    tool = await toolbox.tool(name)
    assert locked_tool(name).version in await say(tool, tmp_path, "--version")
    assert tool.use.version == locked_tool(name).version
    assert tool.use.origin == origin
    assert tool.use.digest == locked_tool(name).package_digest


async def test_npm_comes_with_node(toolbox: ProvisionedToolbox, tmp_path: Path) -> None:
    npm = await toolbox.tool("npm")
    assert (await say(npm, tmp_path, "--version")).strip() == npm.use.version


async def test_a_tool_names_the_node_that_it_runs_on(toolbox: ProvisionedToolbox) -> None:
    node = (await toolbox.tool("node")).use
    assert node.digest
    for tool in (await toolbox.tool("npm"), await toolbox.tool("solhint"), await toolbox.solc("0.8.30")):
        assert (tool.uses[0], tool.uses[1]) == (tool.use, node)


async def test_npm_is_named_by_the_tool_that_it_fetched_and_not_by_one_that_was_there(tmp_path: Path) -> None:
    fetched, there = [
        [
            use.name
            for use in (
                await ProvisionedToolbox(cache_dir=tmp_path, runner=LocalProcessRunner()).tool("anvil")
            ).uses
        ]
        for _ in range(2)
    ]
    assert (fetched, there) == (["anvil", "npm", "node"], ["anvil"])


async def test_running_a_tool_changes_nothing_in_its_folder(
    toolbox: ProvisionedToolbox, cache_dir: Path, tmp_path: Path
) -> None:
    await say(await toolbox.tool("slither"), tmp_path, "--list-detectors")
    await say(await toolbox.tool("node"), tmp_path, "--version")
    states = await survey(
        ToolCache(cache_dir), LocalProcessRunner(), names=("slither", "node"), thorough=True
    )
    assert [(s.status, s.problems) for s in states] == [(ToolStatus.INSTALLED, ())] * 2


async def test_changed_byte_is_refused_and_install_repairs_it(
    toolbox: ProvisionedToolbox, cache_dir: Path, tmp_path: Path
) -> None:
    binary = Path((await toolbox.tool("cast")).argv[0])
    data = bytearray(binary.read_bytes())
    data[len(data) // 2] ^= 1
    binary.write_bytes(data)
    fresh = ProvisionedToolbox(cache_dir=cache_dir, runner=LocalProcessRunner(), overrides={"node": "locked"})
    with pytest.raises(ChangedToolError, match="bin/cast: content differs"):
        await fresh.tool("cast")
    repaired = await fresh.install("cast")
    assert "1.7.1" in await say(repaired, tmp_path, "--version")


async def test_package_with_another_hash_is_refused(toolbox: ProvisionedToolbox, tmp_path: Path) -> None:
    npm = await toolbox.tool("npm")
    client = NpmClient(runner=LocalProcessRunner(), argv=npm.argv, env=npm.env)
    package = locked_tool("anvil").package
    assert package is not None
    other = replace(package, integrity="sha512-" + base64.b64encode(bytes(64)).decode())
    with pytest.raises(IntegrityError, match="anvil"):
        await client.pack(other, tmp_path)


async def test_package_tree_with_another_hash_is_refused(toolbox: ProvisionedToolbox, tmp_path: Path) -> None:
    npm = await toolbox.tool("npm")
    path = os.pathsep.join([*map(str, npm.path), os.environ["PATH"]])
    client = NpmClient(runner=LocalProcessRunner(), argv=npm.argv, env={**npm.env, "PATH": path})
    wrong = base64.b64encode(bytes(64)).decode()
    root = {"name": "t", "version": "1.0.0", "dependencies": {"ms": "2.1.3"}}
    module = {"version": "2.1.3", "integrity": f"sha512-{wrong}"}
    lock = json.dumps(
        {
            "name": "t",
            "version": "1.0.0",
            "lockfileVersion": 3,
            "packages": {"": root, "node_modules/ms": module},
        }
    )
    with pytest.raises(IntegrityError):
        await client.install_tree(lock, tmp_path)


async def test_wheel_with_another_hash_is_refused(tmp_path: Path) -> None:
    client = PipClient(runner=LocalProcessRunner())
    with pytest.raises(IntegrityError):
        await client.install("hexbytes", f"hexbytes==1.3.1 --hash=sha256:{'0' * 64}\n", tmp_path)


def chainops_install(cache_dir: Path, name: str) -> tuple[tuple[str, ...], dict[str, str]]:
    argv = (sys.executable, "-m", "chainops", "tools", "install", name)
    code = "import sys; from chainops.cli.main import run; run()"
    return (argv[0], "-c", code, *argv[3:]), {**os.environ, "CHAINOPS_CACHE_DIR": str(cache_dir)}


async def test_parallel_commands_install_one_tool_once(toolbox: ProvisionedToolbox, tmp_path: Path) -> None:
    await toolbox.tool("node")  # fills the clients' own caches
    argv, env = chainops_install(tmp_path / "cache", "anvil")
    processes = [
        await asyncio.create_subprocess_exec(*argv, env=env, stderr=asyncio.subprocess.PIPE) for _ in range(3)
    ]
    said = await asyncio.gather(*(p.communicate() for p in processes))
    assert [p.returncode for p in processes] == [0, 0, 0], said
    assert sum(b"installing anvil" in errors for _, errors in said) == 1
    tools = tmp_path / "cache" / "tools"
    assert sorted(p.name.split("-")[0] for p in tools.iterdir()) in (["anvil", "node"], ["anvil"])


async def test_killed_command_leaves_no_tool(tmp_path: Path) -> None:
    argv, env = chainops_install(tmp_path / "cache", "slither")
    process = await asyncio.create_subprocess_exec(
        *argv, env=env, stderr=asyncio.subprocess.PIPE, start_new_session=True
    )
    assert process.stderr is not None
    assert b"installing slither" in await process.stderr.readline()
    os.kill(process.pid, signal.SIGKILL)
    await process.wait()
    cache = ToolCache(tmp_path / "cache")
    assert cache.find(locked_tool("slither")) is None
    again = await asyncio.create_subprocess_exec(*argv, env=env, stderr=asyncio.subprocess.PIPE)
    _, errors = await again.communicate()
    assert again.returncode == 0, errors
    assert cache.verify(locked_tool("slither")) == ()
    assert [p.name for p in cache.tools.iterdir()] == [locked_tool("slither").folder]


async def test_own_binary_is_used_when_the_user_says_so(
    toolbox: ProvisionedToolbox, cache_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    locked = await toolbox.tool("forge")
    own = tmp_path / "bin"
    own.mkdir()
    (own / "forge").symlink_to(locked.argv[0])
    monkeypatch.setenv("PATH", f"{own}:/usr/bin:/bin")
    box = ProvisionedToolbox(
        cache_dir=cache_dir, runner=LocalProcessRunner(), overrides={"forge": "system", "node": "locked"}
    )
    tool = await box.tool("forge")
    assert tool.argv == (str(own / "forge"),)
    assert (tool.use.origin, tool.use.version.split("-")[0]) == ("system", "1.7.1")
    assert tool.use.digest.startswith("sha256:")
