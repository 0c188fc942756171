"""What can go wrong with an analyzer: it failed, or the sources cannot be read by it."""

from __future__ import annotations

from chainops.core.errors import InputError, MachineError, ProjectError


class AnalyzerError(MachineError):
    """An analyzer did not run to its end, or its report is not what it should be: never a clean result."""

    code = "ANA301"


class UnreadableSourceError(ProjectError):
    """An analyzer could not read the project's sources: they do not compile."""

    code = "ANA201"


class UnknownAnalyzerError(InputError):
    """The configuration names an analyzer that does not exist."""

    code = "ANA101"
