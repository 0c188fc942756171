"""Which networks the size of code is judged for."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from chainops.app.config import load_config
from chainops.app.gates import ProjectGates
from chainops.core.serial import to_json
from chainops.pipeline.events import RunStarted
from chainops.pipeline.fold import reduce
from chainops.pipeline.model import Outcome, StageNode, StageStatus
from chainops.stages.common import COMPILATION, PRODUCTION_DEPLOY
from chainops.toolchains.model import ContractBuild

LARGE = ContractBuild(
    path="src/Vault.sol",
    name="Vault",
    runtime_size_bytes=30_000,
    init_size_bytes=31_000,
    runtime_digest="",
    artifact="",
)
NETWORKS = {
    "test": {"kind": "embedded", "chain_id": 31338, "code_size_limit_bytes": 131_072},
    "live": {"kind": "embedded", "chain_id": 31339, "production": True},
}
DEPLOY = {"contracts": [{"contract": "Vault"}]}


@pytest.mark.parametrize(
    ("deploy", "skip_reason", "no_production", "passes"),
    [
        (DEPLOY, "", False, False),
        (DEPLOY, "", True, True),
        (DEPLOY, "disabled in the configuration", False, True),
        (None, "", False, True),
    ],
)
def test_production_is_judged_unless_it_is_left_out(
    tmp_path: Path, deploy: object, skip_reason: str, no_production: bool, passes: bool
) -> None:
    data = {"target_network": "test", "networks": NETWORKS, **({"deploy": deploy} if deploy else {})}
    node = StageNode(name=PRODUCTION_DEPLOY, skip_reason=skip_reason)
    started = RunStarted(
        at=datetime(2026, 1, 1, tzinfo=UTC), pipeline_id="p", project_name="p", workspace="/w", nodes=(node,)
    )
    run = reduce("r", [started])
    gates = ProjectGates(load_config(tmp_path, data=data), lambda: run, no_production=no_production)
    compiled = Outcome(status=StageStatus.SUCCESS, outputs={"contracts": to_json([LARGE])})
    verdicts = gates.judge(StageNode(name=COMPILATION), compiled)
    assert all(v.passed for v in verdicts) is passes
    assert [v.message.rpartition(" on ")[2] for v in verdicts if not v.passed] == ([] if passes else ["live"])
