"""What can be wrong with a deployment before and after it is sent."""

from __future__ import annotations

from chainops.core.errors import InputError, ProjectError


class ManifestError(InputError):
    """The deploy manifest or a smoke check is wrong."""

    code = "DPL101"


class PlanChangedError(ProjectError):
    """What is to be done is not what was begun or approved."""

    code = "DPL201"


class ScriptError(ProjectError):
    """A deploy script failed or gave nothing to send."""

    code = "DPL202"
