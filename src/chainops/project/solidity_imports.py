"""Reads the import statements of Solidity files, comments and strings respected."""

from __future__ import annotations

import re

from chainops.project.model import Import

#: comments, strings, the keyword and the statement's end; everything else does not matter
_TOKEN = re.compile(
    r"//[^\n]*|/\*.*?(?:\*/|\Z)"
    r"|(?P<text>\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*')"
    r"|(?P<keyword>(?<![\w$])import(?![\w$]))"
    r"|(?P<end>;)",
    re.DOTALL,
)


def read_imports(source: str) -> tuple[Import, ...]:
    """Return the imports of a source text, in order; broken code gives what can be recognised.

    All four forms: `import "x";`, `import "x" as y;`, `import * as y from "x";`, `import {a as b} from "x";`.
    """
    found: list[Import] = []
    importing = False
    for token in _TOKEN.finditer(source):
        if token["keyword"]:
            importing = True
        elif token["end"]:
            importing = False
        elif token["text"] and importing:
            importing = False
            start = token.start()
            line_start = source.rfind("\n", 0, start) + 1
            found.append(
                Import(
                    target=token["text"][1:-1],
                    line=source.count("\n", 0, start) + 1,
                    column=start - line_start + 1,
                )
            )
    return tuple(found)
