"""Secrets are masked as the bytes arrive, so that no log, result or error ever holds one."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import quote, urlsplit

MASK = b"***"
#: shorter values would turn ordinary output into asterisks
MIN_SECRET_LENGTH = 4
#: query parameters and path segments of this length or more are taken for API keys
_KEY_LENGTH = 16


def url_secrets(url: str) -> tuple[str, ...]:
    """Return the parts of an RPC or Git URL that act as keys: password, long path segments, query values.

    A provider puts the key in the path (`/v2/<key>`), the query (`?apikey=<key>`) or the user part.
    """
    parts = urlsplit(url)
    found = [parts.password or ""]
    if parts.username and len(parts.username) >= _KEY_LENGTH:
        found.append(parts.username)
    found += [s for s in parts.path.split("/") if len(s) >= _KEY_LENGTH and not s.endswith(".git")]
    found += [pair.partition("=")[2] for pair in parts.query.split("&")]
    return tuple(s for s in found if len(s) >= MIN_SECRET_LENGTH)


def mask_url(url: str) -> str:
    """Return `url` fit to be shown: its key parts replaced."""
    return Masker(url_secrets(url)).text(url)


class Masker:
    """Replaces known secrets, and their URL-quoted forms, in text and in byte streams."""

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

    def held_back(self, data: bytes) -> int:
        """Return how many bytes at the end of `data` could be the beginning of a secret."""
        longest = max((len(s) for s in self._secrets), default=0)
        for length in range(min(longest - 1, len(data)), 0, -1):
            tail = data[-length:]
            if any(s.startswith(tail) for s in self._secrets):
                return length
        return 0


class MaskingStream:
    """Masks a byte stream whose chunks may cut a secret in two."""

    def __init__(self, masker: Masker) -> None:
        self._masker = masker
        self._rest = b""

    def feed(self, chunk: bytes) -> bytes:
        """Return what can be shown now; the possible beginning of a secret is held back."""
        data = self._masker.mask(self._rest + chunk)
        held = self._masker.held_back(data)
        self._rest = data[len(data) - held :] if held else b""
        return data[: len(data) - held]

    def close(self) -> bytes:
        """Return what was held back."""
        rest, self._rest = self._rest, b""
        return rest
