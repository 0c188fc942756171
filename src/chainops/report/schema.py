"""The published JSON Schema of result.json, and reading a result.json that somebody else may have written."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any, cast

from chainops.core.errors import InputError, Place
from chainops.report.document import SCHEMA_VERSION

RESULT_NAME = "result.json"
_NEEDED = ("schema_version", "run_id", "status", "stages", "gates", "artifacts")


class ResultError(InputError):
    """A result document cannot be read, or is not one."""

    code = "REP101"


def result_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of result.json."""
    resource = files("chainops.report") / "result.schema.json"
    return cast("dict[str, Any]", json.loads(resource.read_text(encoding="utf-8")))


def read_document(path: Path) -> dict[str, Any]:
    """Read a result.json. Raises `ResultError` when it is absent, no JSON, or of another kind or version."""
    try:
        document = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise ResultError(
            f"{path} does not exist", hint="the run has not ended yet, or its report was removed"
        ) from None
    except OSError as error:
        raise ResultError(f"cannot read {path}: {error.strerror}") from error
    except json.JSONDecodeError as error:
        raise ResultError(
            f"not JSON: {error.msg}", place=Place(str(path), error.lineno, error.colno)
        ) from error
    except (ValueError, RecursionError) as error:
        raise ResultError(f"not JSON: {type(error).__name__}", place=Place(str(path))) from error
    return check_document(document, path)


def check_document(document: Any, path: Path) -> dict[str, Any]:
    """Return `document` if it is a result document of a version that we can read."""
    if not isinstance(document, Mapping):
        raise ResultError("not a result document: should be an object", place=Place(str(path)))
    missing = [key for key in _NEEDED if key not in document]
    if missing:
        raise ResultError(f"not a result document: no {', '.join(missing)}", place=Place(str(path)))
    if document["schema_version"] != SCHEMA_VERSION:
        raise ResultError(
            f"written in form {document['schema_version']!r}, this chainops reads form {SCHEMA_VERSION}",
            place=Place(str(path)),
            hint="use the chainops that made it",
        )
    return dict(document)
