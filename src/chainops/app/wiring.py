"""The objects of one run that outlive its stages."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from chainops.app.approving import approved
from chainops.app.caching import StageCaching, takes_nothing
from chainops.app.config import LoadedConfig
from chainops.app.gates import ProjectGates
from chainops.app.options import RunOptions
from chainops.app.stages import LazyStages
from chainops.artifacts.run import RunArtifacts
from chainops.artifacts.runs import open_manifest, open_store
from chainops.core.text import folder_name
from chainops.pipeline.attempt import LocalAttemptRunner
from chainops.pipeline.matrix import cell_of, is_join
from chainops.pipeline.model import RunRecord, StageNode
from chainops.pipeline.ports import Stage

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
    stages = LazyStages(loaded, status)
    caching = StageCaching(
        loaded,
        workspace=workspace,
        options=replace(options, no_cache=takes_nothing(workspace, run_id, options)),
        env=os.environ,
        status=status,
        store=store,
        manifest=manifest,
    )

    def stage_of(node: StageNode) -> Stage:
        stage = stages.of(node)
        return stage if is_join(node) else approved(node, caching.around(node, stage), loaded, status)

    attempts = LocalAttemptRunner(
        run_id=run_id,
        workspace=workspace,
        stages=stage_of,
        artifacts=lambda name: RunArtifacts(
            store=store,
            manifest=manifest,
            stage=name,
            folder=folder_name(name) if cell_of(name) else "",
            masker=loaded.masker,
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
