"""What can be wrong with the committed baseline."""

from __future__ import annotations

from chainops.core.errors import InputError


class BaselineError(InputError):
    """The baseline file cannot be read as one."""

    code = "BAS101"


class NoResultError(InputError):
    """There is no run whose result could become a baseline."""

    code = "BAS102"
