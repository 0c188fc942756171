"""What contract-deploy and production-deploy have in common: open, plan, send, compare, record."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from chainops.chains.accounts import signer_for
from chainops.chains.events import JournalKey, event_to_json
from chainops.chains.model import Network
from chainops.chains.ports import ChainAccess, Journal, Journals, OpenChain, Secrets
from chainops.chains.sender import Sender
from chainops.core.errors import ChainopsError, ExitCode, InputErrors, Place
from chainops.core.hashing import canonical_json
from chainops.core.serial import from_json, to_json
from chainops.core.text import folder_name, one_line, plural
from chainops.core.tooluse import ToolUse
from chainops.core.units import format_wei
from chainops.deploy.apply import Deployment
from chainops.deploy.builds import Builds, builds_from
from chainops.deploy.errors import ScriptError
from chainops.deploy.manifest import ManifestSource
from chainops.deploy.model import DeploymentRecord, Manifest, Plan
from chainops.deploy.plan import make_plan, step_json
from chainops.deploy.ports import Approvals, ScriptRequest, ScriptRunner
from chainops.deploy.scripted import load_plan, save_plan, scripted_plan
from chainops.pipeline.model import FailureKind, Outcome, StageContext, StageStatus
from chainops.quality.model import Measurement
from chainops.stages.common import (
    COMPILATION,
    build_dir,
    compiler_choice,
    private_home,
    project_root,
    upstream_output,
)
from chainops.toolchains.model import ContractBuild


@dataclass(frozen=True, slots=True, kw_only=True)
class DeployPorts:
    """What the stages that touch a chain are given."""

    chains: ChainAccess
    journals: Journals
    secrets: Secrets
    scripts: ScriptRunner
    #: the configuration's folder, where relative keystore paths start
    base: Path
    #: locks on accounts, in one folder for all runs of this user
    locks: Path
    #: declared environment of the project's scripts
    env: Mapping[str, str] = field(default_factory=dict)
    profile: str = ""
    #: whose turn it is among the cells of this run, by account and chain
    turns: dict[str, asyncio.Lock] = field(default_factory=dict)


def run_dir(context: StageContext) -> Path:
    """Return the run's own folder, where its chains and journals lie."""
    return context.workspace / ".chainops" / "runs" / context.run_id


def builds_of(context: StageContext) -> Builds:
    """Return what the compilation of this run left."""
    contracts = upstream_output(context, COMPILATION, "contracts")
    output_dir = Path(upstream_output(context, COMPILATION, "output_dir"))
    return builds_from((from_json(ContractBuild, one) for one in contracts), output_dir)


def failed(context: StageContext, error: ChainopsError, **more: Any) -> Outcome:
    """Return the outcome of an error, with every place that it names."""
    errors = error.errors if isinstance(error, InputErrors) else (error,)
    for one in errors:
        context.say(str(one))
    kinds = {ExitCode.USAGE: FailureKind.CONFIG, ExitCode.FAILED: FailureKind.PROJECT}
    rest = f" (and {plural(len(errors) - 1, 'more mistake')})" if len(errors) > 1 else ""
    return Outcome(
        status=StageStatus.FAILED,
        failure=kinds.get(error.exit_code, FailureKind.MACHINE),
        reason=errors[0].message + rest,
        code=errors[0].code,
        hint=errors[0].hint,
        places=tuple(dict.fromkeys(e.place for e in errors if e.place)),
        **more,
    )


async def deploy(
    context: StageContext,
    ports: DeployPorts,
    source: ManifestSource,
    network: Network,
    approvals: Approvals | None = None,
) -> Outcome:
    """Deploy `source` to `network`; with `approvals`, only what one of them names.

    A mistake of the project or the configuration is a failed outcome; MachineError passes.
    """
    manifest = source.for_network(network.name)
    tools: tuple[ToolUse, ...] = await ports.scripts.tools() if manifest.script else ()
    try:
        builds = builds_of(context)
        signer = signer_for(network, ports.secrets, base=ports.base)
        async with ports.chains.open(
            network, run_dir=run_dir(context), marker=context.marker, log=context.log
        ) as chain:
            journal = ports.journals.open(_key(context, network))
            sender = Sender(network=network, rpc=chain.rpc, signer=signer, journal=journal, say=context.say)
            async with account_held(context, ports, network, sender):
                planner = _Planner(context=context, ports=ports, builds=builds, chain=chain, sender=sender)
                plan = await planner.plan(manifest)
                if waiting := _waiting(context, plan, approvals):
                    return waiting
                deployment = Deployment(
                    plan=plan, builds=builds, sender=sender, rpc=chain.rpc, say=context.say
                )
                return await _carry_out(context, deployment, journal, (*chain.tools, *tools))
    except ChainopsError as error:
        if error.exit_code is ExitCode.MACHINE:
            raise
        return failed(context, error, tools=tools)


def _key(context: StageContext, network: Network) -> JournalKey:
    return JournalKey(
        run=context.run_id, stage=context.stage, network=network.name, chain_id=network.chain_id
    )


@contextlib.asynccontextmanager
async def account_held(
    context: StageContext, ports: DeployPorts, network: Network, sender: Sender
) -> AsyncIterator[None]:
    """Hold the sender's account on its chain: cells of this run wait for each other, other runs are refused.

    Two networks of one matrix may be one chain, and an account has one row of nonces there. Raises
    `LockedError` when another run holds it.
    """
    # an embedded chain is this run's alone: nobody else can take its nonces
    locks = ports.locks if network.url else run_dir(context) / f"locks-{network.name}"
    turn = ports.turns.setdefault(f"{locks}/{sender.network.chain_id}/{sender.account}", asyncio.Lock())
    async with turn:
        with sender.locked(locks):
            yield


@dataclass(frozen=True, slots=True, kw_only=True)
class _Planner:
    """Makes the plan of a stage attempt, or finds the one that was begun."""

    context: StageContext
    ports: DeployPorts
    builds: Builds
    chain: OpenChain
    sender: Sender

    async def plan(self, manifest: Manifest) -> Plan:
        network, account = self.chain.network, self.sender.account
        if not manifest.script:
            return make_plan(manifest, self.builds, network, account)
        path = run_dir(self.context) / folder_name(self.context.stage) / f"plan-{network.name}.json"
        # what is begun is finished as it was planned: the script would see another chain now
        if not self.sender.is_new and (kept := load_plan(path, network=network, account=account)):
            return kept
        place = manifest.where.place("script")
        try:
            transactions = await self.ports.scripts.dry_run(self._request(manifest), self.context.log)
        except ScriptError as error:
            error.place = place
            raise
        plan = scripted_plan(transactions, self.builds, network, account, place)
        save_plan(path, plan)
        return plan

    def _request(self, manifest: Manifest) -> ScriptRequest:
        context, choice = self.context, compiler_choice(self.context)
        return ScriptRequest(
            script=manifest.script,
            project_root=project_root(context),
            build_dir=build_dir(context),
            scratch=context.scratch,
            home=private_home(context),
            rpc_url=self.chain.url,
            chain_id=self.chain.network.chain_id,
            account=self.sender.account,
            env=self.ports.env,
            timeout_s=context.timeout_s,
            marker=context.marker,
            profile=self.ports.profile,
            solc=choice.get("solc", ""),
            evm_version=choice.get("evm_version", ""),
        )


def _waiting(context: StageContext, plan: Plan, approvals: Approvals | None) -> Outcome | None:
    for number, step in enumerate(plan.steps, start=1):
        context.say(f"plan {number}/{len(plan.steps)}: {_described(step_json(step))}")
    context.say(f"plan {plan.digest} for {plan.network} (chain {plan.chain_id}) by {plan.account}")
    if approvals is None:
        return None
    approval = approvals.approved(context.stage, plan.digest)
    if approval is not None:
        context.say(f"approved{f' by {approval.by}' if approval.by else ''}")
        return None
    return Outcome(
        status=StageStatus.WAITING,
        reason=f"{plural(len(plan.steps), 'transaction')} to {plan.network} wait for an approval"
        + other_approvals(approvals.given),
        code="DPL401",
        hint=f"chainops run --run {context.run_id} --approve {plan.digest}",
        outputs={
            "plan_digest": plan.digest,
            "network": plan.network,
            "chain_id": plan.chain_id,
            "account": plan.account,
            "plan": [step_json(step) for step in plan.steps],
        },
    )


def other_approvals(given: frozenset[str]) -> str:
    """Say that what was approved is not this: a silent pause would look like an approval that was lost."""
    if not given:
        return ""
    if len(given) == 1:
        return f"; the approval given ({min(given)}) is for another plan"
    return f"; the approvals given ({', '.join(sorted(given))}) are for other plans"


def _described(step: Mapping[str, Any]) -> str:
    args = ", ".join(map(str, step["args"]))
    what = step["function"] or step["contract"]
    value = f" with {format_wei(int(step['value_wei']))}" if step["value_wei"] != "0" else ""
    return one_line(f"{step['label']} {what}({args}){value}", 400)


async def _carry_out(
    context: StageContext, deployment: Deployment, journal: Journal, tools: tuple[ToolUse, ...]
) -> Outcome:
    error: ChainopsError | None = None
    try:
        await deployment.run()
    except ChainopsError as caught:
        error = caught
    record = deployment.record()
    more = {
        "outputs": outputs(record, journal.where, deployment.plan),
        "metrics": metrics(record),
        "artifacts": _artifacts(context, record, journal, deployment.plan),
        "tools": tools,
    }
    if error is not None:
        return failed(context, error, **more)
    wrong = [c for c in record.contracts if c.code_matches is False]
    if wrong:
        places = {s.name: s.place for s in deployment.plan.steps}
        return Outcome(
            status=StageStatus.FAILED,
            failure=FailureKind.PROJECT,
            reason=f"the code of {wrong[0].name} on {record.network} is not what was compiled: "
            f"{wrong[0].difference}",
            code="DPL203",
            places=_places(wrong[0].name, places),
            **more,
        )
    return Outcome(status=StageStatus.SUCCESS, reason=_summary(record), **more)


def _places(name: str, places: Mapping[str, Place]) -> tuple[Place, ...]:
    return (places[name],) if name in places else ()


def _summary(record: DeploymentRecord) -> str:
    cost = sum(t.cost_wei for t in record.transactions)
    return (
        f"{plural(len(record.contracts), 'contract')}, {plural(len(record.transactions), 'transaction')} "
        f"on {record.network} for {format_wei(cost)}"
    )


def outputs(record: DeploymentRecord, journal: str, plan: Plan) -> dict[str, Any]:
    """Return a deployment as a stage's outputs. Amounts in wei are text: they exceed JSON's safe integers."""
    return {
        "network": record.network,
        "chain_id": record.chain_id,
        "account": record.account,
        "plan_digest": record.plan_digest,
        "contracts": [{**to_json(c), "cost_wei": str(c.cost_wei)} for c in record.contracts],
        "transactions": [
            {
                **to_json(t),
                "cost_wei": str(t.cost_wei),
                "effective_gas_price_wei": str(t.effective_gas_price_wei),
            }
            for t in record.transactions
        ],
        "journal": journal,
        "plan": [step_json(step) for step in plan.steps],
    }


def metrics(record: DeploymentRecord) -> tuple[Measurement, ...]:
    """Return a deployment's figures."""
    gas = sum(t.gas_used for t in record.transactions)
    cost = sum(t.cost_wei for t in record.transactions)
    return (
        Measurement(name="deploy.gas_used", value=float(gas), unit="gas", subject=record.network),
        Measurement(name="deploy.cost_wei", value=float(cost), unit="wei", subject=record.network),
        Measurement(
            name="deploy.contracts", value=float(len(record.contracts)), unit="count", subject=record.network
        ),
        Measurement(
            name="deploy.transactions",
            value=float(len(record.transactions)),
            unit="count",
            subject=record.network,
        ),
    )


def _artifacts(context: StageContext, record: DeploymentRecord, journal: Journal, plan: Plan) -> Any:
    name = f"deployment/{context.stage.partition('[')[0]}/{record.network}"
    manifest = json.dumps(outputs(record, journal.where, plan), indent=2, ensure_ascii=False).encode()
    lines = b"".join(canonical_json(event_to_json(e)) + b"\n" for e in journal.events())
    put = context.artifacts.put_bytes
    return (
        put(f"{name}.json", manifest, kind="deployment", media_type="application/json"),
        put(f"{name}-journal.jsonl", lines, kind="deployment", media_type="application/x-ndjson"),
    )
