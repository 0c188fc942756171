"""Secrets are masked as the bytes arrive, so that no log, result or error ever holds one."""

from __future__ import annotations

import base64
import dataclasses
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeVar, cast
from urllib.parse import quote, unquote, urlsplit

T = TypeVar("T")

MASK = b"***"
#: shorter values would turn ordinary output into asterisks
MIN_SECRET_LENGTH = 4
#: user names and path segments of this length or more may be API keys
_KEY_LENGTH = 16
#: the same for what a secret is turned into: the decimal of a small value is an ordinary figure
_MIN_DERIVED_LENGTH = 8
#: a longer secret is no value that a contract or a report would show in hex
_MAX_ENCODED_BYTES = 1024
_HEX = re.compile(r"0[xX](?P<prefixed>[0-9a-fA-F]+)|(?P<bare>[0-9a-fA-F]{64})")
#: `openzeppelin-contracts`, `mainnet_archive-v2`: words that a separator joins
_NAME = re.compile(r"(?:[A-Z]?[a-z]{1,14}|v?\d{1,4})(?:[-_.](?:[A-Z]?[a-z]{1,14}|v?\d{1,4}))+")


def url_secrets(url: str) -> tuple[str, ...]:
    """Return the parts of an RPC URL that act as keys: password, segments of the path, query values.

    A provider puts the key in the path (`/v2/<key>`), the query (`?apikey=<key>`) or the user part. Parts
    are returned as they stand and unquoted. What cannot be read as a URL counts as a key altogether.
    """
    return _url_secrets(url, _is_key)


def git_url_secrets(url: str) -> tuple[str, ...]:
    """Return the parts of a Git URL that act as keys: a password, a token as the user, query values.

    Its path names a repository, and a local path is no secret at all.
    """
    return _url_secrets(url, lambda _segment: False) if "://" in url else ()


def _url_secrets(url: str, is_key: Callable[[str], bool]) -> tuple[str, ...]:
    try:
        parts = urlsplit(url)
    except ValueError:
        return (url,)
    found = [parts.password or ""]
    if parts.username and len(parts.username) >= _KEY_LENGTH:
        found.append(parts.username)
    found += [s for s in parts.path.split("/") if is_key(s)]
    found += [pair.partition("=")[2] for pair in parts.query.split("&")]
    both = dict.fromkeys([*found, *map(unquote, found)])
    return tuple(s for s in both if len(s) >= MIN_SECRET_LENGTH)


def _is_key(segment: str) -> bool:
    return len(segment) >= _KEY_LENGTH and not segment.endswith(".git") and not _NAME.fullmatch(segment)


def mask_url(url: str) -> str:
    """Return an RPC URL fit to be shown: its key parts replaced."""
    return Masker(url_secrets(url)).text(url)


def mask_git_url(url: str) -> str:
    """Return a Git URL fit to be shown: its key parts replaced."""
    return Masker(git_url_secrets(url)).text(url)


def _encoded(secret: str) -> Iterator[str]:
    """Yield what a report turns a secret into: hex, decimal and base64, of its value and of its bytes."""
    raw = secret.encode()
    if len(raw) > _MAX_ENCODED_BYTES:
        return
    yield from _binary_forms(raw)
    number = _HEX.fullmatch(secret)
    if number:
        digits = number["prefixed"] or number["bare"]
        if len(digits) % 2 == 0:
            yield from _binary_forms(bytes.fromhex(digits))
        yield str(int(digits, 16))
    elif secret.isdecimal() and int(secret) < 1 << 256:
        yield from _binary_forms(int(secret).to_bytes(32, "big"))
        yield f"{int(secret):x}"


def _binary_forms(raw: bytes) -> Iterator[str]:
    for digits in (raw.hex(), raw.hex().upper()):
        yield digits
        if len(digits) >= _MIN_DERIVED_LENGTH:
            yield from (f"0x{digits}", f"0X{digits}")
    padded = base64.b64encode(raw).decode()
    yield from (padded, padded.rstrip("="))


class Masker:
    """Replaces known secrets in text and in byte streams, and what reports turn them into.

    That is their URL-quoted and JSON-escaped forms, hex, base64, and the decimal of a key.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._secrets: set[bytes] = set()
        self._pattern: re.Pattern[bytes] | None = None
        for secret in secrets:
            self.add(secret)

    def add(self, secret: str) -> None:
        """Mask `secret` from now on; values under four characters are ignored."""
        if len(secret) < MIN_SECRET_LENGTH:
            return
        forms = {secret.encode(), quote(secret, safe="").encode()}
        # with and without `ensure_ascii`: tools' reports are JSON of either kind
        forms |= {json.dumps(secret, ensure_ascii=plain)[1:-1].encode() for plain in (True, False)}
        forms |= {line.encode() for line in secret.splitlines() if len(line) >= MIN_SECRET_LENGTH}
        forms |= {form.encode() for form in _encoded(secret) if len(form) >= _MIN_DERIVED_LENGTH}
        self._secrets |= forms
        longest_first = sorted(self._secrets, key=lambda s: (-len(s), s))
        self._pattern = re.compile(b"|".join(re.escape(s) for s in longest_first))

    def mask(self, data: bytes) -> bytes:
        """Return `data` with every known secret replaced."""
        return self._pattern.sub(MASK, data) if self._pattern else data

    def text(self, text: str) -> str:
        """Return `text` with every known secret replaced."""
        if not self._pattern:
            return text
        return self.mask(text.encode("utf-8", "surrogateescape")).decode("utf-8", "surrogateescape")

    def value(self, value: T) -> T:
        """Return `value` with every text in it masked, inside dataclasses, mappings and sequences too."""
        return cast("T", self._masked(value)) if self._pattern else value

    def _masked(self, value: Any) -> Any:
        if type(value) is str:  # not the members of a StrEnum
            return self.text(value)
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            fields = ((f.name, getattr(value, f.name)) for f in dataclasses.fields(value))
            return dataclasses.replace(value, **{name: self._masked(v) for name, v in fields})
        if isinstance(value, Mapping):
            return {self._masked(k): self._masked(v) for k, v in value.items()}
        if isinstance(value, list | tuple):
            return type(value)(self._masked(v) for v in value)
        return value

    def split(self, data: bytes) -> tuple[bytes, bytes]:
        """Return what of `data` can be shown, masked, and the end that may be a secret's beginning."""
        if not self._pattern:
            return data, b""
        starts = self._open_starts(data)
        shown = bytearray()
        position = 0
        for match in self._pattern.finditer(data):
            # a secret that is the beginning of a longer one is not masked until the longer is ruled out
            cut = next((s for s in starts if position <= s <= match.start()), None)
            if cut is not None:
                return bytes(shown + data[position:cut]), data[cut:]
            shown += data[position : match.start()] + MASK
            position = match.end()
        cut = next((s for s in starts if s >= position), len(data))
        return bytes(shown + data[position:cut]), data[cut:]

    def _open_starts(self, data: bytes) -> list[int]:
        """Return the positions from which on `data` ends in the beginning of a secret."""
        longest = max(map(len, self._secrets))
        begin = max(0, len(data) - longest + 1)
        return [
            p
            for p in range(begin, len(data))
            if any(len(s) > len(data) - p and s.startswith(data[p:]) for s in self._secrets)
        ]


class MaskingStream:
    """Masks a byte stream whose chunks may cut a secret in two: any chunking gives what the whole would."""

    def __init__(self, masker: Masker) -> None:
        self._masker = masker
        self._rest = b""

    def feed(self, chunk: bytes) -> bytes:
        """Return what can be shown now; the possible beginning of a secret is held back."""
        shown, self._rest = self._masker.split(self._rest + chunk)
        return shown

    def close(self) -> bytes:
        """Return what was held back, masked."""
        rest, self._rest = self._rest, b""
        return self._masker.mask(rest)
