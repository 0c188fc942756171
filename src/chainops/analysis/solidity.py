"""Reads Solidity as tokens and bodies, so that code can be measured before it compiles."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

#: comments and strings first, so that nothing inside them is taken for code; an unclosed one ends the file
_TOKEN = re.compile(
    r"""(?P<comment>//[^\r\n]*|/\*.*?(?:\*/|\Z))
      |(?P<text>(?:unicode|hex)?(?:"(?:\\.|[^"\\\r\n])*"?|'(?:\\.|[^'\\\r\n])*'?))
      |(?P<word>[A-Za-z_$][\w$]*)
      |(?P<number>\d[\w.]*)
      |(?P<sign>&&|\|\||=>|->|:=|==|!=|<=|>=|\+\+|--|\*\*|<<=?|>>>?=?|[-+*/%&|^]=|[^\s])""",
    re.VERBOSE | re.DOTALL,
)


class TokenKind(StrEnum):
    """What a token is to the reader."""

    COMMENT = "comment"
    TEXT = "text"
    WORD = "word"
    NUMBER = "number"
    SIGN = "sign"


@dataclass(frozen=True, slots=True)
class Token:
    """One token and where it begins, in characters from the start of the file."""

    kind: TokenKind
    text: str
    offset: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """A function, constructor, modifier, fallback or receive that has a body."""

    #: `Contract.function`; a free function has no contract
    name: str
    #: the keyword's position
    offset: int
    #: behind the closing brace, or the end of the file when that is missing
    end: int
    parameters: int
    #: header and body, comments left out
    tokens: tuple[Token, ...]


@dataclass(frozen=True, slots=True)
class Lines:
    """Turns offsets into lines and columns, both counted from 1 and in characters."""

    starts: tuple[int, ...]

    @classmethod
    def of(cls, text: str) -> Lines:
        """Index the line starts of `text`; a line ends with `\\n`, `\\r\\n` or `\\r`."""
        return cls((0, *(m.end() for m in re.finditer(r"\r\n|\n|\r", text))))

    def at(self, offset: int) -> tuple[int, int]:
        """Return line and column of an offset."""
        line = bisect_right(self.starts, offset)
        return line, offset - self.starts[line - 1] + 1


def tokens(text: str) -> Iterator[Token]:
    """Yield the tokens of a source, comments included; never fails, whatever the text is."""
    for match in _TOKEN.finditer(text):
        yield Token(TokenKind(match.lastgroup or "sign"), match.group(), match.start())


_CONTAINERS = frozenset(("contract", "library", "interface"))
_CALLABLES = frozenset(("function", "constructor", "modifier", "fallback", "receive"))


def bodies(code: Sequence[Token], end: int) -> Iterator[Body]:
    """Yield every body among `code` (tokens without comments) of a source that ends at `end`, in order."""
    contract = ""
    contract_depth = 0
    depth = 0
    index = 0
    while index < len(code):
        token = code[index]
        if token.text == "{":
            depth += 1
        elif token.text == "}":
            depth = max(0, depth - 1)
            if contract and depth < contract_depth:
                contract = ""
        elif _is(token, _CONTAINERS) and not contract:
            named = _word_at(code, index + 1)
            if named:
                contract, contract_depth = named, depth + 1
        elif _is(token, _CALLABLES) and depth == bool(contract):
            body, index = _read_body(code, index, contract, end)
            if body:
                yield from _with_nested(body)
            continue
        index += 1


def _with_nested(body: Body) -> Iterator[Body]:
    """Yield a body without the functions that its assembly blocks define, then those on their own.

    Only Yul has named functions inside a body: Solidity's function types have no name.
    """
    own: list[Token] = [body.tokens[0]]
    inner: list[Body] = []
    index = 1
    while index < len(body.tokens):
        if body.tokens[index].text == "function" and _word_at(body.tokens, index + 1):
            nested, following = _read_body(body.tokens, index, body.name, body.end)
            if nested:
                inner.append(nested)
                index = following
                continue
        own.append(body.tokens[index])
        index += 1
    yield replace(body, tokens=tuple(own))
    for nested in inner:
        yield from _with_nested(nested)


def _is(token: Token, words: frozenset[str]) -> bool:
    return token.kind is TokenKind.WORD and token.text in words


def _word_at(code: Sequence[Token], index: int) -> str:
    if index < len(code) and code[index].kind is TokenKind.WORD:
        return code[index].text
    return ""


def _read_body(code: Sequence[Token], start: int, contract: str, end: int) -> tuple[Body | None, int]:
    """Read from a callable's keyword on; return its body, or None for a declaration, and where to go on."""
    keyword = code[start].text
    name = _word_at(code, start + 1) if keyword in ("function", "modifier") else keyword
    opening = _end_of_header(code, start + 1)
    if opening is None or code[opening].text != "{":
        return None, start + 1 if opening is None else opening
    closing = _matching_brace(code, opening)
    last = min(closing, len(code) - 1)
    body = Body(
        name=".".join(part for part in (contract, name or "fallback") if part),
        offset=code[start].offset,
        end=code[last].offset + 1 if closing < len(code) else end,
        parameters=_count_parameters(code, start + 1, opening),
        tokens=tuple(code[start : last + 1]),
    )
    return body, closing + 1


def _end_of_header(code: Sequence[Token], start: int) -> int | None:
    """Return where a header ends: at `{`, `;` or `}` outside parentheses; None when the file ends first."""
    nesting = 0
    for index in range(start, len(code)):
        text = code[index].text
        if text == "(":
            nesting += 1
        elif text == ")":
            nesting -= 1
        elif text in ("{", ";", "}") and nesting <= 0:
            return index
    return None


def _matching_brace(code: Sequence[Token], opening: int) -> int:
    depth = 0
    for index in range(opening, len(code)):
        if code[index].text == "{":
            depth += 1
        elif code[index].text == "}":
            depth -= 1
            if depth == 0:
                return index
    return len(code)


def _count_parameters(code: Sequence[Token], start: int, end: int) -> int:
    """Count the parameters in the first parentheses of a header."""
    nesting = commas = 0
    filled = False
    for token in code[start:end]:
        if token.text == "(":
            nesting += 1
        elif token.text == ")":
            nesting -= 1
            if nesting == 0:
                break
        elif nesting:
            filled = True
            commas += token.text == "," and nesting == 1
    return commas + 1 if filled else 0
