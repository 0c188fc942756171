"""Cells in the reports: each shown once, and told from the others."""

from __future__ import annotations

from typing import Any

from chainops.report.junit import render_junit
from chainops.report.page import page_context
from chainops.report.reading import findings, parts, short_name
from chainops.report.tables import deployed_rows, gate_rows
from chainops.report.tables import test_stages as stages_with_tests

CASE = {"suite": "A", "name": "test_a", "status": "passed"}
TESTS = {"tests": {"total": 1, "passed": 1}, "cases": [CASE]}
FINDING = {"fingerprint": "f", "severity": "high", "rule": "r", "tool": "t", "message": "m"}


def stage(name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "status": "success", "outputs": {}, **more}


DOCUMENT: dict[str, Any] = {
    "stages": [
        stage("unit-tests[solc=1]", outputs=TESTS),
        stage("unit-tests[solc=2]", outputs=TESTS),
        stage("unit-tests", outputs={**TESTS, "cells": [{"name": "unit-tests[solc=1]"}]}),
        stage("security-scan[solc=1]", findings=[FINDING]),
        stage("security-scan[solc=2]", findings=[FINDING, {**FINDING, "fingerprint": "g"}]),
        stage("security-scan"),
        *(
            stage(
                f"contract-deploy[network={n}]",
                outputs={"network": n, "contracts": [{"name": "A", "address": "0x1"}]},
            )
            for n in ("a", "b")
        ),
        stage("contract-deploy", outputs={"network": "a", "contracts": [{"name": "A"}], "cells": [{}]}),
        stage("smoke-tests[network=a]", outputs={"checks": [{"name": "limit", "status": "passed"}]}),
        stage("smoke-tests", outputs={"checks": [{"name": "limit", "status": "passed"}], "cells": [{}]}),
    ],
    "gates": [{"gate": "size", "stage": "compilation[evm_version=paris,solc=1]", "status": "passed"}],
}


def test_a_cells_name_is_shortened_to_its_values() -> None:
    assert short_name("unit-tests[evm_version=paris,solc=0.8.30]") == "unit-tests[paris,0.8.30]"
    assert short_name("unit-tests") == "unit-tests"


def test_a_stage_without_cells_is_its_only_part() -> None:
    assert parts(DOCUMENT, "compilation") == ["compilation"]
    assert parts(DOCUMENT, "unit-tests") == ["unit-tests[solc=1]", "unit-tests[solc=2]"]


def test_tests_and_deployments_of_all_cells_are_shown_and_the_joins_are_not() -> None:
    assert [name for name, _ in stages_with_tests(DOCUMENT)] == ["unit-tests[solc=1]", "unit-tests[solc=2]"]
    assert [row.network for row in deployed_rows(DOCUMENT)] == ["a", "b"]
    context = page_context(DOCUMENT, None)
    assert [d["network"] for d in context["deployments"]] == ["a", "b"]
    assert [c["name"] for c in context["checks"]] == ["limit (network=a)"]


def test_a_finding_of_several_cells_is_shown_once() -> None:
    assert [f["fingerprint"] for _, f in findings(DOCUMENT)] == ["f", "g"]


def test_a_gate_tells_the_cell() -> None:
    assert gate_rows(DOCUMENT)[0].gate == "size [paris,1]"


def test_junit_counts_no_test_twice() -> None:
    assert render_junit(DOCUMENT).count(b'name="test_a"') == 2
