"""A script's transactions as a plan: fixed once they are known, since running it again could change them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from chainops.chains.model import Network
from chainops.core.errors import Place
from chainops.core.files import write_atomic
from chainops.core.hashing import canonical_json, digest_bytes
from chainops.core.serial import from_json, to_json
from chainops.deploy.builds import BuildChangedError, Builds
from chainops.deploy.errors import PlanChangedError, ScriptError
from chainops.deploy.model import Plan, Step, StepKind
from chainops.deploy.plan import plan_of
from chainops.deploy.ports import ScriptedTransaction


def scripted_plan(
    transactions: Sequence[ScriptedTransaction],
    builds: Builds,
    network: Network,
    account: str,
    place: Place,
) -> Plan:
    """Return the plan that sends `transactions` in their order.

    Raises `BuildChangedError` when a transaction creates a contract of the project with other code than the
    builds have: the script compiles for itself, and what it compiled has not been tested.
    """
    steps: list[Step] = []
    names: dict[str, int] = {}
    for number, one in enumerate(transactions, start=1):
        steps.append(_step(number, one, builds, place, names))
    return plan_of(steps, network, account)


def _step(number: int, one: ScriptedTransaction, builds: Builds, place: Place, names: dict[str, int]) -> Step:
    data = bytes.fromhex(one.data[2:])
    # a CREATE2 factory takes a salt of 32 bytes before the creation code
    creation = data[32:] if one.to else data
    found = builds.by_creation_code(creation, one.contract) if one.address else None
    if one.address and not found and builds.knows(one.contract):
        raise BuildChangedError(
            f"transaction {number} of the script creates {one.contract} with code that this run has not "
            "compiled and tested",
            place=place,
            hint="start a new run; if it stays so, the script is compiled with other settings",
        )
    fqn, libraries = (found[0].fqn, found[1]) if found else ("", {})
    name = ""
    if one.address:
        base = one.contract or (found[0].name if found else "contract")
        names[base] = names.get(base, 0) + 1
        name = base if names[base] == 1 else f"{base}-{names[base]}"
    what = f"deploy {name}" if name else f"call {one.contract or one.to} {one.function}".rstrip()
    return Step(
        label=f"{number}: {what}",
        kind=StepKind.SCRIPTED,
        place=place,
        name=name,
        fqn=fqn,
        function=one.function,
        target=one.to,
        libraries=libraries,
        value_wei=one.value_wei,
        code_digest=digest_bytes(data),
        data=one.data,
        expected_address=one.address,
    )


def save_plan(path: Path, plan: Plan) -> None:
    """Keep a plan for later attempts."""
    write_atomic(path, canonical_json(to_json(plan)), mode=0o600)


def load_plan(path: Path, *, network: Network, account: str) -> Plan | None:
    """Return the plan kept at `path`, None when there is none.

    Raises `PlanChangedError` when it is for another network or account, `ScriptError` when it is damaged.
    """
    try:
        data: Any = json.loads(path.read_bytes())
        plan = from_json(Plan, data)
        again = plan_of(plan.steps, network, account)
        wrong = [s.label for s in plan.steps if s.data and _digest_of(s) != s.code_digest]
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ScriptError(
            f"the plan kept in {path} cannot be read: {error!r}", hint="start a new run"
        ) from error
    if wrong or again.digest != plan.digest:
        raise PlanChangedError(
            f"the plan kept in {path} is not for {account} on {network.name}, or was changed",
            hint="start a new run",
        )
    return plan


def _digest_of(step: Step) -> str:
    return digest_bytes(bytes.fromhex(step.data[2:]))
