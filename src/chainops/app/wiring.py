"""The objects of one run that outlive its stages."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from chainops.app.config import LoadedConfig
from chainops.app.gates import ProjectGates
from chainops.app.options import RunOptions
from chainops.app.stages import LazyStages
from chainops.artifacts.run import RunArtifacts
from chainops.artifacts.runs import open_manifest, open_store
from chainops.pipeline.attempt import LocalAttemptRunner
from chainops.pipeline.model import RunRecord

if TYPE_CHECKING:
    from chainops.artifacts.manifest import FileManifest
    from chainops.artifacts.store import LocalArtifactStore


@dataclass(frozen=True, slots=True, kw_only=True)
class RunWiring:
    """What a run works with."""

    attempts: LocalAttemptRunner
    gatekeeper: ProjectGates
    store: LocalArtifactStore
    manifest: FileManifest
    loaded: LoadedConfig
    workspace: Path


def wire(
    loaded: LoadedConfig,
    *,
    run_id: str,
    workspace: Path,
    options: RunOptions,
    status: Callable[[], RunRecord | None],
) -> RunWiring:
    """Build a run's objects. Raises `InputErrors` when references of the config lead nowhere."""
    store = open_store(workspace)
    store.sweep()
    manifest = open_manifest(workspace, run_id)
    stages = LazyStages(loaded, approve=options.approve, approver=options.approver)
    attempts = LocalAttemptRunner(
        run_id=run_id,
        workspace=workspace,
        stages=lambda node: stages[node.stage],
        artifacts=lambda stage: RunArtifacts(
            store=store, manifest=manifest, stage=stage, masker=loaded.masker
        ),
        masker=loaded.masker,
    )
    return RunWiring(
        attempts=attempts,
        gatekeeper=ProjectGates(loaded, status, no_production=options.no_production),
        store=store,
        manifest=manifest,
        loaded=loaded,
        workspace=workspace,
    )
