"""Puts the manifest's contracts on the target network, each transaction once."""

from __future__ import annotations

from chainops.chains.model import Network
from chainops.core.errors import InputError
from chainops.deploy.manifest import ManifestSource
from chainops.pipeline.model import Outcome, StageContext, StageStatus
from chainops.stages.common import CONTRACT_DEPLOY
from chainops.stages.deploying import DeployPorts, deploy, failed


class ContractDeployStage:
    """Stage 8."""

    name = CONTRACT_DEPLOY

    def __init__(self, *, source: ManifestSource | None, network: Network, ports: DeployPorts) -> None:
        self._source = source
        self._network = network
        self._ports = ports

    async def run(self, context: StageContext) -> Outcome:
        """Deploy to the target network.

        Outputs: network, chain_id, account, contracts, transactions, plan_digest, plan, journal.
        """
        if self._source is None or self._source.for_network(self._network.name).is_empty:
            return Outcome(
                status=StageStatus.SKIPPED,
                reason="no deploy manifest",
                hint="add a `deploy:` section to chainops.yaml",
            )
        if self._network.production:
            return failed(
                context,
                InputError(
                    f"target network {self._network.name} is marked production",
                    hint="production-deploy goes there, after an approval; choose another `target_network`",
                    code="DPL114",
                ),
            )
        return await deploy(context, self._ports, self._source, self._network)
