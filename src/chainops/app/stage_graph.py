"""The ten stages as a graph: what each needs unless the configuration says otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from chainops.pipeline.conditions import Facts, is_met
from chainops.pipeline.matrix import Matrix, expand
from chainops.pipeline.model import RunRecord, StageNode
from chainops.pipeline.settings import StageSettings
from chainops.stages.common import (
    COMPILATION,
    CONTRACT_DEPLOY,
    DEPENDENCY_INSTALL,
    INTEGRATION_TESTS,
    PRODUCTION_DEPLOY,
    SECURITY_SCAN,
    SMOKE_TESTS,
    SOURCE_CHECKOUT,
    STATIC_ANALYSIS,
    UNIT_TESTS,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class StageDefaults:
    """What holds for a stage of which the configuration says nothing."""

    needs: tuple[str, ...]
    timeout_s: float
    touches_chain: bool = False
    #: what it can fan out over; a stage that comes to the same for every value has none
    axes: tuple[str, ...] = ()


_COMPILER = ("solc", "evm_version")
#: static-analysis reads sources and lints with the build's remappings, so it waits for the dependencies only
DEFAULTS: Mapping[str, StageDefaults] = {
    SOURCE_CHECKOUT: StageDefaults(needs=(), timeout_s=900),
    DEPENDENCY_INSTALL: StageDefaults(needs=(SOURCE_CHECKOUT,), timeout_s=1800),
    COMPILATION: StageDefaults(needs=(DEPENDENCY_INSTALL,), timeout_s=3600, axes=_COMPILER),
    UNIT_TESTS: StageDefaults(needs=(COMPILATION,), timeout_s=3600, axes=_COMPILER),
    STATIC_ANALYSIS: StageDefaults(needs=(DEPENDENCY_INSTALL,), timeout_s=1800),
    SECURITY_SCAN: StageDefaults(needs=(COMPILATION,), timeout_s=3600, axes=_COMPILER),
    INTEGRATION_TESTS: StageDefaults(needs=(COMPILATION,), timeout_s=3600, axes=(*_COMPILER, "network")),
    CONTRACT_DEPLOY: StageDefaults(
        needs=(UNIT_TESTS, STATIC_ANALYSIS, SECURITY_SCAN, INTEGRATION_TESTS),
        timeout_s=3600,
        touches_chain=True,
        axes=("network",),
    ),
    # reads the chain that contract-deploy wrote to and changes nothing that counts
    SMOKE_TESTS: StageDefaults(needs=(CONTRACT_DEPLOY,), timeout_s=900, axes=("network",)),
    PRODUCTION_DEPLOY: StageDefaults(needs=(SMOKE_TESTS,), timeout_s=7200, touches_chain=True),
}


def stage_nodes(
    settings: Mapping[str, StageSettings], facts: Facts, *, skip: Mapping[str, str] | None = None
) -> tuple[StageNode, ...]:
    """Return the graph's nodes, a stage with a matrix as its cells and their join.

    `skip` gives reasons that come from the command line, by stage.
    """
    reasons = skip or {}
    nodes = [
        _node(name, defaults, settings.get(name, StageSettings()), facts, reasons.get(name, ""))
        for name, defaults in DEFAULTS.items()
    ]
    return expand(nodes, matrices(settings))


def matrices(settings: Mapping[str, StageSettings]) -> dict[str, Matrix]:
    """Return the matrix of every stage that has one."""
    found = ((name, one.matrix.matrix()) for name, one in settings.items() if one.matrix)
    return {name: matrix for name, matrix in found if matrix}


def resumed_nodes(run: RunRecord, skip: Mapping[str, str]) -> tuple[StageNode, ...]:
    """Return the nodes that a run began with; `skip` gives reasons to leave out what it has not done yet."""
    return tuple(
        replace(s.node, skip_reason=skip[s.node.stage]) if s.node.stage in skip else s.node
        for s in run.stages
    )


def _node(
    name: str, defaults: StageDefaults, settings: StageSettings, facts: Facts, reason: str
) -> StageNode:
    if not reason and not settings.enabled:
        reason = "disabled in the configuration"
    if not reason and not is_met(settings.when, facts):
        reason = f"its condition is not met: {settings.when.strip()}"
    needs = defaults.needs if settings.needs is None else tuple(dict.fromkeys(settings.needs))
    return StageNode(
        name=name,
        needs=needs,
        timeout_s=settings.timeout_s or defaults.timeout_s,
        retries=settings.retries,
        retry_on=tuple(settings.retry_on),
        allow_failure=settings.allow_failure,
        touches_chain=defaults.touches_chain,
        skip_reason=reason,
        approval=settings.approval,
    )
