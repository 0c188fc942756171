"""`chainops baseline`: what a project accepts today, written to a file that is reviewed and committed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from chainops.cli.output import emit, note

if TYPE_CHECKING:
    from chainops.quality.update import BaselineUpdate

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    no_args_is_help=True,
    help="Accept gas, sizes and findings of a run for later comparison.",
)

_LISTED = 20


@app.command("update")
def update(
    path: Annotated[Path, typer.Argument(help="The folder given to `chainops run`.")] = Path(),
    run: Annotated[
        str, typer.Option("--run", "-r", help="A run's id or the beginning of it; the newest if left out.")
    ] = "",
    reason: Annotated[
        str, typer.Option(help="Why new findings are accepted; without it they are listed and still count.")
    ] = "",
    min_severity: Annotated[
        Literal["info", "low", "medium", "high", "critical"],
        typer.Option(help="Least severity of a new finding that is entered."),
    ] = "low",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would change and write nothing.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Write gas, sizes and findings of a run to the baseline file, and show what changed."""
    from chainops.analysis.model import Severity
    from chainops.core.files import write_atomic
    from chainops.core.serial import to_json
    from chainops.quality.baseline import Baseline, read_baseline, render
    from chainops.quality.update import update_baseline

    result = _result(path, run)
    target = _target(path, result)
    old = read_baseline(target) or Baseline()
    changes = update_baseline(result, old, reason=reason, least=Severity.parse(min_severity))
    if not dry_run:
        write_atomic(target, render(changes.baseline))
    _note_open(changes, target, result["run_id"])
    data = {"path": target, "run_id": result["run_id"], "written": not dry_run, **to_json(changes)}
    del data["baseline"]
    data["baseline"] = to_json(changes.baseline)
    head = f"{target}: {'would be ' if dry_run else ''}written from run {result['run_id']}"
    emit(data, "\n".join([head, *_told(changes)]), as_json=as_json)


def _note_open(changes: BaselineUpdate, target: Path, run_id: str) -> None:
    """Tell what the new baseline leaves to be done."""
    for section in changes.kept:
        note(f"{section}: not measured by run {run_id}, left as it was")
    unexplained = [entry for entry in changes.baseline.findings if not entry.reason]
    if unexplained:
        note(
            f"{len(unexplained)} accepted without a reason: they count until `reason` is written in {target}"
        )


@app.command("show")
def show(
    path: Annotated[Path, typer.Argument(help="Folder of the project.")] = Path(),
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show what the baseline file holds, or every mistake in it; exit code 2 when there is one."""
    from chainops.core.serial import to_json
    from chainops.quality.baseline import read_baseline
    from chainops.quality.errors import BaselineError

    target = path / _name(path)
    baseline = read_baseline(target)
    if baseline is None:
        raise BaselineError(f"there is no {target}", hint="`chainops baseline update` writes one after a run")
    lines = [
        f"{target}: {len(baseline.gas)} gas, {len(baseline.sizes)} sizes, {len(baseline.findings)} findings"
    ]
    lines += [f"  gas     {g.contract.rpartition(':')[2]}.{g.function} {g.gas:,}" for g in baseline.gas]
    lines += [f"  size    {s.contract} {s.runtime_size_bytes:,} bytes" for s in baseline.sizes]
    lines += [
        f"  finding {f.rule} in {f.path}: {f.reason or 'no reason yet, so it counts'}"
        for f in baseline.findings
    ]
    emit({"path": target, **to_json(baseline)}, "\n".join(lines), as_json=as_json)


def _name(workspace: Path) -> str:
    from chainops.app.config import load_config

    name: str = load_config(workspace, resolve=False).config.analysis.baseline
    return name


def _result(workspace: Path, run: str) -> Mapping[str, Any]:
    from chainops.artifacts.runs import find_run, run_dir
    from chainops.report.schema import RESULT_NAME, read_document

    return read_document(run_dir(workspace, find_run(workspace, run)) / "report" / RESULT_NAME)


def _target(workspace: Path, result: Mapping[str, Any]) -> Path:
    """Return the file in the project's root, or in the workspace when the project is our own clone."""
    root = Path(result.get("project", {}).get("root") or workspace)
    state = (workspace / ".chainops").resolve()
    return (workspace if root.resolve().is_relative_to(state) else root) / _name(workspace)


def _told(changes: BaselineUpdate) -> Iterator[str]:
    if not changes.changed:
        yield "  nothing changed"
    lines = list(_lines(changes))
    yield from lines[:_LISTED]
    if len(lines) > _LISTED:
        yield f"  and {len(lines) - _LISTED} more; --json shows all"


def _lines(changes: BaselineUpdate) -> Iterator[str]:
    for entry in changes.new_findings:
        yield f"  finding + {entry.rule} in {entry.path}: {entry.message}"
    for entry in changes.removed_findings:
        yield f"  finding - {entry.rule} in {entry.path}"
    for change in changes.gas_changes:
        yield f"  gas     {change.name} {change.before:,} → {change.after:,} ({change.rise_ratio:+.1%})"
    for figure in changes.new_gas:
        yield f"  gas     + {figure.contract.rpartition(':')[2]}.{figure.function} {figure.gas:,}"
    for figure in changes.removed_gas:
        yield f"  gas     - {figure.contract.rpartition(':')[2]}.{figure.function} {figure.gas:,}"
    for name, before, after in changes.size_changes:
        sizes = [f"{s.runtime_size_bytes:,}" if s else "none" for s in (before, after)]
        yield f"  size    {name} {' → '.join(sizes)} bytes"
