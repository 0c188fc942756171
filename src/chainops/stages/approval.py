"""Lets a stage run only after somebody approved what it stands on."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

from chainops.core.hashing import digest_json
from chainops.core.serial import to_json
from chainops.deploy.ports import Approvals
from chainops.pipeline.model import Outcome, StageContext, StageNode, StageStatus
from chainops.pipeline.ports import Stage
from chainops.stages.common import SOURCE_CHECKOUT
from chainops.stages.deploying import other_approvals


class ApprovedStage:
    """A stage that waits before it begins. Its digest covers what it needs, the settings and the sources."""

    def __init__(
        self, stage: Stage, *, node: StageNode, config: Mapping[str, Any], approvals: Approvals
    ) -> None:
        """`config` are the run's settings with secrets left as references, in JSON values."""
        self._stage = stage
        self._node = node
        self._config = config
        self._approvals = approvals

    @property
    def name(self) -> str:
        """The stage's own name."""
        return self._stage.name

    async def run(self, context: StageContext) -> Outcome:
        """Run the stage when its digest was approved; else wait.

        Outputs while waiting: plan_digest; stands_on, by stage: its digest and reason; commit, branch and
        tree_digest of the sources; config_digest.
        """
        shown = self._shown(context)
        approval = self._approvals.approved(context.stage, shown["plan_digest"])
        if approval is None:
            return self._waiting(context, shown)
        at = f" at {approval.at:%Y-%m-%d %H:%M:%S} UTC" if approval.at else ""
        context.say(f"{shown['plan_digest']} was approved{f' by {approval.by}' if approval.by else ''}{at}")
        return await self._stage.run(context)

    def _shown(self, context: StageContext) -> dict[str, Any]:
        needs = dict.fromkeys(need.partition("[")[0] for need in self._node.needs)
        outcomes = {name: context.upstream[name] for name in needs if name in context.upstream}
        sources = context.upstream.get(SOURCE_CHECKOUT)
        checkout = sources.outputs if sources else {}
        covered = {
            "stands_on": {n: {"digest": _digest(o), "reason": o.reason} for n, o in outcomes.items()},
            "config_digest": digest_json(to_json(self._config)),
            "tree_digest": checkout.get("tree_digest", ""),
        }
        told = {key: checkout.get(key, "") for key in ("commit", "branch", "subject")}
        names = {"stage": context.stage, "cell": dict(context.cell)}
        return {"plan_digest": digest_json({**covered, **names}), **covered, **told}

    def _waiting(self, context: StageContext, shown: Mapping[str, Any]) -> Outcome:
        context.say(f"{context.stage} waits for an approval of {shown['plan_digest']}")
        return Outcome(
            status=StageStatus.WAITING,
            reason="waits for an approval of what it stands on" + other_approvals(self._approvals.given),
            code="PIP401",
            hint=f"chainops approve {context.run_id} {shlex.quote(context.stage)}",
            outputs=shown,
        )


def _digest(outcome: Outcome) -> str:
    """Digest what a stage left; the same result from the cache is the same result."""
    left = {"outputs": outcome.outputs, "artifacts": outcome.artifacts, "findings": outcome.findings}
    return digest_json(to_json(left))
