"""The language of `when`: says in one line under which circumstances a stage runs.

    condition  = or
    or         = and { "or" and }
    and        = not { "and" not }
    not        = "not" not | "(" or ")" | call | comparison
    call       = "changed" "(" text { "," text } ")"
    comparison = name [ ( "==" | "!=" | "matches" ) text ]
    name       = "branch" | "tag" | "event" | "network" | "pull_request" | "ci" | "true" | "false"

Texts stand in single or double quotes. A name alone is true when it is not empty. `matches` takes a glob, and
so does `changed`, which is true when any file that differs from the base fits one of its globs, or when it is
not known what differs. Nothing is evaluated by Python.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from chainops.core.config_mistakes import nearest
from chainops.core.globs import matches_glob

_TOKEN = re.compile(
    r"\s*(?:(?P<text>\"[^\"]*\"|'[^']*')|(?P<word>[A-Za-z_][A-Za-z0-9_]*)|(?P<sign>==|!=|[(),]))"
)
_KEYWORDS = ("and", "or", "not", "matches", "changed", "true", "false")
NAMES = ("branch", "tag", "event", "network", "pull_request", "ci")
MAX_LENGTH = 1000
_MAX_DEPTH = 30


class ConditionError(ValueError):
    """A condition cannot be read; `column` counts from 1 within it."""

    def __init__(self, message: str, column: int, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.column = column
        self.hint = hint


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """The circumstances of a run."""

    branch: str = ""
    tag: str = ""
    #: `push`, `pull_request`, `schedule`, `manual` …, as the CI system calls it; `local` outside of one
    event: str = "local"
    network: str = ""
    pull_request: bool = False
    ci: bool = False
    #: files that differ from the base, relative to the project; None when that is not known
    changed: tuple[str, ...] | None = None

    def text(self, name: str) -> str:
        """Return the value that `name` stands for; flags are `true` or empty."""
        value = getattr(self, name)
        return ("true" if value else "") if isinstance(value, bool) else str(value)


Condition = Callable[[Facts], bool]


def parse_condition(text: str) -> Condition:
    """Return the condition that `text` describes. Raises `ConditionError`."""
    if len(text) > MAX_LENGTH:
        raise ConditionError(f"longer than {MAX_LENGTH} characters", 1)
    parser = _Parser(text)
    condition = parser.either(0)
    parser.end()
    return condition


def is_met(text: str, facts: Facts) -> bool:
    """Whether the condition holds; an empty one always does."""
    return not text.strip() or parse_condition(text)(facts)


def asks_for_changes(text: str) -> bool:
    """Whether a condition needs to know what differs from the base. Raises `ConditionError`."""
    if not text.strip():
        return False
    parser = _Parser(text)
    parser.either(0)
    return parser.asks_for_changes


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = self._scan(text)
        self._at = 0
        self.asks_for_changes = False

    @staticmethod
    def _scan(text: str) -> list[tuple[str, str, int]]:
        tokens: list[tuple[str, str, int]] = []
        at = 0
        while text[at:].strip():
            match = _TOKEN.match(text, at)
            if match is None:
                start = at + len(text[at:]) - len(text[at:].lstrip())
                what = "a quote that is not closed" if text[start] in "\"'" else f"`{text[start]}`"
                hint = "two equal signs compare" if text[start] == "=" else ""
                raise ConditionError(f"{what} is not understood here", start + 1, hint)
            kind = str(match.lastgroup)
            tokens.append((kind, match[kind], match.start(kind) + 1))
            at = match.end()
        return tokens

    def _peek(self) -> tuple[str, str, int]:
        return self._tokens[self._at] if self._at < len(self._tokens) else ("end", "", len(self._text) + 1)

    def _take(self, *values: str) -> str:
        kind, value, _ = self._peek()
        if kind != "text" and value in values:
            self._at += 1
            return value
        return ""

    def _demand(self, value: str) -> None:
        if not self._take(value):
            _, found, column = self._peek()
            raise ConditionError(f"`{value}` is missing before `{found or 'the end'}`", column)

    def end(self) -> None:
        kind, found, column = self._peek()
        if kind != "end":
            raise ConditionError(f"`{found}` does not fit here", column, "join conditions with `and` or `or`")

    def either(self, depth: int) -> Condition:
        parts = [self._both(depth)]
        while self._take("or"):
            parts.append(self._both(depth))
        return lambda facts: any(part(facts) for part in parts)

    def _both(self, depth: int) -> Condition:
        parts = [self._negated(depth)]
        while self._take("and"):
            parts.append(self._negated(depth))
        return lambda facts: all(part(facts) for part in parts)

    def _negated(self, depth: int) -> Condition:
        if depth > _MAX_DEPTH:
            raise ConditionError("nested too deep", self._peek()[2])
        if self._take("not"):
            inner = self._negated(depth + 1)
            return lambda facts: not inner(facts)
        if self._take("("):
            inner = self.either(depth + 1)
            self._demand(")")
            return inner
        if self._take("changed"):
            return self._changed()
        return self._comparison()

    def _changed(self) -> Condition:
        self.asks_for_changes = True
        self._demand("(")
        globs = [self._quoted()]
        while self._take(","):
            globs.append(self._quoted())
        self._demand(")")
        return lambda facts: (
            facts.changed is None or any(matches_glob(path, glob) for path in facts.changed for glob in globs)
        )

    def _comparison(self) -> Condition:
        if word := self._take("true", "false"):
            return lambda _facts: word == "true"
        name = self._name()
        sign = self._take("==", "!=", "matches")
        if not sign:
            return lambda facts: facts.text(name) != ""
        wanted = self._quoted()
        if sign == "matches":
            return lambda facts: matches_glob(facts.text(name), wanted)
        return lambda facts: (facts.text(name) == wanted) == (sign == "==")

    def _name(self) -> str:
        kind, value, column = self._peek()
        if kind == "word" and value in NAMES:
            self._at += 1
            return value
        close = nearest(value, [*NAMES, *_KEYWORDS]) if kind == "word" else ""
        hint = f"did you mean `{close}`?" if close else "known: " + ", ".join(NAMES)
        what = (
            f"`{value}` is not a name that is known here"
            if kind != "end"
            else "the condition is not complete"
        )
        raise ConditionError(what, column, hint)

    def _quoted(self) -> str:
        kind, value, column = self._peek()
        if kind != "text":
            raise ConditionError("a text in quotes is missing here", column, 'such as branch == "main"')
        self._at += 1
        return value[1:-1]
