"""The example goes through all ten stages, production included."""

from __future__ import annotations

import shutil
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from acceptance.harness import ROOT, chainops

pytestmark = pytest.mark.acceptance


def test_the_vault_passes_every_gate_and_reaches_production_once_approved(tmp_path: Path) -> None:
    project = tmp_path / "vault"
    left_out = shutil.ignore_patterns("node_modules", "out", "cache", ".chainops")
    shutil.copytree(ROOT / "examples" / "vault", project, ignore=left_out)

    first = chainops("run", project, "--json")
    assert first.code == 4, first.err
    digest = first.stage("production-deploy")["outputs"]["plan_digest"]
    ran = chainops("run", project, "--resume", "--approve", digest, "--json")
    assert ran.code == 0, ran.err
    assert set(ran.statuses().values()) == {"success"}
    assert len(ran.result["gates"]) == 7
    assert all(gate["passed"] for gate in ran.result["gates"])
    assert ran.stage("unit-tests")["outputs"]["coverage"]["branches"] >= 0.95
    assert all(check["status"] == "passed" for check in ran.stage("smoke-tests")["outputs"]["checks"])

    kinds = {artifact["kind"] for artifact in ran.result["artifacts"]}
    assert {"contract", "test-report", "security-report", "coverage", "documentation", "deployment"} <= kinds
    report = project / ".chainops" / "runs" / ran.result["run_id"] / "report"
    written = {path.name for path in report.iterdir()}
    assert {"result.json", "report.html", "junit.xml", "results.sarif", "lcov.info", "summary.md"} <= written
    cases = ElementTree.parse(report / "junit.xml").getroot().iter("testcase")
    assert sum(1 for case in cases if case.get("name", "").startswith("test")) >= 34

    assert chainops("artifacts", "verify", "--workspace", project).code == 0
    stored = next(
        p for p in (project / ".chainops" / "artifacts").rglob("*") if p.is_file() and p.stat().st_size
    )
    stored.write_bytes(bytes([stored.read_bytes()[0] ^ 1]) + stored.read_bytes()[1:])
    changed = chainops("artifacts", "verify", "--workspace", project)
    assert changed.code == 3
    assert "changed" in changed.out + changed.err
