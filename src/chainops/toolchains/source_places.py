"""Finds where contracts and functions stand in the sources, so that a test or a figure has file and line."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from chainops.core.errors import Place
from chainops.core.text import decode

#: what a gas report calls the constructor's run
DEPLOYMENT = "deployment"
#: how far before its name a variable's declaration may begin, in characters: no text may cost much time
_DECLARATION_LENGTH = 500


class SourcePlaces:
    """Reads each source once. `imports` says what a source imports, for what is inherited from elsewhere."""

    def __init__(self, root: Path, imports: Mapping[str, tuple[str, ...]] | None = None) -> None:
        self._root = root
        self._imports = imports or {}
        self._texts: dict[str, str] = {}

    def test(self, suite: str, test: str) -> Place | None:
        """Return the place of a test function: in its contract, or in a file from which it is inherited."""
        path, _, contract = suite.rpartition(":")
        name = test.partition("(")[0]
        for current in self._reached(path):
            line = function_line(self._text(current), name, contract if current == path else "")
            if line:
                return Place(current, line)
        return Place(path) if path else None

    def contract_line(self, path: str, name: str) -> int:
        """Return the line on which a contract is declared; 0 when it is not found."""
        return contract_line(self._text(path), name)

    def function(self, fqn: str, signature: str) -> Place | None:
        """Return the place of a function, of a public variable that answers as one, or of the constructor.

        It is looked for where the contract stands and in what that imports; the contract's own line is the
        answer when it is in none of them.
        """
        path, _, contract = fqn.rpartition(":")
        if not path:
            return None
        declared = self.contract_line(path, contract)
        for current in self._reached(path) if signature != DEPLOYMENT else (path,):
            line = callable_line(self._text(current), signature, contract if current == path else "")
            if line:
                return Place(current, line)
        return Place(path, declared)

    def _reached(self, path: str) -> Iterator[str]:
        seen: set[str] = set()
        waiting = [path]
        while waiting:
            current = waiting.pop(0)
            if current not in seen:
                seen.add(current)
                yield current
                waiting.extend(self._imports.get(current, ()))

    def _text(self, path: str) -> str:
        if path not in self._texts:
            file = self._root / path
            # a path in a report is not ours: it must not make us read elsewhere
            inside = file.resolve().is_relative_to(self._root.resolve())
            self._texts[path] = decode(file.read_bytes()) if inside and file.is_file() else ""
        return self._texts[path]


def contract_line(text: str, name: str) -> int:
    """Return the line on which a contract, library or interface is declared; 0 when it is not there."""
    found = _declaration(text, name)
    return _line(text, found.start()) if found else 0


def function_line(text: str, function: str, contract: str) -> int:
    """Return the line on which a function is defined, in `contract` if it is there; 0 when it is nowhere."""
    definition = re.compile(rf"^[ \t]*function\s+{re.escape(function)}\s*\(", re.MULTILINE)
    head = _declaration(text, contract) if contract else None
    found = definition.search(text, head.end() if head else 0) or definition.search(text)
    return _line(text, found.start()) if found else 0


def callable_line(text: str, signature: str, contract: str) -> int:
    """Return the line of what answers to `signature`; 0 when it is not in `text`.

    Of overloads it is the one with as many parameters. `deployment` means the constructor of `contract`.
    """
    head = _declaration(text, contract) if contract else None
    if contract and not head:
        return 0
    start = head.end() if head else 0
    if signature == DEPLOYMENT:
        after = re.compile(r"^[ \t]*(?:constructor\s*\(|(?:abstract\s+)?contract\s)", re.MULTILINE)
        own = after.search(text, start)
        return _line(text, own.start()) if own and "constructor" in own[0] else 0
    name, _, parameters = signature.partition("(")
    # with a body: an interface only promises the function
    definitions = re.compile(
        rf"^[ \t]*function\s+{re.escape(name)}\s*\(([^)]*)\)[^;{{}}]{{0,1000}}\{{", re.MULTILINE
    )
    found = list(definitions.finditer(text, start))
    wanted = _count(parameters.removesuffix(")"))
    fitting = next((f for f in found if _count(f[1]) == wanted), found[0] if found else None)
    return _line(text, fitting.start()) if fitting else _getter_line(text, name, start)


def _getter_line(text: str, name: str, start: int) -> int:
    """Return the line of a public variable, which has a getter of its name; 0 when there is none."""
    for found in re.finditer(rf"\b{re.escape(name)}\s*[;=]", text[start:]):
        before = text[max(start, start + found.start() - _DECLARATION_LENGTH) : start + found.start()]
        if re.search(r"\bpublic\b", re.split(r"[;{}\n]", before)[-1]):
            return _line(text, start + found.start())
    return 0


def _declaration(text: str, name: str) -> re.Match[str] | None:
    return re.search(
        rf"^[ \t]*(?:abstract[ \t]+)?(?:contract|library|interface)\s+{re.escape(name)}\b", text, re.MULTILINE
    )


def _count(parameters: str) -> int:
    """Return how many parameters a list has; a tuple is one."""
    flat = re.sub(r"\([^()]*\)", "", parameters)
    return flat.count(",") + 1 if parameters.strip() else 0


def _line(text: str, offset: int) -> int:
    return text.count("\n", 0, offset) + 1
