"""The run and the artifact that a person means, and where an artifact may be written."""

from pathlib import Path

import pytest

from chainops.artifacts.errors import ArtifactChangedError, ArtifactNameError, UnknownRunError
from chainops.artifacts.model import Artifact
from chainops.artifacts.run import MemoryArtifacts
from chainops.artifacts.runs import export, export_into, find_artifact, find_run, run_dir

RUNS = ("20260101T000000-aaaaaa", "20260101T000001-bbbbbb", "20260102T000000-cccccc")


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    for run in RUNS:
        run_dir(tmp_path, run).mkdir(parents=True)
    return tmp_path


@pytest.mark.parametrize(
    ("wanted", "found"), [("", RUNS[2]), ("latest", RUNS[2]), (RUNS[0], RUNS[0]), ("20260102", RUNS[2])]
)
def test_a_run_is_found_by_id_by_its_beginning_or_as_the_newest(
    workspace: Path, wanted: str, found: str
) -> None:
    assert find_run(workspace, wanted) == found


@pytest.mark.parametrize(
    ("wanted", "words"), [("20260101", "begins 2 runs"), ("1999", "newest"), ("../x", "no run")]
)
def test_an_unclear_run_is_refused_with_help(workspace: Path, wanted: str, words: str) -> None:
    with pytest.raises(UnknownRunError) as caught:
        find_run(workspace, wanted)
    assert words in str(caught.value)


def test_a_folder_without_runs_says_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(UnknownRunError, match="no run") as caught:
        find_run(tmp_path)
    assert "chainops run" in caught.value.hint


def test_an_unknown_artifact_is_answered_with_the_nearest_names() -> None:
    sink = MemoryArtifacts()
    sink.put_bytes("coverage/lcov.info", b"", kind="coverage")
    with pytest.raises(ArtifactNameError) as caught:
        find_artifact(sink.manifest.entries(), "coverage/lcov.inf")
    assert "coverage/lcov.info" in caught.value.hint


def test_a_damaged_artifact_is_not_written_and_the_old_file_stays(tmp_path: Path) -> None:
    sink = MemoryArtifacts()
    artifact = sink.put_bytes("a", b"good", kind="log")
    sink.store.blobs[artifact.digest] = b"evil"
    (tmp_path / "a").write_bytes(b"old")
    with pytest.raises(ArtifactChangedError):
        export(sink.store, artifact, tmp_path / "a")
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == {"a": b"old"}


def test_an_export_stays_in_its_folder(tmp_path: Path) -> None:
    sink = MemoryArtifacts()
    kept = sink.put_bytes("sub/a", b"1", kind="log")
    folder = tmp_path / "folder"
    assert export_into(sink.store, kept, folder).read_bytes() == b"1"
    forged = Artifact(name="../escaped", kind="log", digest=kept.digest, size_bytes=1)
    with pytest.raises(ArtifactNameError):
        export_into(sink.store, forged, folder)
    (folder / "link").symlink_to(tmp_path)
    through_link = Artifact(name="link/escaped", kind="log", digest=kept.digest, size_bytes=1)
    with pytest.raises(ArtifactNameError, match="outside"):
        export_into(sink.store, through_link, folder)
    assert not (tmp_path / "escaped").exists()
