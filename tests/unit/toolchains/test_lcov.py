"""lcov tracefiles."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from chainops.toolchains.adapters.lcov import file_coverage, keep_records, parse_lcov, write_lcov
from chainops.toolchains.errors import ToolchainOutputError
from chainops.toolchains.model import Ratio


def test_counts_are_our_own(forge_output: Callable[[str], bytes]) -> None:
    files = {r.path: file_coverage(r) for r in parse_lcov(forge_output("lcov.info"))}
    assert files["src/Counter.sol"].lines == Ratio(hit=13, total=13)
    assert files["src/Counter.sol"].branches == Ratio(hit=2, total=2)
    assert files["src/Counter.sol"].functions == Ratio(hit=5, total=5)
    assert files["src/Bank.sol"].lines == Ratio(hit=0, total=15)
    assert files["src/Bank.sol"].missed_lines[:3] == (38, 39, 40)


def test_sums_in_the_file_are_not_believed() -> None:
    (record,) = parse_lcov(b"SF:a.sol\nDA:1,0\nLF:100\nLH:100\nend_of_record\n")
    assert file_coverage(record).lines == Ratio(hit=0, total=1)


def test_records_of_one_file_are_merged() -> None:
    (record,) = parse_lcov(
        b"TN:\nSF:a.sol\nDA:1,0\nBRDA:1,0,0,-\nend_of_record\nSF:a.sol\nDA:1,2\nBRDA:1,0,0,3\nend_of_record\n"
    )
    assert file_coverage(record).lines == Ratio(hit=1, total=1)
    assert file_coverage(record).branches == Ratio(hit=1, total=1)


def test_a_branch_never_evaluated_is_missed() -> None:
    (record,) = parse_lcov(b"SF:a.sol\nBRDA:1,0,0,-\nBRDA:1,0,1,1\nend_of_record\n")
    assert file_coverage(record).branches == Ratio(hit=1, total=2)


def test_a_function_without_a_count_is_missed() -> None:
    (record,) = parse_lcov(b"SF:a.sol\nFN:1,A.f\nFN:2,9,A.g\nFNDA:1,A.g\nend_of_record\n")
    assert file_coverage(record).functions == Ratio(hit=1, total=2)


def test_what_is_written_reads_the_same(forge_output: Callable[[str], bytes]) -> None:
    records = keep_records(parse_lcov(forge_output("lcov.info")), lambda path: path.startswith("src/"))
    again = parse_lcov(write_lcov(records).encode())
    assert [file_coverage(r) for r in again] == [file_coverage(r) for r in records]
    assert [r.path for r in again] == ["src/Bank.sol", "src/Counter.sol", "src/Ratio.sol"]


@pytest.mark.parametrize(
    "data",
    [
        b"SF:a.sol\nDA:1,1\n",
        b"SF:a.sol\nDA:x,1\nend_of_record\n",
        b"SF:a.sol\nDA:1\nend_of_record\n",
        b"SF:a.sol\nDA:1,-5\nend_of_record\n",
        b"DA:1,1\n",
        b"\xff\xfe",
    ],
)
def test_a_cut_or_damaged_tracefile_is_an_error_of_the_tool(data: bytes) -> None:
    with pytest.raises(ToolchainOutputError, match="lcov tracefile"):
        parse_lcov(data)


def test_an_empty_tracefile_covers_nothing() -> None:
    assert parse_lcov(b"") == ()
    assert write_lcov(()) == ""
