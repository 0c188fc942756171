"""Finds the configuration that holds in a workspace, without reading it."""

from __future__ import annotations

import os
from pathlib import Path

from chainops.core.errors import InputError
from chainops.project.detect import nested_projects
from chainops.project.foundry_config import CONFIG_NAME as PROJECT_FILE
from chainops.project.settings import CONFIG_NAMES


def find_config(workspace: Path) -> Path | None:
    """Return the configuration that holds in a workspace, or None.

    Without one of its own, and without a project of its own, that is the one of the only project below it:
    what a run finds there is what it goes by. Raises `InputError` when there are two side by side.
    """
    own = _config_in(workspace)
    if own or (workspace / PROJECT_FILE).is_file():
        return own
    below = nested_projects(workspace)
    return _config_in(workspace / below[0]) if len(below) == 1 else None


def _config_in(folder: Path) -> Path | None:
    found = [folder / name for name in CONFIG_NAMES if os.path.lexists(folder / name)]
    if len(found) > 1:
        raise InputError(
            f"both {found[0].name} and {found[1].name} are in {folder}",
            hint="keep one of them",
            code="CFG108",
        )
    return found[0] if found else None


def shown(file: Path) -> str:
    """Name a file as the user would from where they stand."""
    try:
        return file.absolute().relative_to(Path.cwd()).as_posix()
    except ValueError:
        return str(file)
