"""`chainops config`: what a configuration says, and every mistake in it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from chainops.cli.output import emit

if TYPE_CHECKING:
    from chainops.app.config import LoadedConfig

app = typer.Typer(
    add_completion=False, rich_markup_mode=None, no_args_is_help=True, help="Check the configuration."
)


PathArgument = Annotated[Path, typer.Argument(help="Folder of the project, or a configuration file.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command("check")
def check(
    path: PathArgument = Path(),
    resolve: Annotated[
        bool, typer.Option("--resolve", help="Also demand every ${VAR} and secret, as a run does.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show every mistake of the configuration with its place; exit code 2 when there is one."""
    loaded = _load(path, resolve=resolve)
    data = {"valid": True, "path": str(loaded.path or ""), "config": loaded.config.public()}
    emit(data, f"{_name(loaded)}: valid", as_json=as_json)


@app.command("show")
def show(path: PathArgument = Path(), as_json: AsJson = False) -> None:
    """Show every setting as it holds, defaults included; secrets stay references."""
    loaded = _load(path, resolve=False)
    effective = loaded.config.public(defaults=True)
    emit(effective, "" if as_json else f"# {_name(loaded)}\n" + _yaml(effective), as_json=as_json)


def _load(path: Path, *, resolve: bool) -> LoadedConfig:
    from chainops.app.config import load_config

    file, workspace = (path, path.absolute().parent) if path.is_file() else (None, path)
    return load_config(workspace, path=file, resolve=resolve)


def _name(loaded: LoadedConfig) -> str:
    return loaded.document.path if loaded.path else f"no configuration in {loaded.workspace}, the defaults"


def _yaml(values: dict[str, object]) -> str:
    import yaml

    return str(yaml.safe_dump(values, sort_keys=False, allow_unicode=True)).rstrip()
