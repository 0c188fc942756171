"""Measures functions and files: cyclomatic complexity, Halstead volume, lines of code and of comment."""

from __future__ import annotations

import math

from chainops.analysis.model import FileMetrics, FunctionComplexity
from chainops.analysis.solidity import Body, Lines, Token, TokenKind, bodies, tokens
from chainops.core.errors import Place

#: each opens one more path: McCabe, "A Complexity Measure", IEEE TSE SE-2(4), 1976, with a path for each
#: short-circuiting operand. `while` counts a do-while once, `case` is a branch of Yul's switch, and a try
#: has as many extra paths as `catch` clauses.
_DECISION_WORDS = frozenset(("if", "for", "while", "catch", "case"))
_DECISION_SIGNS = frozenset(("&&", "||", "?"))


def measure(path: str, text: str) -> FileMetrics:
    """Measure one Solidity source; `path` is what places will say. Never fails, whatever the text is."""
    every = list(tokens(text))
    lines = Lines.of(text)
    code = [t for t in every if t.kind is not TokenKind.COMMENT]
    code_lines = _occupied(code, lines)
    comment_lines = _occupied([t for t in every if t.kind is TokenKind.COMMENT], lines)
    return FileMetrics(
        path=path,
        code_lines=len(code_lines),
        comment_lines=len(comment_lines),
        functions=tuple(_function(path, body, lines) for body in bodies(code, len(text))),
    )


def complexity(code: tuple[Token, ...]) -> int:
    """Return decision points + 1 of a body's tokens."""
    return 1 + sum(
        token.text in (_DECISION_WORDS if token.kind is TokenKind.WORD else _DECISION_SIGNS)
        for token in code
        if token.kind in (TokenKind.WORD, TokenKind.SIGN)
    )


def halstead_volume(code: tuple[Token, ...]) -> float:
    """Return N·log2(n) in bits: N tokens, n distinct ones (Halstead, Elements of Software Science, 1977).

    Words, numbers and texts count as operands or operators alike: only their sum enters the volume. A
    closing bracket belongs to its opening one.
    """
    counted = [t.text for t in code if t.text not in (")", "]", "}")]
    distinct = len(set(counted))
    return len(counted) * math.log2(distinct) if distinct > 1 else 0.0


def _function(path: str, body: Body, lines: Lines) -> FunctionComplexity:
    line, column = lines.at(body.offset)
    return FunctionComplexity(
        name=body.name,
        place=Place(path, line, column),
        complexity=complexity(body.tokens),
        lines=len(_occupied(list(body.tokens), lines)),
        parameters=body.parameters,
        halstead_volume=round(halstead_volume(body.tokens), 1),
        end_line=lines.at(max(body.offset, body.end - 1))[0],
    )


def _occupied(of: list[Token], lines: Lines) -> set[int]:
    occupied: set[int] = set()
    for token in of:
        first, _ = lines.at(token.offset)
        last, _ = lines.at(token.offset + len(token.text) - 1)
        occupied.update(range(first, last + 1))
    return occupied
