"""What can go wrong with a toolchain itself, as opposed to the project it builds."""

from __future__ import annotations

from chainops.core.errors import InputError, MachineError


class ToolchainConfigError(InputError):
    """The toolchain's own configuration (foundry.toml) cannot be read."""

    code = "TCH101"


class ToolchainOutputError(MachineError):
    """A tool ended, was killed, or printed something that is not the report it was asked for."""

    code = "TCH301"


class ToolchainTimeoutError(MachineError):
    """A tool reached its time limit."""

    code = "TCH302"
