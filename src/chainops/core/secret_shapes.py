"""Recognises values that are secrets by their shape: private keys, mnemonics, tokens, URLs with keys."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

_HEX_KEY = re.compile(r"(?:0x)?[0-9a-fA-F]{64}\Z")
#: 32 bytes under such a name are a hash or an id, not a key
_HASH_NAME = re.compile(r"HASH|DIGEST|ROOT|SALT|SELECTOR|TOPIC|COMMIT|_ID\Z|SLOT|BYTES32|SEED", re.IGNORECASE)
_KEY_NAME = re.compile(r"PRIVATE|SECRET|MNEMONIC|KEY\Z|PASSW", re.IGNORECASE)
_PEM = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----")
#: prefixes as documented by GitHub, GitLab, npm, PyPI, AWS, Slack, Stripe and OpenAI; JSON web tokens
_TOKEN = re.compile(
    r"(?:gh[pousr]_[A-Za-z0-9]{30,}|github_pat_\w{30,}|glpat-[\w-]{18,}|npm_[A-Za-z0-9]{30,}|pypi-[\w-]{50,}"
    r"|(?:AKIA|ASIA)[A-Z0-9]{16}|xox[abprs]-[\w-]{10,}|[sr]k_live_\w{16,}|sk-[\w-]{20,}"
    r"|eyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]+)"
)
_WORD = re.compile(r"[a-z]{3,8}\Z")
#: BIP-39 knows these lengths
_MNEMONIC_LENGTHS = (12, 15, 18, 21, 24)
#: the mnemonic of every local development chain, and the keys it gives: public knowledge, no secrets
_PUBLIC_MNEMONIC = "test test test test test test test test test test test junk"
_PUBLIC_KEYS = frozenset(
    {
        "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80",
        "59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d",
        "5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a",
        "7c852118294e51e653712a81e05800f419141751be58f605c371e15141b007a6",
        "47e179ec197488593b187f80a00eb0da91f1b9d0b13f8733639f19c30a34926a",
        "8b3a350cf5c34c9194ca85829a2df0ec3153be0318b5e2d3348e872092edffba",
        "92db14e403b83dfe3df233f83dfa3a0d7096f21ca9b0d6d6b8d88b2b4ec1564e",
        "4bbbf85ce3377467afe5d46f804f221813b2bb87f24d81f60f1fcdbf7cbf4356",
        "dbda1821b80551c9d65939329250298aa3472ba22feea921c0cf5d620ea67b97",
        "2a871d0798f97d79848a013d4936a73bf4cc922c825d33c1cf7073dff6d409c6",
    }
)


def looks_secret(name: str, value: str) -> str:
    """Return what kind of secret `value` looks like, in words, or an empty string.

    The keys of local development chains are public and no secrets. 32 bytes of hex count as a private key
    unless `name` says that they are a hash or the like.
    """
    text = value.strip()
    if _PEM.search(text):
        return "a private key in PEM form"
    if _HEX_KEY.match(text) and text.lower().removeprefix("0x") not in _PUBLIC_KEYS:
        if _HASH_NAME.search(name) and not _KEY_NAME.search(name):
            return ""
        return "what looks like a private key (32 bytes of hex)"
    if _TOKEN.search(text):
        return "what looks like an access token"
    words = text.split()
    if len(words) in _MNEMONIC_LENGTHS and all(_WORD.match(w) for w in words) and text != _PUBLIC_MNEMONIC:
        return "what looks like a mnemonic phrase"
    return _url_secret(text)


def _url_secret(text: str) -> str:
    if "://" not in text:
        return ""
    try:
        parts = urlsplit(text)
        password = parts.password
    except ValueError:
        return ""
    if password:
        return "a URL with a password"
    segments = [*parts.path.split("/"), *(pair.partition("=")[2] for pair in parts.query.split("&"))]
    return "a URL with a key in it" if any(_is_random(s) for s in segments) else ""


def _is_random(segment: str) -> bool:
    """Whether a URL's segment is a key and not a name: 20 or more of letters and digits mixed."""
    return (
        len(segment) >= 20
        and re.fullmatch(r"[\w-]+", segment) is not None
        and sum(c.isdigit() for c in segment) >= 3
        and any(c.isalpha() for c in segment)
    )
