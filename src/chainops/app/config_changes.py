"""A run that is taken up again goes on under the settings that it began with: they judged what it found."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from chainops.app.config import Config, LoadedConfig
from chainops.core.errors import InputError
from chainops.core.text import plural
from chainops.pipeline.model import RunRecord

#: names, how fast it goes, where results are kept: they change nothing that a run finds
_FREE = frozenset({"pipeline_id", "project_name", "max_parallel", "fail_fast", "cache", "database"})


class ConfigChangedError(InputError):
    """The configuration is not the one that a run began with."""

    code = "RUN103"


def refuse_changed_config(run: RunRecord, loaded: LoadedConfig) -> None:
    """Raise `ConfigChangedError` when settings differ from those that `run` began with.

    The values of secrets may differ, as only their references are recorded.
    """
    changed = changed_settings(run.config, loaded)
    if changed:
        named = ", ".join(f"`{name}`" for name in changed)
        raise ConfigChangedError(
            f"run {run.run_id} cannot go on: {plural(len(changed), 'setting')} changed since it began: "
            f"{named}",
            hint="take the change back, or start a new run with `chainops run`",
        )


def changed_settings(before: Mapping[str, Any], loaded: LoadedConfig) -> tuple[str, ...]:
    """Return the names of the top-level settings that do not hold as they did; defaults count as settings."""
    now = loaded.recorded(defaults=True)
    try:
        then = Config.model_validate(before).public(defaults=True)
    except ValidationError:  # recorded by another version: what it left to its defaults is not known
        then, now = dict(before), loaded.recorded()
    names = sorted((then.keys() | now.keys()) - _FREE)
    return tuple(name for name in names if then.get(name) != now.get(name))
