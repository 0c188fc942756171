"""The two coverage reports of forge, joined."""

from __future__ import annotations

from collections.abc import Callable

from chainops.toolchains.adapters.foundry_coverage import failing_accuracy, parse_statements, read_coverage
from chainops.toolchains.foundry_config import FoundryConfig
from chainops.toolchains.model import Ratio


def test_statements_come_from_the_table(forge_output: Callable[[str], bytes]) -> None:
    found = parse_statements(forge_output("coverage-summary.txt").decode())
    assert found["src/Counter.sol"] == Ratio(hit=10, total=10)
    assert found["src/Bank.sol"] == Ratio(hit=0, total=17)
    assert "Total" not in found


def test_only_the_projects_own_sources_count(
    forge_output: Callable[[str], bytes], config: FoundryConfig
) -> None:
    tracefile, summary = forge_output("lcov.info"), forge_output("coverage-summary.txt").decode()
    assert b"SF:test/" in tracefile
    found = read_coverage(tracefile, summary, config, (), "")
    assert [file.path for file in found.files] == ["src/Bank.sol", "src/Counter.sol", "src/Ratio.sol"]
    assert found.files[1].statements == Ratio(hit=10, total=10)
    assert "SF:test/" not in found.lcov


def test_excluded_sources_do_not_count(forge_output: Callable[[str], bytes], config: FoundryConfig) -> None:
    found = read_coverage(forge_output("lcov.info"), "", config, ("src/Bank.sol",), "why")
    assert [file.path for file in found.files] == ["src/Counter.sol", "src/Ratio.sol"]
    assert found.files[0].statements is None
    assert found.accuracy == "why"


def test_failing_tests_are_told_of() -> None:
    assert failing_accuracy(0) == ""
    assert "tests failed" in failing_accuracy(1)
