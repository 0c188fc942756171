"""Secrets are masked as the bytes arrive, so that no log, result or error ever holds one."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar, cast
from urllib.parse import quote, unquote, urlsplit

T = TypeVar("T")

MASK = b"***"
#: shorter values would turn ordinary output into asterisks
MIN_SECRET_LENGTH = 4
#: query parameters and path segments of this length or more are taken for API keys
_KEY_LENGTH = 16


def url_secrets(url: str) -> tuple[str, ...]:
    """Return the parts of an RPC or Git URL that act as keys: password, long path segments, query values.

    A provider puts the key in the path (`/v2/<key>`), the query (`?apikey=<key>`) or the user part. Parts
    are returned as they stand and unquoted. What cannot be read as a URL counts as a key altogether.
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        return (url,)
    found = [parts.password or ""]
    if parts.username and len(parts.username) >= _KEY_LENGTH:
        found.append(parts.username)
    found += [s for s in parts.path.split("/") if len(s) >= _KEY_LENGTH and not s.endswith(".git")]
    found += [pair.partition("=")[2] for pair in parts.query.split("&")]
    both = dict.fromkeys([*found, *map(unquote, found)])
    return tuple(s for s in both if len(s) >= MIN_SECRET_LENGTH)


def mask_url(url: str) -> str:
    """Return `url` fit to be shown: its key parts replaced."""
    return Masker(url_secrets(url)).text(url)


class Masker:
    """Replaces known secrets, and their URL-quoted and JSON-escaped forms, in text and in byte streams."""

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
        if secret.startswith("0x"):
            forms.add(secret[2:].encode())
        self._secrets |= forms
        longest_first = sorted(self._secrets, key=lambda s: (-len(s), s))
        self._pattern = re.compile(b"|".join(re.escape(s) for s in longest_first))

    def add_url(self, url: str) -> None:
        """Mask the key parts of `url` from now on."""
        for secret in url_secrets(url):
            self.add(secret)

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
