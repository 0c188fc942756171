"""Accounts that sign: keys come from references, live in one object, and appear nowhere else."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from chainops.chains.errors import AccountError
from chainops.chains.model import Network, NetworkKind
from chainops.chains.ports import Secrets
from chainops.core.recursion import recursion_limit_kept

#: the mnemonic every development node starts with; its keys are public and guard nothing
DEV_MNEMONIC = "test test test test test test test test test test test junk"


def _accounts() -> Any:
    with recursion_limit_kept():
        from eth_account import Account
    return Account


class LocalSigner:
    """Signs with a private key held in memory."""

    __slots__ = ("_account",)

    def __init__(self, key: str | bytes) -> None:
        """Raises `AccountError` when `key` is not a private key; the key is not repeated."""
        try:
            self._account = _accounts().from_key(key)
        except Exception:  # noqa: BLE001 - eth_keys and binascii raise many kinds, some with the key inside
            raise AccountError(
                "the private key is not valid: 32 bytes as 64 hexadecimal digits are needed"
            ) from None

    def __repr__(self) -> str:
        return f"LocalSigner({self.address})"

    @property
    def address(self) -> str:
        """The account, with checksum (EIP-55)."""
        return str(self._account.address)

    def sign(self, transaction: Mapping[str, Any]) -> tuple[str, str]:
        """Return the raw transaction and its hash, both 0x-hex."""
        signed = self._account.sign_transaction(dict(transaction))
        return "0x" + bytes(signed.raw_transaction).hex(), "0x" + bytes(signed.hash).hex()


def dev_signer(index: int = 0) -> LocalSigner:
    """Return a dev account of an embedded chain, funded on every fresh one."""
    accounts = _accounts()
    accounts.enable_unaudited_hdwallet_features()
    account = accounts.from_mnemonic(DEV_MNEMONIC, account_path=f"m/44'/60'/0'/0/{index}")
    return LocalSigner(bytes(account.key))


def signer_for(network: Network, secrets: Secrets, *, base: Path) -> LocalSigner:
    """Return the account that deploys to `network`. Keystore paths start from `base`.

    Raises `AccountError` when there is none or it cannot be unlocked, `InputError` for a missing secret.
    """
    reference = network.account
    if reference.keystore:
        password = secrets.resolve(reference.password) if reference.password else ""
        return _from_keystore(base / reference.keystore, password)
    if reference.key:
        return LocalSigner(secrets.resolve(reference.key))
    if network.kind is NetworkKind.EMBEDDED:
        return dev_signer()
    raise AccountError(
        f"network {network.name} names no account",
        hint=f"set `networks.{network.name}.account`, for example to `secret://env/DEPLOYER_KEY`",
    )


def _from_keystore(path: Path, password: str) -> LocalSigner:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not JSON"
        raise AccountError(f"cannot read the keystore {path}: {reason}") from None
    try:
        key = _accounts().decrypt(content, password)
    except Exception:  # noqa: BLE001 - eth_keyfile raises many kinds for a bad password or a bad file
        raise AccountError(
            f"cannot unlock the keystore {path}", hint="check the password it is unlocked with"
        ) from None
    return LocalSigner(bytes(key))
