"""What a deployment will do, decided before anything is sent: manifest and builds in, ordered steps out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chainops.chains.model import Network
from chainops.core.errors import InputErrors
from chainops.core.hashing import digest_json
from chainops.deploy.builds import Builds
from chainops.deploy.draft import Draft
from chainops.deploy.model import Manifest, Plan, Step
from chainops.deploy.references import written


def make_plan(manifest: Manifest, builds: Builds, network: Network, account: str) -> Plan:
    """Return the plan of a manifest without a script. Pure but for reading artifacts.

    Raises `InputErrors` with all mistakes at once, each at its line; `ArtifactError`.
    """
    draft = Draft(manifest=manifest, builds=builds, network=network)
    for entry in manifest.contracts:
        draft.add_contract(entry)
    for call in manifest.calls:
        draft.add_call(call)
    ordered = draft.ordered()
    if draft.mistakes:
        raise InputErrors(tuple(draft.mistakes), what="the deploy manifest")
    return plan_of(ordered, network, account)


def plan_of(steps: Sequence[Step], network: Network, account: str) -> Plan:
    """Return the plan of given steps with its digest."""
    content = {
        "network": network.name,
        "chain_id": network.chain_id,
        "account": account,
        "steps": [step_json(s) for s in steps],
    }
    return Plan(
        network=network.name,
        chain_id=network.chain_id,
        account=account,
        steps=tuple(steps),
        digest=digest_json(content),
    )


def step_json(step: Step) -> dict[str, Any]:
    """Return what a step does as JSON values: what the digest covers and a person approves."""
    return {
        "label": step.label,
        "kind": step.kind.value,
        "name": step.name,
        "contract": step.fqn,
        "function": step.function,
        "args": written(step.args),
        "target": step.target,
        "libraries": dict(step.libraries),
        "value_wei": str(step.value_wei),
        "code_digest": step.code_digest,
        "expected_address": step.expected_address,
    }
