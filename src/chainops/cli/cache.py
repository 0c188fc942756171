"""`chainops cache`: what results of earlier runs are kept, and how to have less of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from chainops.cli.output import emit
from chainops.core.errors import InputError
from chainops.core.text import plural
from chainops.core.units import format_bytes

if TYPE_CHECKING:
    from chainops.pipeline.cache.prune import Limits
    from chainops.pipeline.cache.settings import CacheSettings
    from chainops.pipeline.cache.store import CacheStore

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    no_args_is_help=True,
    help="Show what the cache of stages holds, and make it smaller.",
)

Workspace = Annotated[Path, typer.Option("--workspace", "-w", help="The folder given to `chainops run`.")]
Config = Annotated[
    Path | None, typer.Option("--config", "-c", help="Configuration to use instead of chainops.yaml.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command("info")
def info(workspace: Workspace = Path(), config: Config = None, as_json: AsJson = False) -> None:
    """Say where the cache lies, how much it holds, and of which stages."""
    from chainops.pipeline.cache.prune import measure

    store, settings = _open(workspace, config)
    size = measure(store)
    lines = [
        f"{store.root}: {plural(size.entries, 'result')}, {format_bytes(size.size_bytes)}"
        + (f" of {settings.max_size}" if settings.max_size else ""),
        *(f"  {stage}: {plural(count, 'result')}" for stage, count in size.by_stage.items()),
    ]
    if size.damaged:
        lines.append(f"  damaged: {size.damaged}, which no run takes and `chainops cache prune` removes")
    shown = {
        "path": store.root,
        "enabled": settings.enabled,
        "entries": size.entries,
        "damaged": size.damaged,
        "size_bytes": size.size_bytes,
        "stages": size.by_stage,
        "max_size": settings.max_size,
        "max_age": settings.max_age,
    }
    emit(shown, "\n".join(lines), as_json=as_json)


@app.command("prune")
def prune_cache(
    workspace: Workspace = Path(),
    config: Config = None,
    max_size: Annotated[
        str, typer.Option("--max-size", help="Keep no more than this, such as `500 MB`.")
    ] = "",
    max_age: Annotated[
        str, typer.Option("--max-age", help="Keep nothing unused for longer, such as `12h` or `30d`.")
    ] = "",
    everything: Annotated[bool, typer.Option("--all", help="Keep nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Remove results that exceed the limits of the config, or those given, and what is damaged."""
    from chainops.pipeline.cache.prune import measure, prune

    store, settings = _open(workspace, config)
    done = prune(store, _limits(settings, max_size, max_age), everything=everything)
    left = measure(store)
    text = (
        f"{plural(done.entries, 'result')} removed, {format_bytes(done.size_bytes)} freed; "
        f"{plural(left.entries, 'result')} left, {format_bytes(left.size_bytes)}"
    )
    shown = {
        "removed": done.entries,
        "freed_bytes": done.size_bytes,
        "entries": left.entries,
        "size_bytes": left.size_bytes,
    }
    emit(shown, text, as_json=as_json)


def _open(workspace: Path, config: Path | None) -> tuple[CacheStore, CacheSettings]:
    from chainops.app.caching import cache_path
    from chainops.app.config import load_config
    from chainops.pipeline.cache.store import CacheStore

    settings = load_config(workspace, path=config, resolve=False).config.cache
    return CacheStore(cache_path(workspace.absolute(), settings)), settings


def _limits(settings: CacheSettings, max_size: str, max_age: str) -> Limits:
    from chainops.app.caching import cache_limits

    changed = {"max_size": max_size or settings.max_size, "max_age": max_age or settings.max_age}
    try:
        return cache_limits(settings.model_copy(update=changed))
    except ValueError as error:
        hint = "sizes such as 500 MB, ages such as 30d"
        raise InputError(str(error), hint=hint, code="CCH101") from error
