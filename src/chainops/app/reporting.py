"""The document of a run at any moment; after it, its logs become artifacts and its reports are written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from chainops.analysis.settings import AnalysisSettings
from chainops.app.gates import outputs_of, run_vector
from chainops.artifacts.model import Artifact
from chainops.artifacts.run import RunArtifacts
from chainops.artifacts.runs import open_manifest, open_store, run_dir
from chainops.core.errors import InputError
from chainops.core.secrets import Masker
from chainops.core.text import folder_name
from chainops.pipeline.model import RunRecord
from chainops.quality.baseline import Baseline, read_baseline
from chainops.report.document import result_document
from chainops.report.write import write_reports
from chainops.stages.common import SOURCE_CHECKOUT

_LOG = "log"


def run_document(run: RunRecord, artifacts: Iterable[Artifact] = ()) -> dict[str, Any]:
    """Return `result.json` of a run as it stands, `artifacts` added to those that its stages name."""
    baseline = _baseline(run)
    return result_document(run, vector=run_vector(run, baseline), baseline=baseline, artifacts=artifacts)


def kept_logs(run: RunRecord, workspace: Path) -> tuple[Artifact, ...]:
    """Return the logs that were stored when reports of the run were last written."""
    return tuple(a for a in open_manifest(workspace, run.run_id).entries() if a.kind == _LOG)


def write_run_reports(
    run: RunRecord, workspace: Path, masker: Masker, env: Mapping[str, str]
) -> tuple[dict[str, Any], Path, tuple[Path, ...]]:
    """Write all reports of a run; return its document, their folder and the files. Raises `DiskError`."""
    document = run_document(run, _store_logs(run, workspace, masker))
    folder = run_dir(workspace, run.run_id) / "report"
    return document, folder, write_reports(document, open_store(workspace), folder, env)


def _baseline(run: RunRecord) -> Baseline | None:
    """Return the baseline that the project has committed, None when it has none that can be read.

    That one cannot be read is reported as a failed gate.
    """
    root = outputs_of(run, SOURCE_CHECKOUT).get("project_root")
    name = run.config.get("analysis", {}).get("baseline", AnalysisSettings().baseline)
    try:
        return read_baseline(Path(root) / name, shown=name) if root else None
    except InputError:
        return None


def _store_logs(run: RunRecord, workspace: Path, masker: Masker) -> tuple[Artifact, ...]:
    """Store every attempt's log."""
    found = []
    for stage in run.stages:
        sink = RunArtifacts(
            store=open_store(workspace),
            manifest=open_manifest(workspace, run.run_id),
            stage=stage.node.name,
            masker=masker,
        )
        for attempt in stage.attempts:
            name = f"{folder_name(stage.node.name)}/{attempt.attempt}.log"
            path = run_dir(workspace, run.run_id) / name
            if path.is_file() and path.stat().st_size:
                found.append(sink.put_file(f"logs/{name}", path, kind=_LOG, media_type="text/plain"))
    return tuple(found)
