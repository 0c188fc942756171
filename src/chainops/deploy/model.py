"""Manifest, plan and record: what shall be on a chain, how it gets there, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from chainops.core.config_yaml import Loc
from chainops.core.errors import Place

Arguments = Sequence[Any] | Mapping[str, Any]


class Placed(Protocol):
    """The part of a `Document` that tells where something is written."""

    def place(self, loc: Loc = ()) -> Place:
        """Return where the value at `loc` begins."""


@dataclass(frozen=True, slots=True)
class Where:
    """A position in a document, and of what lies below it."""

    document: Placed
    loc: Loc = ()

    def place(self, *below: str | int) -> Place:
        """Return where the value at `below` begins."""
        return self.document.place((*self.loc, *below))

    def at(self, *below: str | int) -> Where:
        """Return the position below this one."""
        return Where(self.document, (*self.loc, *below))


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractEntry:
    """A contract of the manifest."""

    name: str
    contract: str
    args: Arguments
    value: Any
    libraries: Mapping[str, str]
    where: Where
    #: arguments and value may come from a network's overrides, elsewhere in the file
    args_where: Where
    value_where: Where


@dataclass(frozen=True, slots=True, kw_only=True)
class CallEntry:
    """A call of the manifest."""

    name: str
    contract: str
    function: str
    args: Arguments
    value: Any
    where: Where
    args_where: Where
    value_where: Where


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What is to be deployed on one network, overrides applied; `script` excludes the rest."""

    contracts: tuple[ContractEntry, ...] = ()
    calls: tuple[CallEntry, ...] = ()
    script: str = ""
    where: Where

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to do."""
        return not (self.contracts or self.calls or self.script)


class StepKind(StrEnum):
    """What a step does."""

    LIBRARY = "library"
    CONTRACT = "contract"
    CALL = "call"
    #: a transaction that a script produced
    SCRIPTED = "scripted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One transaction of a plan."""

    #: unique in the plan; the journal knows the transaction by it
    label: str
    kind: StepKind
    place: Place
    #: what the contract is called from now on; empty for calls
    name: str = ""
    #: `path:name` of what is deployed or called; empty when a script deploys something unknown
    fqn: str = ""
    #: signature of a called function
    function: str = ""
    #: converted arguments; placeholders where an address is not known yet
    args: tuple[Any, ...] = ()
    #: a deployed contract's name, or an address
    target: str = ""
    #: library fqn to the name of its step, or an address
    libraries: Mapping[str, str] = field(default_factory=dict)
    value_wei: int = 0
    #: sha256 of the unlinked creation code; of the whole data for a scripted transaction
    code_digest: str = ""
    #: 0x-hex, for a scripted transaction only
    data: str = ""
    #: where a scripted creation must end up, since later transactions count on it
    expected_address: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What will be done, in order. The digest names all of it: an approval holds for nothing else."""

    network: str
    chain_id: int
    account: str
    steps: tuple[Step, ...]
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """Somebody agreed to a plan."""

    digest: str
    by: str = ""
    at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeployedContract:
    """A contract on a chain."""

    name: str
    fqn: str
    address: str
    transaction: str
    block: int
    gas_used: int
    cost_wei: int
    code_matches: bool | None = None
    #: sha256 of the runtime code on the chain
    code_digest: str = ""
    #: why the code does not match, or could not be compared
    difference: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SentTransaction:
    """A mined transaction of a deployment."""

    label: str
    hash: str
    nonce: int
    block: int
    gas_used: int
    effective_gas_price_wei: int
    cost_wei: int
    #: `success` or `reverted`
    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentRecord:
    """What a deployment did so far."""

    network: str
    chain_id: int
    account: str
    plan_digest: str
    contracts: tuple[DeployedContract, ...] = ()
    transactions: tuple[SentTransaction, ...] = ()
