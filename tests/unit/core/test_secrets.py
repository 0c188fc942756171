"""No secret passes, however the bytes are cut, and nothing else is changed."""

from __future__ import annotations

import base64
import itertools
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainops.core.secrets import Masker, MaskingStream, git_url_secrets, mask_git_url, mask_url, url_secrets

KEY = "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80"


def streamed(masker: Masker, chunks: list[bytes]) -> bytes:
    stream = MaskingStream(masker)
    return b"".join([*(stream.feed(chunk) for chunk in chunks), stream.close()])


def test_a_secret_is_replaced_wherever_it_stands() -> None:
    assert Masker(["hunter22"]).mask(b"a hunter22 b hunter22") == b"a *** b ***"


def test_a_value_under_four_characters_is_not_taken_for_a_secret() -> None:
    assert Masker(["abc", ""]).text("abc abc") == "abc abc"


def test_the_url_quoted_form_is_masked_too() -> None:
    assert Masker(["p@ss w/rd"]).text("https://u:p%40ss%20w%2Frd@host") == "https://u:***@host"


@pytest.mark.parametrize("ascii_only", [True, False])
def test_the_form_that_a_json_report_gives_it_is_masked_too(*, ascii_only: bool) -> None:
    secret = 'p"ss\\wörd'
    report = json.dumps({"reason": f"revert {secret}"}, ensure_ascii=ascii_only)
    assert Masker([secret]).text(report) == '{"reason": "revert ***"}'


def test_every_line_of_a_multi_line_secret_is_masked() -> None:
    assert Masker(["first line\nsecond line"]).text("x second line y") == "x *** y"


def test_a_private_key_is_masked_with_and_without_its_prefix() -> None:
    assert Masker([KEY]).text(f"{KEY} {KEY[2:]}") == "*** ***"


def test_of_two_secrets_that_begin_alike_the_longer_is_masked_whole() -> None:
    assert Masker(["token", "token-long"]).text("token-long token") == "*** ***"


def test_text_that_is_not_utf8_survives_masking() -> None:
    text = b"caf\xe9 hunter22".decode("utf-8", "surrogateescape")
    assert Masker(["hunter22"]).text(text).encode("utf-8", "surrogateescape") == b"caf\xe9 ***"


@pytest.mark.parametrize("cut", range(1, 8))
def test_a_secret_cut_between_two_chunks_is_masked(cut: int) -> None:
    assert (
        streamed(Masker(["hunter22"]), [b"a hunter22 b"[: 2 + cut], b"a hunter22 b"[2 + cut :]]) == b"a *** b"
    )


def test_a_chunk_that_ends_with_a_short_secret_does_not_show_the_rest_of_a_longer_one() -> None:
    assert streamed(Masker(["token", "token-long"]), [b"token", b"-long\n"]) == b"***\n"


def test_a_stream_that_ends_with_a_secret_that_could_have_gone_on_masks_it() -> None:
    assert streamed(Masker(["token", "token-long"]), [b"token"]) == b"***"


def test_what_cannot_begin_a_secret_is_shown_at_once() -> None:
    assert MaskingStream(Masker(["hunter22"])).feed(b"progress 10 %\n") == b"progress 10 %\n"


def test_a_secret_learnt_while_a_stream_runs_is_masked_from_then_on() -> None:
    masker = Masker()
    stream = MaskingStream(masker)
    first = stream.feed(b"hunter22 ")
    masker.add("hunter22")
    assert first + stream.feed(b"hunter22") + stream.close() == b"hunter22 ***"


# a small alphabet makes secrets that overlap, repeat and begin one another
words = st.text("ab*", min_size=4, max_size=7)


@given(
    secrets=st.lists(words, min_size=1, max_size=4),
    pieces=st.lists(st.one_of(words.map(str.encode), st.binary(max_size=3)), max_size=8),
    cuts=st.lists(st.integers(0, 60), max_size=10),
)
def test_any_chunking_gives_what_masking_the_whole_gives(
    secrets: list[str], pieces: list[bytes], cuts: list[int]
) -> None:
    masker = Masker(secrets)
    whole = b"".join(pieces)
    edges = sorted({0, len(whole), *(min(cut, len(whole)) for cut in cuts)})
    chunks = [whole[a:b] for a, b in itertools.pairwise(edges)]
    assert streamed(masker, chunks) == masker.mask(whole)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://eth.example/v2/abcdefghijklmnop1234", "https://eth.example/v2/***"),
        ("https://eth.example/?apikey=topsecret", "https://eth.example/?apikey=***"),
        ("https://user:topsecret@git.example/org/repo.git", "https://user:***@git.example/org/repo.git"),
        ("https://ghp_abcdefghijklmnop@git.example/r", "https://***@git.example/r"),
        ("https://git.example/a-long-organisation.git", "https://git.example/a-long-organisation.git"),
        ("http://127.0.0.1:8545", "http://127.0.0.1:8545"),
    ],
)
def test_a_url_is_shown_without_its_keys(url: str, shown: str) -> None:
    assert mask_url(url) == shown


def test_a_url_added_to_a_masker_hides_its_key_in_other_text() -> None:
    masker = Masker(url_secrets("https://eth.example/v2/abcdefghijklmnop1234"))
    assert masker.text("401 for key abcdefghijklmnop1234") == "401 for key ***"


def test_a_quoted_password_of_a_url_is_masked_in_its_plain_form_too() -> None:
    assert "p@ss word" in url_secrets("https://user:p%40ss%20word@host/")


def test_what_is_not_a_url_is_not_shown_at_all() -> None:
    assert mask_url("https://[topsecret") == "***"


@pytest.mark.parametrize(
    ("url", "secrets"),
    [
        ("/tmp/x/acme-vault-contracts", ()),
        ("../acme_vault_contracts_2024_with_a_long_name", ()),
        ("file:///srv/0123456789abcdef0123456789abcdef", ()),
        ("git@git.example:org/acmevaultcontracts2024", ()),
        ("https://git.example/org/acmevaultcontracts2024", ()),
        ("https://user:topsecret@git.example/org/acmevaultcontracts2024", ("topsecret",)),
        ("https://ghp_abcdefghijklmnop@git.example/r", ("ghp_abcdefghijklmnop",)),
        ("https://git.example/r?private_token=topsecret", ("topsecret",)),
        ("https://[topsecret", ("https://[topsecret",)),
    ],
)
def test_the_path_of_a_git_url_is_no_secret(url: str, secrets: tuple[str, ...]) -> None:
    assert git_url_secrets(url) == secrets
    assert all(s not in mask_git_url(url) for s in secrets)


@pytest.mark.parametrize(
    ("segment", "key"),
    [
        ("openzeppelin-contracts", False),
        ("my-organisation.mainnet_archive-v2", False),
        ("0123456789abcdef0123456789abcdef", True),
        ("a1b2c3d4-e5f6-7890-abcd-ef1234567890", True),
        ("abcd-EFgh_ijkLMNop-QRst", True),
        ("averylongwordwithoutanyseparator", True),
    ],
)
def test_words_in_the_path_of_an_rpc_url_are_no_key(segment: str, key: bool) -> None:
    assert url_secrets(f"https://rpc.example/{segment}") == ((segment,) if key else ())


SECRET_NUMBER = int(KEY, 16)


@pytest.mark.parametrize(
    "shown",
    [
        KEY.lower(),
        KEY[2:].upper(),
        "0x" + KEY[2:].upper(),
        "0X" + KEY[2:].upper(),
        str(SECRET_NUMBER),
        base64.b64encode(bytes.fromhex(KEY[2:])).decode(),
    ],
)
@pytest.mark.parametrize("given_as", [KEY, KEY[2:], "0x" + KEY[2:].upper()])
def test_a_key_is_masked_in_every_form_that_a_test_may_print(given_as: str, shown: str) -> None:
    assert Masker([given_as]).text(f"revert: {shown}.") == "revert: ***."


@pytest.mark.parametrize("secret", [KEY, KEY[2:], "correct horse"])
def test_a_secret_is_masked_as_its_bytes(secret: str) -> None:
    raw = secret.encode()
    shown = f"0x{raw.hex()} {raw.hex().upper()} {base64.b64encode(raw).decode()}"
    assert Masker([secret]).text(shown) == "*** *** ***"


def test_a_key_given_in_decimal_is_masked_in_hex() -> None:
    assert Masker([str(SECRET_NUMBER)]).text(f"{SECRET_NUMBER} {KEY}") == "*** ***"


def test_short_forms_of_a_secret_do_not_hide_ordinary_figures() -> None:
    masker = Masker(["0x64", "0x" + "0" * 63 + "7", "abc1"])
    assert masker.text("100 tests, 7 failed, 61626331") == "100 tests, 7 failed, ***"
    assert Masker(["0x64"]).text("64 bytes in 0x64") == "64 bytes in ***"
