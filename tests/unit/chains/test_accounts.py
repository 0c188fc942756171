"""Keys come from references and are seen nowhere."""

from __future__ import annotations

import json

import pytest
from eth_account import Account

from chainops.chains.accounts import LocalSigner, dev_signer, signer_for
from chainops.chains.errors import AccountError
from chainops.chains.model import AccountReference, Network, NetworkKind
from chainops.core.errors import InputError
from chainops.core.references import Resolver

KEY = "0x" + "4c" * 32


def network(**account: str) -> Network:
    return Network(
        name="test", kind=NetworkKind.TESTNET, chain_id=5, url="x", account=AccountReference(**account)
    )


def secrets(tmp_path, **env: str) -> Resolver:
    return Resolver(env=env, base=tmp_path)


def test_the_dev_account_is_the_one_every_dev_chain_funds(tmp_path):
    chain = Network(name="e", kind=NetworkKind.EMBEDDED, chain_id=31337)
    signer = signer_for(chain, secrets(tmp_path), base=tmp_path)
    assert signer.address == "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"
    assert dev_signer(1).address == "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"


def test_a_key_comes_from_its_reference_and_is_masked(tmp_path):
    found = secrets(tmp_path, DEPLOYER=KEY)
    signer = signer_for(network(key="secret://env/DEPLOYER"), found, base=tmp_path)
    assert KEY[2:] not in repr(signer)
    assert found.masker.text(f"x {KEY} y") == "x *** y"


@pytest.mark.parametrize("key", ["0x12", "no key at all", "0x" + "zz" * 32, "0x" + "00" * 32])
def test_a_bad_key_is_refused_without_being_repeated(key):
    with pytest.raises(AccountError) as caught:
        LocalSigner(key)
    assert key not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_keystore_is_unlocked_by_its_password(tmp_path):
    content = Account.encrypt(KEY, "right", kdf="pbkdf2", iterations=2)
    (tmp_path / "key.json").write_text(json.dumps(content))
    reference = network(keystore="key.json", password="secret://env/PASSWORD")
    signer = signer_for(reference, secrets(tmp_path, PASSWORD="right"), base=tmp_path)
    assert signer.address == LocalSigner(KEY).address
    with pytest.raises(AccountError, match="cannot unlock"):
        signer_for(reference, secrets(tmp_path, PASSWORD="wrong"), base=tmp_path)


@pytest.mark.parametrize("content", [None, "not json", "{}", "[]"])
def test_an_unreadable_keystore_is_told(tmp_path, content):
    if content is not None:
        (tmp_path / "key.json").write_text(content)
    reference = network(keystore="key.json", password="secret://env/PASSWORD")
    with pytest.raises(AccountError, match=r"key\.json"):
        signer_for(reference, secrets(tmp_path, PASSWORD="right"), base=tmp_path)


def test_a_missing_account_or_secret_says_what_to_set(tmp_path):
    with pytest.raises(AccountError, match="names no account") as caught:
        signer_for(network(), secrets(tmp_path), base=tmp_path)
    assert "networks.test.account" in caught.value.hint
    with pytest.raises(InputError, match="DEPLOYER"):
        signer_for(network(key="secret://env/DEPLOYER"), secrets(tmp_path), base=tmp_path)


def test_a_receiver_may_be_written_without_a_checksum_in_every_fee_model():
    common = {"chainId": 1, "nonce": 0, "value": 0, "data": b"", "gas": 21_000}
    to = bytes.fromhex("5fbdb2315678afecb367f032d93f642f64180aa3")
    for fees in (
        {"gasPrice": 1},
        {"type": 2, "maxFeePerGas": 2, "maxPriorityFeePerGas": 1, "accessList": []},
    ):
        raw, transaction = LocalSigner(KEY).sign({**common, "to": to, **fees})
        assert raw.startswith("0x")
        assert len(transaction) == 66
