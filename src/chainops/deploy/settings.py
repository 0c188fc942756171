"""The `deploy:` manifest and the `smoke_tests:` of the configuration, as they are written."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, WithJsonSchema, model_validator

from chainops.core.config_mistakes import mistake

#: by position, or by parameter name
Arguments = list[Any] | dict[str, Any]
#: wei as a number, or text such as `0.5 ether`
Amount = int | str
#: names stand in labels, file names and references
_ENTRY_NAME = "^[A-Za-z_][A-Za-z0-9_-]{0,62}$"


def _entry_name(name: str) -> str:
    if not re.fullmatch(_ENTRY_NAME, name):
        raise mistake(
            "not a name for references", hint="letters, digits, `_` and `-`, a letter or `_` first, up to 63"
        )
    return name


EntryName = Annotated[
    str, AfterValidator(_entry_name), WithJsonSchema({"type": "string", "pattern": _ENTRY_NAME})
]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ContractSettings(_Strict):
    """A contract to deploy."""

    contract: str = Field(min_length=1, description="`Vault`, or `src/Vault.sol:Vault` where it is ambiguous")
    name: EntryName | None = Field(
        None, description="what references call it; the contract's name by default"
    )
    args: Arguments = Field(default_factory=list, description="constructor arguments, a list or by name")
    value: Amount = Field(0, description="ether sent along: wei, or `0.5 ether`")
    libraries: dict[str, str] = Field(
        default_factory=dict, description="addresses of libraries that are already there; others are deployed"
    )


class CallSettings(_Strict):
    """A transaction after the deployment."""

    contract: str = Field(min_length=1, description="name of a deployed contract")
    function: str = Field(min_length=1, description="`setCap`, or `setCap(uint128)` where it is overloaded")
    name: EntryName | None = Field(None, description="what overrides call it")
    args: Arguments = Field(default_factory=list)
    value: Amount = Field(0)


class EntryOverride(_Strict):
    """What differs on one network."""

    args: Arguments | None = None
    value: Amount | None = None


class NetworkOverrides(_Strict):
    """What differs on one network, by the names of contracts and calls."""

    contracts: dict[str, EntryOverride] = Field(default_factory=dict)
    calls: dict[str, EntryOverride] = Field(default_factory=dict)


class DeploySettings(_Strict):
    """A deploy manifest: contracts and calls, or a forge script."""

    contracts: list[ContractSettings] = Field(default_factory=list)
    calls: list[CallSettings] = Field(default_factory=list)
    script: str | None = Field(
        None, description="`script/Deploy.s.sol:Deploy`: its transactions are signed and sent by chainops"
    )
    networks: dict[str, NetworkOverrides] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _one_source(self) -> DeploySettings:
        if self.script and (self.contracts or self.calls):
            raise mistake("`script` stands alone: it decides contracts and calls itself", code="DPL110")
        return self


#: the manifest itself, or the path of the YAML file that holds it
DeploySection = DeploySettings | str


class RevertSettings(_Strict):
    """How a call shall revert."""

    error: str | None = Field(None, description="a custom error of the contract")
    args: Arguments | None = Field(None, description="its arguments; not looked at by default")
    panic: Amount | None = Field(None, description="a Solidity panic code such as 0x11")

    @model_validator(mode="after")
    def _one_kind(self) -> RevertSettings:
        if (self.error is None) == (self.panic is None):
            raise mistake("either `error` or `panic` is needed", code="DPL111")
        if self.panic is not None and self.args is not None:
            raise mistake("`args` belong to `error`", code="DPL111")
        return self


class EventSettings(_Strict):
    """An event that a transaction shall emit."""

    event: str = Field(min_length=1)
    args: Arguments | None = Field(None, description="a list of all, or some by name")
    contract: str | None = Field(None, description="who emits it; the called contract by default")


class SmokeSettings(_Strict):
    """A check of what was deployed."""

    name: str | None = None
    contract: str = Field(min_length=1, description="name of a deployed contract, or an address")
    function: str = Field(min_length=1)
    args: Arguments = Field(default_factory=list)
    value: Amount = Field(0)
    sender: str | None = Field(None, description="who calls, where nothing is sent; the deployer by default")
    view: bool | None = Field(None, description="only ask, send nothing; the default unless `emits` is set")
    expect: Any = Field(None, description="the result: a value, a list, or a mapping by name")
    reverts: bool | str | RevertSettings | None = Field(
        None, description="true, the message, or `error`/`panic`"
    )
    emits: EventSettings | list[EventSettings] | None = None

    @model_validator(mode="after")
    def _one_expectation(self) -> SmokeSettings:
        given = [n for n in ("expect", "reverts", "emits") if n in self.model_fields_set]
        if len(given) > 1:
            raise mistake(f"{' and '.join(f'`{n}`' for n in given)} exclude each other", code="DPL112")
        if self.view and self.emits:
            raise mistake("a view call emits nothing: leave `view` or `emits` out", code="DPL112")
        if self.reverts is False:
            raise mistake("`reverts: false` says nothing: leave it out", code="DPL112")
        return self


SmokeSection = list[SmokeSettings]
