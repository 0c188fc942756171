"""Refuses empty values on the command line: an unset variable leaves one, and nobody means it."""

from __future__ import annotations

import typer

from chainops.core.errors import InputError


def refuse_empty(context: typer.Context, parameter: typer.CallbackParam, value: str | None) -> str | None:
    """Let a value pass, and the default where none was given.

    Raises `InputError` for one that is given and blank: `cancel "$RUN"` must not mean the newest run.
    """
    source = context.get_parameter_source(parameter.name or "")
    if value is None or value.strip() or source is None or source.name == "DEFAULT":
        return value
    name = parameter.opts[0] if parameter.param_type_name == "option" else (parameter.name or "").upper()
    raise InputError(
        f"{name} is empty",
        hint="give a value, or leave it out where it may be: is a variable unset?",
        code="GEN102",
    )
