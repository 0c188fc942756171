"""`chainops schema`: JSON Schemas of what chainops reads and writes."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from chainops.cli.output import emit
from chainops.core.errors import InputError

#: what there is a schema of
_SCHEMAS = ("config", "result")


def command(
    of: Annotated[
        str, typer.Argument(help="`config` for chainops.yaml, `result` for result.json.")
    ] = "config",
    as_json: Annotated[bool, typer.Option("--json", help="Changes nothing: a schema is JSON.")] = True,
) -> None:
    """Print the JSON Schema of chainops.yaml or result.json, for editors and programs."""
    emit(_schema(of), "", as_json=as_json)


def _schema(of: str) -> dict[str, Any]:
    if of == "config":
        from chainops.app.config import json_schema

        return json_schema()
    if of == "result":
        from chainops.report.schema import result_schema

        return result_schema()
    raise InputError(f"there is no schema of `{of}`", hint="known: " + ", ".join(_SCHEMAS), code="GEN110")
