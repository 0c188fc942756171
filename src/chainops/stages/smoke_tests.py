"""Asks what was deployed whether it does what the configuration says."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from chainops.artifacts.model import Artifact
from chainops.chains.accounts import signer_for
from chainops.chains.events import JournalKey
from chainops.chains.model import Network
from chainops.chains.ports import OpenChain
from chainops.chains.sender import Sender
from chainops.core.errors import ChainopsError, ExitCode
from chainops.core.serial import to_json
from chainops.core.text import plural
from chainops.deploy.builds import Builds
from chainops.deploy.model import Where
from chainops.deploy.settings import SmokeSettings
from chainops.deploy.smoke import CheckResult, Target, run_check
from chainops.deploy.smoke_checks import prepare_checks
from chainops.pipeline.model import FailureKind, Outcome, StageContext, StageStatus
from chainops.quality.model import Measurement
from chainops.stages.common import CONTRACT_DEPLOY, SMOKE_TESTS
from chainops.stages.deploying import DeployPorts, account_held, builds_of, failed, run_dir


class SmokeTestsStage:
    """Stage 9."""

    name = SMOKE_TESTS

    def __init__(
        self,
        *,
        checks: Sequence[SmokeSettings],
        where: Where,
        network: Network,
        ports: DeployPorts,
    ) -> None:
        """`where` is the place of `smoke_tests:` in the configuration."""
        self._checks = checks
        self._where = where
        self._network = network
        self._ports = ports

    async def run(self, context: StageContext) -> Outcome:
        """Make every check, failing ones do not stop the rest. Outputs: checks, network, chain_id."""
        if not self._checks:
            return _skipped("no smoke tests are declared", "add a `smoke_tests:` section to chainops.yaml")
        deployed = context.upstream.get(CONTRACT_DEPLOY)
        if deployed is None or deployed.status is not StageStatus.SUCCESS:
            return _skipped("nothing was deployed that could be tested")
        try:
            return await self._run(context, deployed.outputs["contracts"])
        except ChainopsError as error:
            if error.exit_code is ExitCode.MACHINE:
                raise
            return failed(context, error)

    async def _run(self, context: StageContext, contracts: Sequence[Any]) -> Outcome:
        network, ports = self._network, self._ports
        builds = builds_of(context)
        signer = signer_for(network, ports.secrets, base=ports.base)
        checks = prepare_checks(
            self._checks,
            self._where,
            targets=_targets(contracts, builds),
            builds=builds,
            account=signer.address,
            may_send=not network.production,
        )
        async with ports.chains.open(
            network, run_dir=run_dir(context), marker=context.marker, log=context.log
        ) as chain:
            key = JournalKey(
                run=context.run_id,
                stage=context.stage,
                network=network.name,
                chain_id=chain.network.chain_id,
            )
            sender = Sender(
                network=chain.network,
                rpc=chain.rpc,
                signer=signer,
                journal=ports.journals.open(key),
                say=context.say,
            )
            async with account_held(context, ports, network, sender):
                await sender.settle()
                results = [
                    await run_check(check, rpc=chain.rpc, sender=sender, number=number, say=context.say)
                    for number, check in enumerate(checks, start=1)
                ]
            return self._outcome(context, results, chain)

    def _outcome(self, context: StageContext, results: Sequence[CheckResult], chain: OpenChain) -> Outcome:
        outputs = {
            "checks": to_json(results),
            "network": chain.network.name,
            "chain_id": chain.network.chain_id,
        }
        wrong = [r for r in results if r.status == "failed"]
        more: dict[str, Any] = {
            "metrics": (
                Measurement(name="smoke.checks", value=float(len(results)), unit="count"),
                Measurement(
                    name="smoke.failed",
                    value=float(len(wrong)),
                    unit="count",
                    place=wrong[0].place if wrong else None,
                    subject=wrong[0].name if wrong else "",
                ),
            ),
            "outputs": outputs,
            "artifacts": (_kept(context, outputs),),
            "tools": chain.tools,
        }
        if not wrong:
            return Outcome(
                status=StageStatus.SUCCESS, reason=f"{plural(len(results), 'check')} passed", **more
            )
        rest = f" (and {plural(len(wrong) - 1, 'more failed check')})" if len(wrong) > 1 else ""
        return Outcome(
            status=StageStatus.FAILED,
            failure=FailureKind.PROJECT,
            reason=f"{wrong[0].name}: {wrong[0].detail}{rest}",
            code="DPL204",
            places=tuple(r.place for r in wrong),
            **more,
        )


def _kept(context: StageContext, outputs: Mapping[str, Any]) -> Artifact:
    return context.artifacts.put_bytes(
        f"{SMOKE_TESTS}/results.json",
        json.dumps(outputs, indent=1, ensure_ascii=False).encode(),
        kind="smoke-report",
        media_type="application/json",
    )


def _skipped(reason: str, hint: str = "") -> Outcome:
    return Outcome(status=StageStatus.SKIPPED, reason=reason, hint=hint)


def _targets(contracts: Sequence[Any], builds: Builds) -> dict[str, Target]:
    return {
        one["name"]: Target(name=one["name"], address=one["address"], build=builds.find(one["fqn"]))
        for one in contracts
        if one["fqn"]
    }
