"""What a person says for one run, beside the config."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """What differs from run to run and is not in the config."""

    #: id of a run to take up again, `latest` for the newest unfinished one; empty starts a new run
    resume: str = ""
    #: digests of production plans that are approved, in full
    approve: tuple[str, ...] = ()
    #: who approves, for the record
    approver: str = ""
    no_production: bool = False
    #: None leaves it to the config
    fail_fast: bool | None = None
