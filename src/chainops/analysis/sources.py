"""Looks up what stands at a place: the excerpt, line and column of a byte, the enclosing function."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path

from chainops.analysis.solidity import Body, Lines, TokenKind, bodies, tokens
from chainops.core.text import clean, decode, shorten

_EXCERPT_CHARACTERS = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceText:
    """One source, indexed. Lines and columns count from 1, columns in characters."""

    raw: bytes
    text: str
    lines: tuple[str, ...]
    bodies: tuple[Body, ...]
    index: Lines
    #: containers' names with the offset where each begins
    contracts: tuple[tuple[int, str], ...] = ()

    @classmethod
    def of(cls, raw: bytes) -> SourceText:
        """Index a file's bytes."""
        text = decode(raw)
        code = [t for t in tokens(text) if t.kind is not TokenKind.COMMENT]
        named = tuple(
            (token.offset, following.text)
            for token, following in pairwise(code)
            if token.text in ("contract", "library", "interface") and following.kind is TokenKind.WORD
        )
        return cls(
            raw=raw,
            text=text,
            lines=tuple(text.splitlines()),
            # their tokens take some twenty times the text, in every linter's copy
            bodies=tuple(replace(body, tokens=()) for body in bodies(code, len(text))),
            index=Lines.of(text),
            contracts=named,
        )

    def place_of_byte(self, start: int) -> tuple[int, int]:
        """Return line and column of a byte offset, as compilers give them; the end for one beyond it."""
        return self.index.at(len(decode(self.raw[: max(0, start)])))

    def excerpt(self, line: int, last: int = 0) -> str:
        """Return the lines `line`–`last` without their common margin, cleaned and cut; empty when outside."""
        if not 1 <= line <= len(self.lines):
            return ""
        chosen = self.lines[line - 1 : max(line, last)]
        margin = min((len(t) - len(t.lstrip()) for t in chosen if t.strip()), default=0)
        return shorten(clean("\n".join(t[margin:].rstrip() for t in chosen)), _EXCERPT_CHARACTERS)

    def symbol(self, line: int) -> str:
        """Return the function around a line as `Contract.function`, else the contract, else nothing."""
        if not 1 <= line <= len(self.index.starts):
            return ""
        start = self.index.starts[line - 1]
        after = self.index.starts[line] if line < len(self.index.starts) else len(self.text) + 1
        inside = [body for body in self.bodies if body.offset < after and body.end > start]
        if inside:
            return max(inside, key=lambda body: body.offset).name
        position = bisect_right(self.contracts, (after, "")) - 1
        return self.contracts[position][1] if position >= 0 else ""


@dataclass(slots=True)
class Sources:
    """Reads and keeps the sources of one analysis. A file outside the root, or unreadable, is empty."""

    root: Path
    _read: dict[str, SourceText] = field(default_factory=dict)

    def __getitem__(self, path: str) -> SourceText:
        if path not in self._read:
            self._read[path] = SourceText.of(self._bytes(path))
        return self._read[path]

    def relative(self, path: str) -> str:
        """Return a tool's path relative to the root, with forward slashes; as it is when outside."""
        given = Path(path)
        try:
            absolute = given if given.is_absolute() else self.root / given
            return absolute.relative_to(self.root).as_posix()
        except ValueError:
            return self._resolved(given)

    def _resolved(self, given: Path) -> str:
        # a tool resolves symbolic links (/tmp on some systems), we keep the path we were given
        try:
            return given.resolve().relative_to(self.root.resolve()).as_posix()
        except (OSError, ValueError):
            return given.as_posix()

    def _bytes(self, path: str) -> bytes:
        try:
            full = (self.root / path).resolve()
            return full.read_bytes() if full.is_relative_to(self.root.resolve()) else b""
        except (OSError, ValueError):
            return b""
