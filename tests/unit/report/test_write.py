"""The reports of a run as files, and made again from result.json alone."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import samples
from typer.testing import CliRunner

from chainops.artifacts.errors import ArtifactChangedError
from chainops.artifacts.runs import open_store, run_dir
from chainops.artifacts.store import MemoryArtifactStore
from chainops.cli.report import NoCoverageError, app
from chainops.core.errors import InputError
from chainops.report.write import annotation_lines, write_reports

Make = Callable[[str], dict[str, Any]]
FILES = ["result.json", "report.html", "junit.xml", "results.sarif", "summary.md"]


def test_every_sample_is_written_whole(
    any_document: dict[str, Any], store: MemoryArtifactStore, tmp_path: Path
) -> None:
    written = write_reports(any_document, store, tmp_path / "report", {})
    assert [p.name for p in written][:5] == FILES
    assert sorted(p.name for p in (tmp_path / "report").iterdir()) == sorted(p.name for p in written)
    assert json.loads(written[0].read_bytes()) == any_document


def test_coverage_is_passed_on_as_it_was_kept(make: Make, store: MemoryArtifactStore, tmp_path: Path) -> None:
    written = write_reports(make("passed"), store, tmp_path, {})
    assert (tmp_path / "lcov.info").read_bytes() == samples.LCOV
    assert written[-1].name == "lcov.info"


def test_a_changed_coverage_file_is_told_and_costs_no_other_report(
    make: Make, store: MemoryArtifactStore, tmp_path: Path
) -> None:
    digest = next(a["digest"] for a in make("passed")["artifacts"] if a["kind"] == "coverage")
    store.blobs[digest] = b"changed"
    with pytest.raises(ArtifactChangedError):
        write_reports(make("passed"), store, tmp_path, {})
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(FILES)


def test_each_ci_system_gets_its_own(make: Make, store: MemoryArtifactStore, tmp_path: Path) -> None:
    gitlab = write_reports(make("failed"), store, tmp_path / "gitlab", {"GITLAB_CI": "true"})
    assert "gl-code-quality-report.json" in [p.name for p in gitlab]
    env = {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(tmp_path / "step")}
    github = write_reports(make("failed"), store, tmp_path / "github", env)
    assert "gl-code-quality-report.json" not in [p.name for p in github]
    assert "FAILED" in (tmp_path / "step").read_text()
    assert annotation_lines(make("failed"), env)[0].startswith("::error ")
    assert annotation_lines(make("failed"), {}) == ()


@pytest.fixture
def workspace(make: Make, tmp_path: Path) -> Path:
    store = open_store(tmp_path)
    for blob in samples.BLOBS:
        store.put_bytes(blob)
    document = make("failed")
    write_reports(document, store, run_dir(tmp_path, document["run_id"]) / "report", {})
    return tmp_path


def run(workspace: Path, *arguments: str) -> bytes:
    result = CliRunner().invoke(app, [*arguments, "-w", str(workspace)], catch_exceptions=False)
    assert result.exit_code == 0
    return result.stdout_bytes


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("html", "report.html"),
        ("json", "result.json"),
        ("junit", "junit.xml"),
        ("sarif", "results.sarif"),
        ("markdown", "summary.md"),
        ("lcov", "lcov.info"),
    ],
)
def test_a_report_made_again_is_the_same(
    workspace: Path, kind: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("GITHUB_ACTIONS", "GITLAB_CI"):
        monkeypatch.delenv(variable, raising=False)
    report_dir = next((workspace / ".chainops" / "runs").glob("*/report"))
    assert run(workspace, "--format", kind) == (report_dir / name).read_bytes()
    target = workspace / "again"
    shown = json.loads(run(workspace, "2026", "--format", kind, "--output", str(target), "--json"))
    assert shown == {"run_id": report_dir.parent.name, "format": kind, "written": str(target)}
    assert target.read_bytes() == (report_dir / name).read_bytes()


def test_without_a_format_it_shows_the_summary_and_with_json_the_document(workspace: Path) -> None:
    assert "✗ FAILED" in run(workspace).decode()
    assert json.loads(run(workspace, "--json"))["status"] == "failed"
    with pytest.raises(InputError, match="--output"):
        run(workspace, "--json", "--format", "html")


def test_a_run_without_coverage_says_so(make: Make, tmp_path: Path) -> None:
    document = make("empty")
    document["artifacts"] = []
    write_reports(document, open_store(tmp_path), run_dir(tmp_path, document["run_id"]) / "report", {})
    with pytest.raises(NoCoverageError):
        run(tmp_path, "--format", "lcov")
