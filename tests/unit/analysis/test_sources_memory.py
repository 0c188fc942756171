"""What is kept of a source to find places in it is of the size of its text."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

from chainops.analysis.sources import Sources


def test_a_source_that_was_looked_at_keeps_no_tokens(tmp_path: Path) -> None:
    line = "        x = x * 3 + (x << 2) - y[x] / 7;\n"
    functions = "".join(f"    function f{n}() external {{\n{line * 50}    }}\n" for n in range(100))
    (tmp_path / "A.sol").write_text(f"contract A {{\n{functions}}}\n")
    sources = Sources(tmp_path)
    tracemalloc.start()
    try:
        source = sources["A.sol"]
        kept_bytes, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert source.symbol(30) == "A.f0"
    assert kept_bytes < 10 * len(source.text), "raw, text, lines and their index"
