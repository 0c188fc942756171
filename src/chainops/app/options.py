"""What a person says for one run, beside the config."""

from __future__ import annotations

import re
from dataclasses import dataclass

from chainops.app.reopening import Rerun
from chainops.core.errors import InputError
from chainops.core.text import one_line

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


class ApprovalFormatError(InputError):
    """An approval names no plan."""

    code = "RUN104"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """What differs from run to run and is not in the config.

    Raises `ApprovalFormatError` for an approval that is no plan's digest.
    """

    #: id of a run to take up again, `latest` for the newest unfinished one; empty starts a new run
    resume: str = ""
    #: run these stages again of the run that `resume` names, whatever they ended with
    rerun: Rerun | None = None
    #: start a new run, also in CI where an interrupted one would be taken up
    new: bool = False
    #: digests of production plans that are approved, in full
    approve: tuple[str, ...] = ()
    #: who runs and approves, for the record; this process's user when left out
    approver: str = ""
    no_production: bool = False
    #: None leaves it to the config
    fail_fast: bool | None = None
    #: take nothing from the cache; what succeeds is stored all the same
    no_cache: bool = False
    #: say for each stage why it ran, or where its result was taken from
    explain_cache: bool = False

    def __post_init__(self) -> None:
        for digest in self.approve:
            if not _DIGEST.fullmatch(digest):
                raise ApprovalFormatError(
                    f"`{one_line(digest, 80)}` is not a plan's digest",
                    hint="a waiting run names it: sha256: and 64 hexadecimal digits",
                )
