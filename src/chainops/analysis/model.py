"""What every analyzer's report is turned into, so that one policy can judge them all."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from chainops.core.errors import Place
from chainops.core.hashing import digest_json


class Severity(IntEnum):
    """How bad a finding is; the order is that of `fail_on`."""

    INFO = 0
    LOW = 1
    MEDIUM = 2
    HIGH = 3
    CRITICAL = 4

    @property
    def label(self) -> str:
        """The name as it stands in configs and reports."""
        return self.name.lower()

    @classmethod
    def parse(cls, text: str) -> Severity:
        """Return the severity named `text` in any case; raises KeyError for an unknown one."""
        return cls[text.strip().upper()]


class Confidence(IntEnum):
    """How sure the analyzer is."""

    LOW = 1
    MEDIUM = 2
    HIGH = 3

    @property
    def label(self) -> str:
        """The name as it stands in reports."""
        return self.name.lower()


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing an analyzer objects to."""

    #: the analyzer, such as `slither`
    tool: str
    #: the analyzer's own rule name, such as `reentrancy-eth`
    rule: str
    severity: Severity
    confidence: Confidence
    #: one sentence, cleaned of control characters
    message: str
    #: relative to the project's root; the first is the place to show
    places: tuple[Place, ...] = ()
    #: the source line(s) at the first place, as written
    excerpt: str = ""
    #: why it matters and what to do
    explanation: str = ""
    #: a page about the rule
    url: str = ""
    #: equal for the same finding after its lines have moved; see `fingerprint`
    fingerprint: str = ""
    #: why it does not count: a comment in the source or a baseline entry; empty when it counts
    suppressed_by: str = ""
    #: other analyzers that say the same of the same place, as `tool:rule`
    also: tuple[str, ...] = ()
    #: the enclosing `Contract.function`, as far as it is known
    symbol: str = ""


def fingerprint(*, tool: str, rule: str, path: str, symbol: str, excerpt: str, ordinal: int = 0) -> str:
    """Identify a finding by what it is about and not by where it stands.

    `symbol` is the enclosing contract and function, `excerpt` the source at the place (white space is
    folded), `ordinal` tells apart equal ones in a file. Line numbers take no part, so moved code keeps it.
    """
    folded = " ".join(excerpt.split())
    return digest_json([tool, rule, path, symbol, folded, ordinal]).removeprefix("sha256:")[:20]


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionComplexity:
    """Size and cyclomatic complexity of one function (McCabe: decision points + 1)."""

    #: `Contract.function`; `constructor`, `fallback` and `receive` stand for themselves
    name: str
    place: Place
    complexity: int
    #: lines that hold code
    lines: int = 0
    parameters: int = 0
    #: Halstead's volume in bits, for the maintainability index
    halstead_volume: float = 0.0
    end_line: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class FileMetrics:
    """Size figures of a source file, for the maintainability index."""

    path: str
    code_lines: int
    comment_lines: int
    functions: tuple[FunctionComplexity, ...] = ()
