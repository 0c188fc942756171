"""What CI systems get: recognised by their environment, escaped as they want it, at the right paths."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from chainops.report.ci import Ci, detect, repository_prefix
from chainops.report.github import STEP_SUMMARY_LIMIT_BYTES, append_step_summary, github_annotations
from chainops.report.gitlab import render_code_quality

Make = Callable[[str], dict[str, Any]]
GITHUB = {"GITHUB_ACTIONS": "true", "GITHUB_WORKSPACE": "/home/ada"}


@pytest.mark.parametrize(
    ("env", "found"),
    [
        ({"GITHUB_ACTIONS": "true"}, Ci.GITHUB),
        ({"GITLAB_CI": "true"}, Ci.GITLAB),
        ({"GITHUB_ACTIONS": "false", "CI": "true"}, Ci.NONE),
        ({}, Ci.NONE),
    ],
)
def test_a_ci_system_is_known_by_its_environment(env: dict[str, str], found: Ci) -> None:
    assert detect(env) is found


@pytest.mark.parametrize(
    ("env", "prefix"),
    [
        (GITHUB, "vault"),
        ({**GITHUB, "GITHUB_WORKSPACE": "/home/ada/vault"}, ""),
        ({**GITHUB, "GITHUB_WORKSPACE": "/elsewhere"}, ""),
        ({"GITLAB_CI": "true", "CI_PROJECT_DIR": "/home"}, "ada/vault"),
        ({"GITHUB_WORKSPACE": "/home/ada"}, ""),
    ],
)
def test_the_way_from_the_repository_to_the_project(make: Make, env: dict[str, str], prefix: str) -> None:
    assert repository_prefix(make("passed"), env) == prefix


def test_failures_and_findings_become_annotations_at_their_lines(make: Make) -> None:
    lines = github_annotations(make("failed"), GITHUB)
    assert lines[0] == (
        "::error file=vault/test/Vault.fuzz.t.sol,line=42,title=unit-tests::2 of 7 tests fail for one "
        "reason: assertion failed: 99 != 100%0Aboth withdraw with a fee: look at FeeMath.feeOn"
    )
    assert any(
        line.startswith(
            "::error file=vault/src/Bank.sol,line=33,col=9,title=slither%3A reentrancy-eth::Reentrancy"
        )
        for line in lines
    )
    assert any(
        line.startswith("::warning file=vault/src/Vault.sol,line=150,col=5,title=solc 2018::")
        for line in lines
    )
    assert not any("divide-before-multiply" in line for line in lines), "suppressed findings do not count"


def test_no_text_can_start_a_command_of_its_own(make: Make) -> None:
    for line in github_annotations(make("hostile"), GITHUB):
        assert "\n" not in line
        assert "\r" not in line
        head, _, message = line.removeprefix("::").partition("::")
        kind, _, properties = head.partition(" ")
        assert kind in ("error", "warning", "notice")
        assert {p.partition("=")[0] for p in properties.split(",")} <= {"file", "line", "col", "title"}
        assert message


def test_percent_signs_survive_the_way(make: Make) -> None:
    document = make("failed")
    document["stages"][3] |= {"reason": "coverage 40%, 100%0A\r\nnext", "hint": "", "places": []}
    first = github_annotations(document, GITHUB)[0]
    assert first == "::error title=unit-tests::coverage 40%25, 100%250A%0Anext"


def test_no_more_annotations_than_github_shows(make: Make) -> None:
    document = make("failed")
    scan = next(s for s in document["stages"] if s["name"] == "security-scan")
    scan["findings"] = [
        {**scan["findings"][0], "severity": severity, "message": f"{n}"}
        for n in range(40)
        for severity in ("high", "medium", "info")
    ]
    lines = github_annotations(document, GITHUB)
    assert len(lines) == 30
    assert lines[0].startswith("::error file=vault/test/Vault.fuzz.t.sol"), "the failed stage comes first"


def test_the_step_summary_grows_up_to_its_limit(tmp_path: Path) -> None:
    path = tmp_path / "summary"
    env = {"GITHUB_STEP_SUMMARY": str(path)}
    assert append_step_summary("first", env) == path
    append_step_summary("second", env)
    assert path.read_text().split() == ["first", "second"]
    append_step_summary("ü" * STEP_SUMMARY_LIMIT_BYTES, env)
    assert STEP_SUMMARY_LIMIT_BYTES - 2 < path.stat().st_size <= STEP_SUMMARY_LIMIT_BYTES
    path.read_text()
    append_step_summary("more", env)
    assert path.stat().st_size <= STEP_SUMMARY_LIMIT_BYTES
    assert append_step_summary("x", {}) is None


def test_gitlab_gets_severities_lines_and_unique_fingerprints(make: Make) -> None:
    document = make("failed")
    scan = next(s for s in document["stages"] if s["name"] == "security-scan")
    scan["findings"].append(scan["findings"][0])
    entries = json.loads(render_code_quality(document, prefix="vault"))
    assert entries[0]["check_name"] == "forge-lint/mixed-case-variable"
    reentrancy = [e for e in entries if e["check_name"] == "slither/reentrancy-eth"]
    assert reentrancy[0]["severity"] == "critical"
    assert reentrancy[0]["location"] == {"path": "vault/src/Bank.sol", "lines": {"begin": 33}}
    assert len({e["fingerprint"] for e in entries}) == len(entries)
    assert not any("divide-before-multiply" in e["check_name"] for e in entries)
    assert json.loads(render_code_quality(document, prefix="vault")) == entries


def test_every_sample_gives_what_gitlab_reads(any_document: dict[str, Any]) -> None:
    for entry in json.loads(render_code_quality(any_document)):
        assert set(entry) == {"description", "check_name", "fingerprint", "severity", "location"}
        assert entry["severity"] in ("info", "minor", "major", "critical", "blocker")
        assert entry["location"]["lines"]["begin"] >= 1
