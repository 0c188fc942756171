"""In CI systems, recognised by their environment, failures stand beside the code."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from acceptance.harness import chainops

pytestmark = pytest.mark.acceptance


def test_github_gets_annotations_and_a_step_summary(counter: Callable[..., Path], tmp_path: Path) -> None:
    project = counter("variants/compile-error")
    summary = tmp_path / "step.md"
    env = {
        "GITHUB_ACTIONS": "true",
        "GITHUB_WORKSPACE": str(project),
        "GITHUB_STEP_SUMMARY": str(summary),
        "CI": "true",
    }
    ran = chainops("run", project, env=env)
    assert ran.code == 1
    assert "::error " in ran.out + ran.err
    assert "file=src/Counter.sol,line=" in ran.out + ran.err
    assert "compilation" in summary.read_text()


def test_gitlab_gets_a_code_quality_report(counter: Callable[..., Path]) -> None:
    project = counter("variants/compile-error")
    ran = chainops("run", project, env={"GITLAB_CI": "true", "CI_PROJECT_DIR": str(project), "CI": "true"})
    assert ran.code == 1
    assert list(project.glob(".chainops/runs/*/report/gl-code-quality-report.json"))
