"""The peer: a shell script that calls the same tools, at the same versions, one after another."""

from __future__ import annotations

import asyncio
import os
import shlex
from pathlib import Path

from chainops.core.process import LocalProcessRunner
from chainops.tools.cache import default_cache_dir
from chainops.tools.ports import Tool
from chainops.tools.toolbox import ProvisionedToolbox

_SCRIPT = """\
set -e
cd {project}
export HOME={home} PATH={path}:$PATH FOUNDRY_OFFLINE=true FOUNDRY_PROFILE={profile}
{install}
{forge} build --build-info
{forge} test {unit} --json > /dev/null
{forge} test {unit} --gas-report --json > /dev/null
{forge} coverage {unit} --report lcov --report-file lcov.info --report summary > /dev/null
{forge} lint --out lint/out --cache-path lint/cache > /dev/null 2>&1
{forge} fmt --check > /dev/null || true
{solhint} 'src/**/*.sol' > /dev/null 2>&1 || true
{slither} . --ignore-compile --json slither.json --fail-none > /dev/null 2>&1
{chain}
"""

_CHAIN = """\
{anvil} --port 0 > anvil.log & anvil=$!
trap 'kill $anvil' EXIT
until grep -q Listening anvil.log; do sleep 0.05; done
url=http://$(sed -n 's/.*Listening on //p' anvil.log)
{forge} test --match-path 'test/integration/**' --fork-url $url > /dev/null
{deploy}
"""

_DEPLOY = """\
{forge} script {script} --rpc-url $url --broadcast --unlocked \
 --sender 0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266 > /dev/null 2>&1
"""


def _shown(tool: Tool) -> str:
    return " ".join(map(shlex.quote, tool.argv))


async def _tools(names: tuple[str, ...], versions: tuple[str, ...], home: Path) -> dict[str, Tool]:
    toolbox = ProvisionedToolbox(cache_dir=default_cache_dir(), runner=LocalProcessRunner())
    await toolbox.solc_home(versions, home)
    return {name: await toolbox.tool(name) for name in names}


def npm_command() -> tuple[str, ...]:
    """Return how to start the provisioned npm."""
    return asyncio.run(_tool("npm")).argv


async def _tool(name: str) -> Tool:
    return await ProvisionedToolbox(cache_dir=default_cache_dir(), runner=LocalProcessRunner()).tool(name)


def shell_script(
    project: Path,
    home: Path,
    *,
    solc: str,
    profile: str = "default",
    install: bool = False,
    integration: bool = False,
    deploy_script: str = "",
) -> str:
    """Return the script for a copy of a project; `home` is made to hold its compiler."""
    names = ("forge", "anvil", "slither", "solhint", "npm", "node")
    tools = asyncio.run(_tools(names, (solc,), home))
    words = {name: _shown(tool) for name, tool in tools.items()}
    path = ":".join(str(folder) for tool in tools.values() for folder in tool.path)
    deploy = _DEPLOY.format(forge=words["forge"], script=deploy_script) if deploy_script else ""
    chain = _CHAIN.format(anvil=words["anvil"], forge=words["forge"], deploy=deploy) if integration else ""
    npm_home = f"HOME={shlex.quote(os.environ['HOME'])} " if "HOME" in os.environ else ""
    return _SCRIPT.format(
        project=shlex.quote(str(project)),
        home=shlex.quote(str(home)),
        path=path,
        profile=profile,
        install=f"{npm_home}{words['npm']} ci --ignore-scripts > /dev/null 2>&1" if install else "",
        forge=words["forge"],
        solhint=words["solhint"],
        slither=words["slither"],
        unit="--no-match-path 'test/integration/**'" if integration else "",
        chain=chain,
    )
