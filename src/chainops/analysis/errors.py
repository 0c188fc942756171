"""What can go wrong with an analyzer: it failed."""

from __future__ import annotations

from chainops.core.errors import MachineError


class AnalyzerError(MachineError):
    """An analyzer did not run to its end, or its report is not what it should be: never a clean result."""

    code = "ANA301"
