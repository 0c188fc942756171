"""The `networks:` section of the configuration."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from chainops.chains.model import (
    CODE_SIZE_LIMIT_BYTES,
    DEV_CHAIN_ID,
    AccountReference,
    FeeModel,
    Network,
    NetworkKind,
)
from chainops.core.config_mistakes import mistake

#: the network that exists without being declared
EMBEDDED = "embedded"


def _reference(text: str) -> str:
    if not text.startswith("secret://"):
        # never repeated: it may be the key itself
        raise mistake(
            "should be a reference to a secret, not the secret itself",
            hint="for example `secret://env/DEPLOYER_KEY`",
            code="CHN110",
        )
    return text


def _name(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}", text):
        raise mistake("a network's name has letters, digits, `-` and `_` only", code="CHN111")
    return text


SecretReference = Annotated[str, AfterValidator(_reference)]
NetworkName = Annotated[str, AfterValidator(_name)]


class KeystoreSettings(BaseModel):
    """An encrypted keystore file (Web3 Secret Storage)."""

    model_config = ConfigDict(extra="forbid")

    keystore: str = Field(description="path of the keystore file, from the configuration's folder")
    password: SecretReference = Field(description="reference of its password")


class NetworkSettings(BaseModel):
    """A network to deploy to."""

    model_config = ConfigDict(extra="forbid")

    kind: NetworkKind = Field(
        NetworkKind.PRIVATE, description="`embedded` (started by chainops), `private`, `testnet`, `mainnet`"
    )
    chain_id: int | None = Field(None, ge=1, lt=2**64, description="checked before anything else is asked")
    url: str = Field("", description="JSON-RPC URL; `${VAR}` and `secret://env/NAME` are resolved")
    production: bool = Field(
        False,  # noqa: FBT003 - pydantic's default
        description="reached by production-deploy alone, after an approval",
    )
    account: SecretReference | KeystoreSettings | None = Field(
        None, description="`secret://env/NAME` of a private key, or a keystore; embedded chains need none"
    )
    confirmations: int = Field(1, ge=1, le=1000, description="blocks that must hold a transaction")
    code_size_limit_bytes: int = Field(CODE_SIZE_LIMIT_BYTES, ge=1, description="EIP-170's limit here")
    fee_model: FeeModel = Field(FeeModel.AUTO, description="`auto`, `eip1559` or `legacy`")
    gas_margin: float = Field(0.2, ge=0, le=4, description="added to the gas estimate, as a part of it")
    confirm_timeout_s: float = Field(300.0, gt=0, description="how long a transaction may take")
    fork_url: str = Field("", description="an embedded chain starts as a fork of this one")
    fork_block: int | None = Field(None, ge=0, description="the block to fork at; the latest by default")

    @model_validator(mode="after")
    def _fits_kind(self) -> NetworkSettings:
        if self.kind is NetworkKind.EMBEDDED:
            if self.url:
                raise mistake("an embedded network has no `url`: chainops starts it", code="CHN112")
        else:
            if not self.url:
                raise mistake("`url` is missing", hint="or set `kind: embedded`", code="CHN113")
            if self.chain_id is None:
                raise mistake(
                    "`chain_id` is missing: it guards against deploying to the wrong chain", code="CHN114"
                )
            if self.fork_url:
                raise mistake("`fork_url` is for `kind: embedded`", code="CHN115")
        return self


NetworksSection = dict[NetworkName, NetworkSettings]


def networks_from(section: Mapping[str, NetworkSettings]) -> dict[str, Network]:
    """Return all networks by name, the one that needs no declaration included."""
    found = {name: _network(name, settings) for name, settings in section.items()}
    found.setdefault(EMBEDDED, Network(name=EMBEDDED, kind=NetworkKind.EMBEDDED, chain_id=DEV_CHAIN_ID))
    return found


def _network(name: str, settings: NetworkSettings) -> Network:
    account: dict[str, Any] = {}
    if isinstance(settings.account, KeystoreSettings):
        account = {"keystore": settings.account.keystore, "password": settings.account.password}
    elif settings.account:
        account = {"key": settings.account}
    return Network(
        name=name,
        kind=settings.kind,
        chain_id=settings.chain_id or (0 if settings.fork_url else DEV_CHAIN_ID),
        url=settings.url,
        production=settings.production,
        account=AccountReference(**account),
        confirmations=settings.confirmations,
        code_size_limit_bytes=settings.code_size_limit_bytes,
        fee_model=settings.fee_model,
        gas_margin=settings.gas_margin,
        confirm_timeout_s=settings.confirm_timeout_s,
        fork_url=settings.fork_url,
        fork_block=settings.fork_block,
    )
