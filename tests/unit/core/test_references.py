"""References are resolved late, secrets are masked, and literal secrets are refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from chainops.core.errors import InputErrors, Place
from chainops.core.references import LiteralSecretError, Resolver, UnresolvedError, refuse_literal
from chainops.core.secret_shapes import _PUBLIC_KEYS, looks_secret

KEY = "0x" + "1f" * 32


def resolver(tmp_path: Path, **env: str) -> Resolver:
    return Resolver(env=env, base=tmp_path)


def test_variables_are_replaced_anywhere_in_the_text(tmp_path: Path) -> None:
    r = resolver(tmp_path, HOST="example.org", EMPTY="")
    assert r.resolve("https://${HOST}/${PATH_:-v1}/${EMPTY}x") == "https://example.org/v1/x"
    assert r.resolve("$${HOST} $HOST ${MISSING:-}") == "${HOST} $HOST "


def test_a_replaced_value_is_not_read_again(tmp_path: Path) -> None:
    assert resolver(tmp_path, A="${B} secret://env/B").resolve("${A}") == "${B} secret://env/B"


@pytest.mark.parametrize("text", ["${MISSING}", "${", "${}", "${A B}", "${1A}"])
def test_what_cannot_be_resolved_is_named_with_its_place(tmp_path: Path, text: str) -> None:
    with pytest.raises(UnresolvedError) as caught:
        resolver(tmp_path).resolve(text, Place("chainops.yaml", 3, 5))
    assert str(caught.value).startswith("chainops.yaml:3:5: ")


def test_secrets_come_from_the_environment_or_a_file_and_are_masked(tmp_path: Path) -> None:
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "deployer").write_text("hunter2-from-file\n")
    r = resolver(tmp_path, TOKEN="hunter2-from-env")
    assert r.resolve("secret://env/TOKEN") == "hunter2-from-env"
    assert r.resolve("secret://file/keys/deployer") == "hunter2-from-file"
    assert r.resolve(f"secret://file/{tmp_path}/keys/deployer") == "hunter2-from-file"
    assert r.masker.text("hunter2-from-file hunter2-from-env") == "*** ***"


def test_variables_that_hold_secrets_are_masked(tmp_path: Path) -> None:
    r = resolver(
        tmp_path,
        API_KEY="abcdef",
        HARMLESS=KEY,
        CHAIN="mainnet",
        RPC="http://localhost:8545",
        URL="https://rpc.x/v2/0123456789abcdefXYZ",
    )
    assert r.resolve("${API_KEY}/${HARMLESS}/${CHAIN} ${RPC} ${URL}")
    assert r.masker.text(f"abcdef {KEY} mainnet localhost:8545 0123456789abcdefXYZ") == (
        "*** *** mainnet localhost:8545 ***"
    )


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("secret://env/NOT_SET", "CFG151"),
        ("secret://env/", "CFG152"),
        ("secret://vault/x", "CFG152"),
        ("secret://", "CFG152"),
        ("secret://file/missing", "CFG153"),
        ("secret://file/.", "CFG153"),
        ("secret://file/empty", "CFG153"),
        ("secret://file/big", "CFG153"),
        ("secret://file/binary", "CFG153"),
    ],
)
def test_a_secret_that_is_not_there_is_an_error(tmp_path: Path, text: str, code: str) -> None:
    (tmp_path / "empty").write_text("\n")
    (tmp_path / "big").write_bytes(b"x" * 70_000)
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    with pytest.raises(UnresolvedError) as caught:
        resolver(tmp_path).resolve(text)
    assert caught.value.code == code


def test_all_that_cannot_be_resolved_is_reported_at_once(tmp_path: Path) -> None:
    values = {"A": "${NOPE}", "B": "fine", "C": "secret://env/NOPE", "D": KEY}
    with pytest.raises(InputErrors) as caught:
        resolver(tmp_path).resolve_all(values, lambda name: Place("c.yaml", "ABCD".index(name) + 1, 1))
    assert [(e.code, e.place.line) for e in caught.value.errors if e.place] == [
        ("CFG150", 1),
        ("CFG151", 3),
        ("CFG155", 4),
    ]
    assert KEY not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("A", KEY),
        ("A", KEY[2:]),
        ("PRIVATE_KEY_HASH_SECRET", KEY),
        ("A", "ghp_" + "a1" * 18),
        ("A", "glpat-abcdefghij0123456789"),
        ("A", "AKIAABCDEFGHIJKLMNOP"),
        ("A", "-----BEGIN EC PRIVATE KEY-----\nabc"),
        ("A", "legal winner thank year wave sausage worth useful legal winner thank yellow"),
        ("A", "https://user:pass@host.example/x"),
        ("A", "https://eth.example/v2/abcDEF0123456789abcDEF01"),
        ("A", "https://eth.example/?apikey=abcDEF0123456789abcDEF01"),
    ],
)
def test_literals_that_look_like_secrets_are_refused(name: str, value: str) -> None:
    with pytest.raises(LiteralSecretError) as caught:
        refuse_literal(name, value)
    assert value not in str(caught.value)
    assert f"secret://env/{name}" in caught.value.hint


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MERKLE_ROOT", KEY),
        ("A", "0x" + "1f" * 20),
        ("A", "test test test test test test test test test test test junk"),
        ("A", "https://github.com/someone/some-rather-long-repository-name"),
        ("A", "https://eth.example/v2/${KEY}"),
        ("A", "secret://env/A"),
        ("A", "the tests of this project run on one machine and take their time each day"),
        ("A", "http://[::1"),
    ],
)
def test_ordinary_values_are_not_taken_for_secrets(name: str, value: str) -> None:
    refuse_literal(name, value)


def test_the_public_keys_are_those_of_the_public_mnemonic() -> None:
    from eth_account.hdaccount import key_from_seed, seed_from_mnemonic

    seed = seed_from_mnemonic("test test test test test test test test test test test junk", "")
    keys = {key_from_seed(seed, f"m/44'/60'/0'/0/{i}").hex() for i in range(10)}
    assert keys == _PUBLIC_KEYS
    assert all(not looks_secret("A", "0x" + key) for key in keys)
