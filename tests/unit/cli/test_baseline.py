"""`chainops baseline update` writes a file that is read back, and says what is different."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from chainops.cli.main import build_app
from chainops.core.errors import InputError
from chainops.quality.baseline import BASELINE_NAME, read_baseline


def result(root: Path, run_id: str, deposit: int) -> dict[str, Any]:
    finding = {
        "tool": "slither",
        "rule": "reentrancy-eth",
        "severity": "high",
        "message": "Reentrancy in A.f()",
        "places": [{"path": "src/A.sol", "line": 4, "column": 1}],
        "fingerprint": "aa",
        "suppressed_by": "",
    }
    contract = {"path": "src/A.sol", "name": "A", "runtime_size_bytes": 1200, "init_size_bytes": 1300}
    gas = {"contract": "src/A.sol:A", "function": "deposit(uint256)", "calls": 2, "median_gas": deposit}
    return {
        "schema_version": 1,
        "run_id": run_id,
        "status": "success",
        "project": {"root": str(root)},
        "gates": [],
        "artifacts": [],
        "stages": [
            {"name": "compilation", "status": "success", "outputs": {"contracts": [contract]}},
            {"name": "unit-tests", "status": "success", "outputs": {"gas": [gas]}},
            {
                "name": "security-scan",
                "status": "success",
                "findings": [finding],
                "outputs": {"analyzers": [{"name": "slither"}]},
            },
        ],
    }


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    for run_id, gas in (("20260101-1", 50_000), ("20260102-1", 51_234)):
        keep(tmp_path, run_id, result(tmp_path, run_id, gas))
    return tmp_path


def keep(workspace: Path, run_id: str, document: dict[str, Any]) -> None:
    folder = workspace / ".chainops" / "runs" / run_id / "report"
    folder.mkdir(parents=True)
    (folder / "result.json").write_text(json.dumps(document))


def call(*arguments: str) -> tuple[str, str]:
    return ask("update", *arguments)


def ask(*arguments: str) -> tuple[str, str]:
    whole = ["baseline", *arguments]
    outcome = CliRunner().invoke(build_app(whole), whole, catch_exceptions=False)
    assert outcome.exit_code == 0
    return outcome.stdout, outcome.stderr


def test_the_newest_run_becomes_the_baseline(workspace: Path) -> None:
    out, err = call(str(workspace))
    baseline = read_baseline(workspace / BASELINE_NAME)
    assert baseline
    assert baseline.gas[0].gas == 51_234
    assert baseline.sizes[0].runtime_size_bytes == 1200
    assert "written from run 20260102-1" in out
    assert "finding + reentrancy-eth in src/A.sol: Reentrancy in A.f()" in out
    assert "gas     + A.deposit(uint256) 51,234" in out
    assert "size    src/A.sol:A none → 1,200 bytes" in out
    assert "1 accepted without a reason: they count until" in err


def test_an_older_run_can_be_named_and_reasons_given(workspace: Path) -> None:
    out, err = call(str(workspace), "--run", "20260101", "--reason", "at adoption", "--json")
    data = json.loads(out)
    assert (data["run_id"], data["written"], err) == ("20260101-1", True, "")
    assert data["baseline"]["findings"][0]["reason"] == "at adoption"
    out, _ = call(str(workspace))
    assert "gas     A.deposit(uint256) 50,000 → 51,234 (+2.5%)" in out
    baseline = read_baseline(workspace / BASELINE_NAME)
    assert baseline
    assert baseline.findings[0].reason == "at adoption"


def test_the_same_again_is_no_change_to_the_file(workspace: Path) -> None:
    call(str(workspace))
    before = (workspace / BASELINE_NAME).read_bytes()
    out, _ = call(str(workspace))
    assert "nothing changed" in out
    assert (workspace / BASELINE_NAME).read_bytes() == before


def test_a_dry_run_writes_nothing(workspace: Path) -> None:
    out, _ = call(str(workspace), "--dry-run")
    assert "would be written" in out
    assert not (workspace / BASELINE_NAME).exists()


def test_a_project_in_a_subfolder_keeps_its_baseline_there(workspace: Path) -> None:
    root = workspace / "packages" / "a"
    root.mkdir(parents=True)
    keep(workspace, "20260103-1", result(root, "20260103-1", 1))
    call(str(workspace))
    assert (root / BASELINE_NAME).exists()


def test_a_clone_of_ours_is_not_where_a_baseline_is_committed(workspace: Path) -> None:
    root = workspace / ".chainops" / "sources" / "x"
    root.mkdir(parents=True)
    keep(workspace, "20260104-1", result(root, "20260104-1", 1))
    call(str(workspace))
    assert (workspace / BASELINE_NAME).exists()
    assert not (root / BASELINE_NAME).exists()


def test_the_configured_name_is_used(workspace: Path) -> None:
    (workspace / "chainops.yaml").write_text("analysis: {baseline: reviewed.json}\n")
    call(str(workspace))
    assert (workspace / "reviewed.json").exists()


def test_without_a_run_there_is_no_baseline(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no run"):
        call(str(tmp_path))


def test_a_baseline_is_shown(workspace: Path) -> None:
    call(str(workspace))
    out, _ = ask("show", str(workspace))
    assert out.splitlines()[0].endswith("chainops-baseline.json: 1 gas, 1 sizes, 1 findings")
    assert "finding reentrancy-eth in src/A.sol: no reason yet, so it counts" in out
    out, _ = ask("show", str(workspace), "--json")
    assert json.loads(out)["gas"] == [
        {"contract": "src/A.sol:A", "function": "deposit(uint256)", "gas": 51_234}
    ]


def test_a_baseline_that_is_missing_or_wrong_is_told(workspace: Path) -> None:
    with pytest.raises(InputError, match="there is no"):
        ask("show", str(workspace))
    (workspace / BASELINE_NAME).write_text('{"version": 1,\n"gas": [{}]}')
    with pytest.raises(InputError, match=r"chainops-baseline\.json:2:9: `contract` is missing"):
        ask("show", str(workspace))
