"""After a run: its logs become artifacts, its document and reports are written."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chainops.app.gates import run_vector
from chainops.artifacts.model import Artifact
from chainops.artifacts.run import RunArtifacts
from chainops.artifacts.runs import run_dir
from chainops.core.errors import InputError
from chainops.pipeline.model import RunRecord
from chainops.report.document import result_document
from chainops.report.write import write_reports

if TYPE_CHECKING:
    from chainops.app.wiring import RunWiring


def write_run_reports(
    record: RunRecord, wiring: RunWiring, env: Mapping[str, str]
) -> tuple[dict[str, Any], Path, tuple[Path, ...]]:
    """Write all reports of a run; return its document, their folder and the files. Raises `DiskError`."""
    try:
        baseline = wiring.gatekeeper.baseline()
    except InputError:  # reported as a failed gate already
        baseline = None
    document = result_document(
        record,
        vector=run_vector(record, baseline),
        baseline=baseline,
        artifacts=_logs(record, wiring),
    )
    folder = run_dir(wiring.workspace, record.run_id) / "report"
    return document, folder, write_reports(document, wiring.store, folder, env)


def _logs(record: RunRecord, wiring: RunWiring) -> tuple[Artifact, ...]:
    """Store every attempt's log."""
    found = []
    for stage in record.stages:
        sink = RunArtifacts(
            store=wiring.store,
            manifest=wiring.manifest,
            stage=stage.node.name,
            masker=wiring.loaded.masker,
        )
        for attempt in stage.attempts:
            name = f"{stage.node.name}/{attempt.attempt}.log"
            path = run_dir(wiring.workspace, record.run_id) / name
            if path.is_file() and path.stat().st_size:
                found.append(sink.put_file(f"logs/{name}", path, kind="log", media_type="text/plain"))
    return tuple(found)
