"""What a deployment asks of people and of script runners."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from chainops.core.sink import Sink
from chainops.core.tooluse import ToolUse
from chainops.deploy.model import Approval


class Approvals(Protocol):
    """Knows what was agreed to."""

    @property
    def given(self) -> frozenset[str]:
        """The digests of all plans that were agreed to."""

    def approved(self, stage: str, digest: str) -> Approval | None:
        """Return the approval of exactly this plan, None when there is none."""


class MemoryApprovals:
    """Approvals given by a program."""

    def __init__(self, *digests: str) -> None:
        self._digests = digests

    @property
    def given(self) -> frozenset[str]:
        """Return what was given."""
        return frozenset(self._digests)

    def approved(self, stage: str, digest: str) -> Approval | None:  # noqa: ARG002 - the port's signature
        """Return an approval when the digest was given."""
        return Approval(digest=digest) if digest in self._digests else None


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptRequest:
    """A deploy script, and against which chain it is tried."""

    #: `script/Deploy.s.sol:Deploy`
    script: str
    project_root: Path
    build_dir: Path
    scratch: Path
    home: Path
    rpc_url: str
    chain_id: int
    #: in whose name the script broadcasts
    account: str
    env: Mapping[str, str] = field(default_factory=dict)
    timeout_s: float | None = None
    marker: str = ""
    profile: str = ""
    #: what the build was made with instead of the project's own choice; empty for that
    solc: str = ""
    evm_version: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptedTransaction:
    """A transaction that a script wants sent. Hex values begin with 0x."""

    #: empty for a creation
    to: str
    data: str
    value_wei: int
    #: the contract that is created, or called, as far as the tool knows
    contract: str = ""
    function: str = ""
    #: where a created contract will be
    address: str = ""


class ScriptRunner(Protocol):
    """Finds out what a deploy script would send, without sending or signing anything."""

    async def tools(self) -> tuple[ToolUse, ...]:
        """Return the programs it runs, installed."""

    async def dry_run(self, request: ScriptRequest, sink: Sink) -> tuple[ScriptedTransaction, ...]:
        """Run the script against the chain's state; raises `ScriptError` when it fails."""
