"""What can go wrong with an analyzer: it failed, or it does not exist."""

from __future__ import annotations

from chainops.core.errors import InputError, MachineError


class AnalyzerError(MachineError):
    """An analyzer did not run to its end, or its report is not what it should be: never a clean result."""

    code = "ANA301"


class UnknownAnalyzerError(InputError):
    """The configuration names an analyzer that does not exist."""

    code = "ANA101"
