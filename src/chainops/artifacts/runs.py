"""Where a workspace keeps its runs and artifacts, and which run is meant by what a person types."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path

from chainops.artifacts.errors import ArtifactNameError, UnknownRunError
from chainops.artifacts.manifest import MANIFEST_NAME, FileManifest, check_name
from chainops.artifacts.model import Artifact
from chainops.artifacts.ports import ArtifactStore
from chainops.artifacts.store import LocalArtifactStore
from chainops.core.files import disk_errors


def state_dir(workspace: Path) -> Path:
    """Return the folder that holds all of chainops' state of a workspace."""
    return workspace / ".chainops"


def run_dir(workspace: Path, run_id: str) -> Path:
    """Return a run's folder."""
    return state_dir(workspace) / "runs" / run_id


def open_store(workspace: Path) -> LocalArtifactStore:
    """Return the workspace's artifact store; nothing is created before something is put."""
    return LocalArtifactStore(state_dir(workspace) / "artifacts")


def open_manifest(workspace: Path, run_id: str) -> FileManifest:
    """Return a run's manifest; nothing is created before something is added."""
    return FileManifest(run_dir(workspace, run_id) / MANIFEST_NAME)


def find_run(workspace: Path, wanted: str = "") -> str:
    """Return the id of the run that `wanted` begins, by default of the newest one.

    Raises `UnknownRunError` when there is none or more than one.
    """
    runs = state_dir(workspace) / "runs"
    known = sorted(p.name for p in runs.iterdir() if p.is_dir()) if runs.is_dir() else []
    if not known:
        raise UnknownRunError(
            f"no run in {workspace}", hint="`chainops run` makes one; --workspace names another folder"
        )
    if wanted in ("", "latest"):
        return known[-1]
    matching = [name for name in known if name == wanted] or [n for n in known if n.startswith(wanted)]
    if len(matching) == 1:
        return matching[0]
    if matching:
        raise UnknownRunError(f"{wanted!r} begins {len(matching)} runs: {', '.join(matching[-5:])}")
    raise UnknownRunError(f"no run {wanted!r} in {workspace}", hint=f"the newest is {known[-1]}")


def find_artifact(artifacts: tuple[Artifact, ...], name: str) -> Artifact:
    """Return the artifact called `name`; raises `ArtifactNameError` with the nearest names."""
    import difflib

    check_name(name)
    for artifact in artifacts:
        if artifact.name == name:
            return artifact
    near = difflib.get_close_matches(name, [a.name for a in artifacts], n=3)
    hint = f"nearest: {', '.join(near)}" if near else "`chainops artifacts list` shows what there is"
    raise ArtifactNameError(f"this run has no artifact {name!r}", hint=hint)


def export(store: ArtifactStore, artifact: Artifact, target: Path) -> Path:
    """Write an artifact to `target`, whole and checked, or not at all."""
    with disk_errors(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=".chainops-")
        try:
            with os.fdopen(handle, "wb") as file:
                for chunk in store.chunks(artifact.digest):
                    file.write(chunk)
            Path(temporary).chmod(0o644)
            Path(temporary).replace(target)
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                Path(temporary).unlink()
            raise
    return target


def export_into(store: ArtifactStore, artifact: Artifact, folder: Path) -> Path:
    """Write an artifact under its own name below `folder`.

    Raises `ArtifactNameError` when the name, or a link that lies in the folder, leads out of it.
    """
    target = folder / check_name(artifact.name)
    if not target.parent.resolve().is_relative_to(folder.resolve()):
        raise ArtifactNameError(f"{artifact.name!r} would be written outside {folder}")
    return export(store, artifact, target)
