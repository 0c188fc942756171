"""JUnit XML that any CI system takes."""

from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree

from chainops.report.junit import render_junit

Make = Callable[[str], dict[str, Any]]
#: attributes and children of the de-facto schema (Jenkins' and Ant's), as far as readers agree on them
ATTRIBUTES = {
    "testsuites": {"name", "time", "tests", "failures", "errors", "skipped"},
    "testsuite": {"name", "time", "tests", "failures", "errors", "skipped", "timestamp"},
    "testcase": {"name", "classname", "time", "file", "line"},
    "failure": {"message", "type"},
    "error": {"message", "type"},
    "skipped": {"message"},
}
CHILDREN = {
    "testsuites": {"testsuite"},
    "testsuite": {"testcase"},
    "testcase": {"failure", "error", "skipped"},
}


def parse(document: dict[str, Any]) -> ElementTree.Element:
    return ElementTree.fromstring(render_junit(document))


def check_counts(element: ElementTree.Element) -> None:
    cases = element.findall(".//testcase")
    assert element.get("tests") == str(len(cases))
    for key, tag in [("failures", "failure"), ("errors", "error"), ("skipped", "skipped")]:
        assert element.get(key) == str(len([c for c in cases if c.find(tag) is not None]))


def test_every_sample_has_the_common_structure(any_document: dict[str, Any]) -> None:
    root = parse(any_document)
    assert root.tag == "testsuites"
    for element in root.iter():
        assert set(element.keys()) <= ATTRIBUTES[element.tag]
        assert {child.tag for child in element} <= CHILDREN.get(element.tag, set())
        if element.tag in ("testsuites", "testsuite"):
            check_counts(element)
        if element.tag == "testcase":
            assert len(element) <= 1
            assert float(element.get("time", "")) >= 0
            assert element.get("classname") is not None


def test_a_suite_a_stage_and_one_for_the_gates(make: Make) -> None:
    names = [suite.get("name") for suite in parse(make("failed"))]
    assert names == [s["name"] for s in make("failed")["stages"]] + ["quality-gates"]


def test_a_failing_test_has_reason_counterexample_and_place(make: Make) -> None:
    case = parse(make("failed")).find(".//testcase[@name='testFuzz_withdrawPaysFee(uint256)']")
    assert case is not None
    assert (case.get("file"), case.get("line")) == ("test/Vault.fuzz.t.sol", "42")
    failure = case.find("failure")
    assert failure is not None
    assert failure.get("message") == "assertion failed: 99 != 100"
    assert "calldata=0x5c3f1b2e" in (failure.text or "")


def test_a_stage_that_the_machine_failed_is_an_error_and_a_skipped_one_is_skipped(make: Make) -> None:
    document = make("failed")
    document["stages"][2]["status"] = "failed"
    document["stages"][2]["failure"] = "machine"
    root = parse(document)
    assert root.find(".//testcase[@name='compilation']/error") is not None
    skipped = root.find(".//testcase[@name='contract-deploy']/skipped")
    assert skipped is not None
    assert skipped.get("message") == "unit-tests failed"


def test_characters_that_xml_has_no_place_for_are_dropped(make: Make) -> None:
    document = make("passed")
    document["stages"][0] |= {
        "status": "failed",
        "failure": "project",
        "reason": "a\x00b\x0bc\ufffed\uffffe<&\"'",
    }
    failure = parse(document).find(".//testcase[@name='source-checkout']/failure")
    assert failure is not None
    assert failure.get("message") == "abcde<&\"'"
