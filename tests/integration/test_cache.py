"""The cache with the real tools, in short; the chaos series has the long form."""

from __future__ import annotations

from pathlib import Path

import pytest

from acceptance.harness import Ran, chainops
from chaos.cache_edits import CACHEABLE, Edits, found


def taken(ran: Ran) -> set[str]:
    return {s["name"] for s in ran.result["stages"] if s["cached_from"]}


@pytest.mark.integration
def test_what_changed_runs_again_and_nothing_else(tmp_path: Path) -> None:
    edits = Edits(tmp_path, seed=1)
    first = edits.run()
    assert first.code == 0, first.err
    assert taken(first) == set()

    (edits.root / "README.md").write_text("# Counter\n")
    again = edits.run()
    assert taken(again) == set(CACHEABLE)
    assert found(again) == found(first)
    shown = again.stage("unit-tests")
    assert shown["cached_from"] == first.result["run_id"]
    assert shown["inputs_digest"] == first.stage("unit-tests")["inputs_digest"]
    assert f"taken from run {first.result['run_id']}" in again.err

    test = edits.root / "test" / "Counter.t.sol"
    before = test.read_bytes()
    test.write_bytes(before + b"// a remark\n")
    changed = edits.run()
    assert taken(changed) == {"security-scan"}
    # forge may write the shared build anew beside the tests, and then says so of what is not kept
    why, _, _ = changed.stage("unit-tests")["cache_note"].partition("; not kept: ")
    assert why == "ran: test/Counter.t.sol changed"

    test.write_bytes(before)
    assert taken(edits.run()) == set(CACHEABLE)
    # the build of then is there again, so that forge has nothing to compile
    build = edits.root / ".chainops/build/cache/solidity-files-cache.json"
    assert build.is_file()

    from_tests = ("runs", "rerun", "latest", "--from", "unit-tests")
    rerun = chainops(*from_tests, "-w", edits.root, "--json")
    assert rerun.code == 0, rerun.err
    assert rerun.stage("unit-tests")["cached_from"] == ""
    why, _, _ = rerun.stage("unit-tests")["cache_note"].partition("; not kept: ")
    assert why == "ran: it is run again on request"
    assert "compilation" in taken(rerun)  # it was not asked for
