"""Carries a plan out: each step through the sender, and the result compared with what was compiled."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from chainops.chains.abi import Placeholder, constructor_inputs, encode, entries, selector
from chainops.chains.model import Receipt, TransactionRequest
from chainops.chains.rpc import RpcClient
from chainops.chains.sender import Sender
from chainops.core.errors import ChainopsError
from chainops.core.hashing import digest_bytes
from chainops.deploy.builds import Build, Builds
from chainops.deploy.errors import PlanChangedError
from chainops.deploy.model import (
    DeployedContract,
    DeploymentRecord,
    Plan,
    SentTransaction,
    Step,
    StepKind,
)
from chainops.deploy.references import referenced, resolved
from chainops.deploy.verify import compare_code


@dataclass(slots=True, kw_only=True)
class Deployment:
    """A plan on its way; `record` tells at any time what is done."""

    plan: Plan
    builds: Builds
    sender: Sender
    rpc: RpcClient
    say: Callable[[str], None]
    _contracts: dict[str, DeployedContract] = field(default_factory=dict)
    _sent: list[SentTransaction] = field(default_factory=list)
    _libraries: dict[str, dict[str, str]] = field(default_factory=dict)
    #: the step that is being carried out, for whoever explains a failure
    current: Step | None = None

    async def run(self) -> None:
        """Bring every step onto the chain, continuing what the journal holds, then compare the code.

        Raises what `Sender.send` raises; a revert comes with the step's place.
        """
        await self.sender.settle()
        for step in self.plan.steps:
            self.current = step
            await self._carry_out(step)
        self.current = None
        for name in self._contracts:
            await self._compare(name)

    def record(self) -> DeploymentRecord:
        """Return what is on the chain so far."""
        return DeploymentRecord(
            network=self.plan.network,
            chain_id=self.plan.chain_id,
            account=self.plan.account,
            plan_digest=self.plan.digest,
            contracts=tuple(self._contracts.values()),
            transactions=tuple(self._sent),
        )

    async def _carry_out(self, step: Step) -> None:
        try:
            receipt = await self.sender.send(self._request(step))
        except ChainopsError as error:
            self._note(step)
            error.place = error.place or step.place
            raise
        self._note(step)
        self.say(
            f"{step.label}: block {receipt.block}, {receipt.gas_used:,} gas"
            + (f", {receipt.contract_address}" if receipt.contract_address else "")
        )
        if step.name:
            self._contracts[step.name] = self._deployed(step, receipt)

    def _note(self, step: Step) -> None:
        """Remember the transaction of a step as the journal has it."""
        known = self.sender.attempted(step.label)
        end = known and (known.confirmed or known.failed)
        if known is None or not end:
            return
        self._sent.append(
            SentTransaction(
                label=step.label,
                hash=known.signed.hash,
                nonce=known.signed.nonce,
                block=end.block,
                gas_used=end.gas_used,
                effective_gas_price_wei=end.effective_gas_price_wei,
                cost_wei=end.gas_used * end.effective_gas_price_wei,
                status="success" if known.confirmed else "reverted",
            )
        )

    def _deployed(self, step: Step, receipt: Receipt) -> DeployedContract:
        address = _checksum(receipt.contract_address or step.expected_address)
        if step.expected_address and address != _checksum(step.expected_address):
            raise PlanChangedError(
                f"{step.label} went to {address} instead of {step.expected_address}",
                hint="something else used the account since the script was run; start a new run",
            )
        return DeployedContract(
            name=step.name,
            fqn=step.fqn,
            address=address,
            transaction=receipt.hash,
            block=receipt.block,
            gas_used=receipt.gas_used,
            cost_wei=receipt.cost_wei,
        )

    def _request(self, step: Step) -> TransactionRequest:
        if step.kind is StepKind.SCRIPTED:
            build = self.builds.find(step.fqn) if step.fqn else None
            return TransactionRequest(
                label=step.label,
                to=step.target or None,
                data=bytes.fromhex(step.data[2:]),
                value_wei=step.value_wei,
                errors=build.abi if build else (),
            )
        build = self.builds.find(step.fqn)
        args = resolved(step.args, self._address_of)
        if step.kind is StepKind.CALL:
            (function,) = entries(build.abi, "function", step.function)
            data = selector(function) + encode(function.get("inputs", ()), args)
            to = self._contracts[step.target].address
        else:
            data = self._linked(step, build) + encode(constructor_inputs(build.abi), args)
            to = None
        return TransactionRequest(
            label=step.label, to=to, data=data, value_wei=step.value_wei, errors=build.abi
        )

    def _linked(self, step: Step, build: Build) -> bytes:
        addresses = {
            fqn: where if where.startswith("0x") else self._contracts[where].address
            for fqn, where in step.libraries.items()
        }
        self._libraries[step.name] = addresses
        return build.creation.linked(addresses)

    def _address_of(self, placeholder: Placeholder) -> str:
        name = referenced(placeholder)
        return self._contracts[name].address if name else self.sender.account

    async def _compare(self, name: str) -> None:
        contract = self._contracts[name]
        code = await self.rpc.code(contract.address)
        matches: bool | None = None
        difference = "not one of the compiled contracts"
        if contract.fqn:
            build = self.builds.find(contract.fqn)
            libraries = self._libraries.get(name) or self._scripted_libraries(name)
            difference = compare_code(build, libraries, contract.address, code)
            matches = not difference
        elif not code:
            matches, difference = False, f"there is no code at {contract.address}"
        self._contracts[name] = replace(
            contract, code_matches=matches, code_digest=digest_bytes(code), difference=difference
        )

    def _scripted_libraries(self, name: str) -> dict[str, str]:
        step = next(s for s in self.plan.steps if s.name == name)
        return dict(step.libraries)


def _checksum(address: str) -> str:
    from eth_utils.address import to_checksum_address

    return str(to_checksum_address(address)) if address else ""
