"""One root for every error a user can see: a stable code, the place, and what to do."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class ExitCode(IntEnum):
    """Exit codes of every command."""

    SUCCESS = 0
    #: a stage or a quality gate failed: the project is at fault
    FAILED = 1
    #: bad usage or configuration
    USAGE = 2
    #: a tool or the machine failed: the project may be fine
    MACHINE = 3
    #: waiting for an approval
    WAITING = 4
    CANCELLED = 130


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A position in a file. Lines and columns count from 1; 0 means unknown."""

    path: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        text = self.path
        if self.line:
            text += f":{self.line}"
            if self.column:
                text += f":{self.column}"
        return text


class ChainopsError(Exception):
    """Root of all errors that a user sees; subclasses set `code` and `exit_code`."""

    code: str = "GEN000"
    exit_code: ExitCode = ExitCode.MACHINE

    def __init__(
        self, message: str, *, hint: str = "", place: Place | None = None, code: str | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.place = place
        if code is not None:
            self.code = code

    def __str__(self) -> str:
        where = f"{self.place}: " if self.place else ""
        hint = f"\n  hint: {self.hint}" if self.hint else ""
        return f"{where}{self.message} [{self.code}]{hint}"


class InputError(ChainopsError):
    """Bad usage or configuration."""

    code = "GEN100"
    exit_code = ExitCode.USAGE


class ProjectError(ChainopsError):
    """The project under test is at fault: it does not compile, a test fails, a gate is missed."""

    code = "GEN200"
    exit_code = ExitCode.FAILED


class MachineError(ChainopsError):
    """A tool, the disk, the network or the machine is at fault."""

    code = "GEN300"
    exit_code = ExitCode.MACHINE


class InputErrors(InputError):
    """Several mistakes of one input, reported together."""

    code = "GEN101"

    def __init__(self, errors: tuple[ChainopsError, ...], *, what: str) -> None:
        self.errors = errors
        count = "1 mistake" if len(errors) == 1 else f"{len(errors)} mistakes"
        super().__init__(f"{what}: {count}")

    def __str__(self) -> str:
        return "\n".join([*(str(e) for e in self.errors), self.message])
