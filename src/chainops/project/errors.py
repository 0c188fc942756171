"""What can be wrong with a project before anything is built."""

from __future__ import annotations

from chainops.core.errors import InputError, ProjectError


class NoProjectError(InputError):
    """The folder is not a project that chainops can take."""

    code = "PRJ101"


class BadProjectError(ProjectError):
    """The project's own configuration cannot be read."""

    code = "PRJ201"
