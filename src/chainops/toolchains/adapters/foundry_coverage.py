"""Joins forge's two coverage reports: lines, branches and functions from lcov, statements from the summary.

lcov has no statements, so `forge coverage` is asked for both reports in one run and the table's figures per
file are added to the records of lcov.
"""

from __future__ import annotations

import re

from chainops.toolchains.adapters.lcov import file_coverage, keep_records, parse_lcov, write_lcov
from chainops.toolchains.foundry_config import FoundryConfig
from chainops.toolchains.model import Coverage, Ratio
from chainops.toolchains.ownership import matches

#: `| src/Vault.sol | 97.00% (97/100) | … |`; the columns are lines, statements, branches, functions
_ROW = re.compile(r"^\s*[|│]\s*(?P<path>\S.*?\.sol)\s*[|│](?P<cells>.*)[|│]\s*$", re.MULTILINE)
_CELL = re.compile(r"\((\d{1,9})/(\d{1,9})\)")
_STATEMENTS_COLUMN = 1
_COLUMNS = 4

IR_ACCURACY = (
    "measured with --ir-minimum because the plain build ends with `stack too deep`: via-IR maps bytecode to "
    "lines and branches less exactly, so covered code can count as missed (foundry-rs/foundry#9745)"
)


def failing_accuracy(returncode: int) -> str:
    """Say what an exit code of `forge coverage` that left a report means for its figures."""
    return (
        ""
        if returncode == 0
        else "some tests failed: what they would have reached after that counts as missed"
    )


def parse_statements(printed: str) -> dict[str, Ratio]:
    """Return statement coverage by file from what `forge coverage --report summary` printed."""
    found = {}
    for row in _ROW.finditer(printed):
        cells = _CELL.findall(row["cells"])
        if len(cells) == _COLUMNS:
            hit, total = cells[_STATEMENTS_COLUMN]
            found[row["path"]] = Ratio(hit=min(int(hit), int(total)), total=int(total))
    return found


def read_coverage(
    tracefile: bytes, printed: str, config: FoundryConfig, exclude: tuple[str, ...], accuracy: str
) -> Coverage:
    """Return the coverage of the project's own sources.

    Raises `ToolchainOutputError` when the tracefile is not whole.
    """
    layout = config.layout
    statements = parse_statements(printed)
    records = keep_records(
        parse_lcov(tracefile), lambda path: layout.is_own(path) and not matches(path, exclude)
    )
    return Coverage(
        files=tuple(file_coverage(record, statements.get(record.path)) for record in records),
        lcov=write_lcov(records),
        accuracy=accuracy,
    )
