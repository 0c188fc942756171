"""Puts the manifest's contracts on the production network, after somebody approved exactly that."""

from __future__ import annotations

from chainops.chains.model import Network
from chainops.deploy.manifest import ManifestSource
from chainops.deploy.ports import Approvals
from chainops.pipeline.model import Outcome, StageContext, StageStatus
from chainops.stages.common import PRODUCTION_DEPLOY
from chainops.stages.deploying import DeployPorts, deploy


class ProductionDeployStage:
    """Stage 10."""

    name = PRODUCTION_DEPLOY

    def __init__(
        self,
        *,
        source: ManifestSource | None,
        network: Network | None,
        ports: DeployPorts,
        approvals: Approvals,
    ) -> None:
        """`network` is the one marked production, None when there is none."""
        if network is not None and not network.production:
            raise ValueError(f"network {network.name} is not marked production")
        self._source = source
        self._network = network
        self._ports = ports
        self._approvals = approvals

    async def run(self, context: StageContext) -> Outcome:
        """Deploy to production, or wait for the approval of the plan's digest.

        Outputs as contract-deploy; while waiting: plan_digest, network, chain_id, account, plan.
        """
        if self._source is None:
            return Outcome(status=StageStatus.SKIPPED, reason="no deploy manifest")
        if self._network is None:
            return Outcome(
                status=StageStatus.SKIPPED,
                reason="no network is marked production",
                hint="set `production: true` on a network under `networks:`",
            )
        if self._source.for_network(self._network.name).is_empty:
            return Outcome(status=StageStatus.SKIPPED, reason="the deploy manifest is empty")
        return await deploy(context, self._ports, self._source, self._network, self._approvals)
