"""What can go wrong between a tool's name and its verified program."""

from __future__ import annotations

from chainops.core.errors import ExitCode, MachineError


class ToolError(MachineError):
    """A tool is unknown, cannot be installed or is not what the lock says."""

    code = "TLS300"


class UnknownToolError(ToolError):
    """No such tool, or no such release of it, is in the lock."""

    code = "TLS301"
    exit_code = ExitCode.USAGE


class InstallError(ToolError):
    """The registry's client failed: no network, no such package, no space."""

    code = "TLS302"


class IntegrityError(ToolError):
    """A package is not the one that the lock pins."""

    code = "TLS303"


class ChangedToolError(ToolError):
    """An installed tool's files are not those that were installed."""

    code = "TLS304"


class SystemToolError(ToolError):
    """The user's own binary was asked for and is missing, too old or does not answer."""

    code = "TLS305"
