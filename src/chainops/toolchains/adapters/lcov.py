"""Reads and filters lcov tracefiles (geninfo(1)), and counts their lines, branches and functions itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from chainops.core.text import decode, one_line
from chainops.toolchains.errors import ToolchainOutputError
from chainops.toolchains.model import FileCoverage, Ratio


@dataclass(slots=True)
class _Record:
    """One file's counts, summed over its records."""

    path: str
    lines: dict[int, int] = field(default_factory=dict)
    branches: dict[tuple[int, str, str], int] = field(default_factory=dict)
    functions: dict[str, int] = field(default_factory=dict)
    function_lines: dict[str, int] = field(default_factory=dict)


def parse_lcov(data: bytes) -> tuple[_Record, ...]:
    """Return a tracefile's records, those of one file merged.

    Raises `ToolchainOutputError` when it is not a tracefile, or is cut off.
    """
    records: dict[str, _Record] = {}
    current: _Record | None = None
    for number, line in enumerate(decode(data).splitlines(), 1):
        keyword, _, rest = line.strip().partition(":")
        if keyword == "SF":
            current = records.setdefault(rest, _Record(rest))
        elif keyword == "end_of_record":
            current = None
        elif current is not None:
            try:
                _take(current, keyword, rest.split(","))
            except (ValueError, IndexError) as error:
                raise _damaged(f"line {number} is `{one_line(line, 80)}`") from error
        elif keyword not in ("", "TN"):
            raise _damaged(f"line {number} is `{one_line(line, 80)}`, outside of a record")
    if current is not None:
        raise _damaged("it ends within a record")
    return tuple(records.values())


def _damaged(why: str) -> ToolchainOutputError:
    return ToolchainOutputError(
        f"the coverage report is not a whole lcov tracefile: {why}",
        hint="look at the stage's log; a full disk or a killed process can cut a report",
    )


def _take(record: _Record, keyword: str, fields: list[str]) -> None:
    if keyword == "DA":
        _add(record.lines, int(fields[0]), _hits(fields[1]))
    elif keyword == "BRDA":
        _add(record.branches, (int(fields[0]), fields[1], fields[2]), _hits(fields[3]))
    elif keyword == "FN":
        # lcov 2 has `start,end,name`, older versions `start,name`
        record.function_lines[fields[-1]] = int(fields[0])
        record.functions.setdefault(fields[-1], 0)
    elif keyword == "FNDA":
        _add(record.functions, ",".join(fields[1:]), _hits(fields[0]))


def _add(counts: dict[Any, int], key: Any, hits: int) -> None:
    counts[key] = counts.get(key, 0) + hits


def _hits(text: str) -> int:
    # `-` marks a branch whose condition was never evaluated
    hits = 0 if text == "-" else int(text)
    if hits < 0:
        raise ValueError("a negative count")
    return hits


def _ratio(counts: Iterable[int]) -> Ratio:
    values = list(counts)
    return Ratio(hit=sum(value > 0 for value in values), total=len(values))


def file_coverage(record: _Record, statements: Ratio | None = None) -> FileCoverage:
    """Return one file's ratios from its counts (a tracefile's own sums are not used)."""
    return FileCoverage(
        path=record.path,
        lines=_ratio(record.lines.values()),
        branches=_ratio(record.branches.values()),
        functions=_ratio(record.functions.values()),
        statements=statements,
        missed_lines=tuple(sorted(line for line, hits in record.lines.items() if not hits)),
    )


def keep_records(records: Iterable[_Record], keep: Callable[[str], bool]) -> tuple[_Record, ...]:
    """Return the records of files that `keep` accepts, by path."""
    return tuple(sorted((r for r in records if keep(r.path)), key=lambda r: r.path))


def write_lcov(records: Iterable[_Record]) -> str:
    """Return a tracefile of the records."""
    lines: list[str] = []
    for record in records:
        lines += ["TN:", f"SF:{record.path}"]
        lines += [f"FN:{line},{name}" for name, line in record.function_lines.items()]
        lines += [f"FNDA:{hits},{name}" for name, hits in record.functions.items()]
        lines += [f"FNF:{len(record.functions)}", f"FNH:{_ratio(record.functions.values()).hit}"]
        lines += [f"BRDA:{line},{b},{e},{hits}" for (line, b, e), hits in record.branches.items()]
        lines += [f"BRF:{len(record.branches)}", f"BRH:{_ratio(record.branches.values()).hit}"]
        lines += [f"DA:{line},{hits}" for line, hits in sorted(record.lines.items())]
        lines += [f"LF:{len(record.lines)}", f"LH:{_ratio(record.lines.values()).hit}", "end_of_record"]
    return "\n".join(lines) + ("\n" if lines else "")
