"""Asks `forge script` what it would send; nothing is broadcast and no key is given to it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from chainops.core.process import Command, ProcessRunner, Sink, clean_environment
from chainops.core.text import one_line
from chainops.core.tooluse import ToolUse
from chainops.deploy.errors import ScriptError
from chainops.deploy.ports import ScriptedTransaction, ScriptRequest
from chainops.toolchains.foundry_ffi import Allowance, read_and_restrict
from chainops.tools.ports import Tool, Toolbox


class ForgeScriptRunner:
    """Runs Foundry scripts."""

    def __init__(self, *, toolbox: Toolbox, runner: ProcessRunner, allow_fs: bool = False) -> None:
        """Take whether scripts may reach files outside the project."""
        self._toolbox = toolbox
        self._allow_fs = allow_fs
        self._runner = runner

    async def tools(self) -> tuple[ToolUse, ...]:
        """Return forge, installed."""
        return ((await self._toolbox.tool("forge")).use,)

    async def dry_run(self, request: ScriptRequest, sink: Sink) -> tuple[ScriptedTransaction, ...]:
        """Run the script; see `ScriptRunner.dry_run`. Raises `ScriptError`."""
        forge = await self._toolbox.tool("forge", sink)
        broadcast = request.scratch / "broadcast"
        command = Command(
            argv=(*forge.argv, "script", request.script, "--sender", request.account),
            cwd=request.project_root,
            env=_environment(forge, request, broadcast),
            timeout_s=request.timeout_s,
            marker=request.marker,
        )
        # forge 1.7 ignores FOUNDRY_FFI: only a configuration without ffi makes it refuse
        file = request.scratch / "foundry-restricted.toml"
        restricted = await read_and_restrict(
            self._runner, forge.argv, command, file, Allowance(fs=self._allow_fs)
        )
        if told := restricted.told():
            sink(f"{told}\n".encode())
        done = await self._runner.run(replace(command, env={**command.env, **restricted.variables}), sink)
        if done.timed_out:
            raise ScriptError(f"{request.script} did not end within {request.timeout_s:g} s")
        if done.returncode != 0:
            raise ScriptError(f"{request.script} failed: {_why(done.error_text or done.text)}")
        return _transactions(request, broadcast)


def _environment(forge: Tool, request: ScriptRequest, broadcast: Path) -> dict[str, str]:
    env = clean_environment(request.home, {**request.env, **forge.env})
    if forge.path:
        env["PATH"] = ":".join([*map(str, forge.path), env.get("PATH", "")])
    # ours come last, and forge lets its environment win over foundry.toml; the URL, which may hold a key,
    # is here so that it stands in no process list
    # without these forge would compile anew, and to other code than what was tested
    chosen = {"FOUNDRY_SOLC": request.solc, "FOUNDRY_EVM_VERSION": request.evm_version}
    env |= {name: value for name, value in chosen.items() if value}
    return env | {
        "FOUNDRY_PROFILE": request.profile or "default",
        "FOUNDRY_FFI": "false",
        "DAPP_FFI": "false",
        "FOUNDRY_OFFLINE": "true",
        "FOUNDRY_OUT": str(request.build_dir / "out"),
        "FOUNDRY_CACHE": "true",
        "FOUNDRY_CACHE_PATH": str(request.build_dir / "cache"),
        "FOUNDRY_BROADCAST": str(broadcast),
        "FOUNDRY_NO_STORAGE_CACHING": "true",
        "FOUNDRY_LINT_LINT_ON_BUILD": "false",
        "FOUNDRY_ETH_RPC_URL": request.rpc_url,
        "NO_COLOR": "1",
    }


def _why(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    errors = [line for line in lines if line.lstrip().startswith("Error")]
    return one_line((errors or lines or ["it gave no reason"])[-1], 400)


def _transactions(request: ScriptRequest, broadcast: Path) -> tuple[ScriptedTransaction, ...]:
    name = Path(request.script.partition(":")[0]).name
    folder = broadcast / name / str(request.chain_id) / "dry-run"
    found = sorted(folder.glob("*-latest.json"))
    if not found:
        raise ScriptError(
            f"{request.script} sends nothing",
            hint="its transactions belong between vm.startBroadcast() and vm.stopBroadcast()",
        )
    try:
        data = json.loads(found[0].read_bytes())
        return tuple(_transaction(one, request) for one in data["transactions"])
    except (ValueError, KeyError, TypeError, AttributeError, OSError) as error:
        raise ScriptError(f"what forge wrote about {request.script} cannot be read: {error!r}") from error


def _transaction(one: dict[str, Any], request: ScriptRequest) -> ScriptedTransaction:
    inner = one["transaction"]
    sender = str(inner.get("from") or request.account)
    if sender.lower() != request.account.lower():
        raise ScriptError(
            f"{request.script} broadcasts in the name of {sender}; the account is {request.account}",
            hint="call vm.startBroadcast() without an argument",
        )
    kind = str(one["transactionType"])
    created = kind in ("CREATE", "CREATE2")
    return ScriptedTransaction(
        to=str(inner.get("to") or ""),
        data=str(inner.get("input") or inner.get("data") or "0x"),
        value_wei=int(inner.get("value") or "0x0", 16),
        contract=str(one.get("contractName") or ""),
        function=str(one.get("function") or ""),
        address=str(one.get("contractAddress") or "") if created else "",
    )
