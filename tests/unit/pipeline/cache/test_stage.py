"""When a stage is taken from the cache, when it runs, and what is never kept."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from chainops.core.secrets import Masker
from chainops.pipeline.cache.prune import Limits
from chainops.pipeline.cache.store import CacheStore, load_entry
from chainops.pipeline.model import Outcome, StageStatus
from chainops.stages.common import (
    COMPILATION,
    INTEGRATION_TESTS,
    SECURITY_SCAN,
    STATIC_ANALYSIS,
    UNIT_TESTS,
)
from chainops.toolchains.settings import FoundrySettings
from unit.pipeline.cache.scripted import Bench, Policy, Scripted, make_project, taken, write

ALL = {COMPILATION, STATIC_ANALYSIS, UNIT_TESTS, SECURITY_SCAN, INTEGRATION_TESTS}


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return make_project(tmp_path)


def append(bench: Bench, name: str, text: str = "// changed\n") -> None:
    path = bench.root / name
    path.write_text(path.read_text() + text)


def note(outcomes: dict[str, Outcome], stage: str) -> str:
    return outcomes[stage].cache_note


def test_nothing_changed_runs_nothing_and_says_so(bench: Bench) -> None:
    first = bench.run()
    assert not taken(first)
    assert {o.cache_note for o in first.values()} == {"ran: there is no earlier result"}
    bench.forge.ran.clear()
    bench.log.clear()
    second = bench.run()
    assert taken(second) == ALL
    assert bench.forge.ran == []
    for name, outcome in second.items():
        assert replace(outcome, cached_from="", cache_note="") == replace(first[name], cache_note="")
        assert (outcome.cached_from, outcome.cache_note) == ("run-1", "taken from run run-1")
    log = bench.log.decode()
    assert "cache: nothing that it stands on has changed since: taken from run run-1" in log
    assert "unit-tests at work" in log  # the log of then
    kept = {artifact.name: artifact for artifact in bench.manifest.entries()}
    assert kept["unit-tests/found.txt"].stage == UNIT_TESTS


def test_a_comment_in_a_test_reruns_tests_and_not_the_scan(bench: Bench) -> None:
    bench.run()
    append(bench, "test/Vault.t.sol")
    found = bench.run()
    assert taken(found) == {SECURITY_SCAN}
    assert note(found, UNIT_TESTS) == "ran: test/Vault.t.sol changed"


def test_a_readme_reruns_nothing(bench: Bench) -> None:
    bench.run()
    append(bench, "README.md")
    assert taken(bench.run()) == ALL


def test_a_source_reruns_everything_and_going_back_takes_the_first_result(bench: Bench) -> None:
    before = (bench.root / "src/Vault.sol").read_text()
    bench.run()
    append(bench, "src/Vault.sol")
    assert taken(bench.run()) == set()
    write(bench.root / "src/Vault.sol", before)
    again = bench.run()
    assert {outcome.cached_from for outcome in again.values()} == {"run-1"}


def test_a_library_that_is_not_imported_reruns_only_what_reads_all_libraries(bench: Bench) -> None:
    bench.run()
    append(bench, "lib/oz/Unused.sol")
    found = bench.run()
    assert taken(found) == ALL - {STATIC_ANALYSIS}
    assert note(found, STATIC_ANALYSIS) == "ran: lib/oz/Unused.sol changed"


def test_what_the_compiler_reported_it_read_counts(bench: Bench) -> None:
    bench.run()
    append(bench, "lib/oz/Base.sol")
    found = bench.run()
    assert taken(found) == set()
    assert note(found, COMPILATION) == "ran: lib/oz/Base.sol changed"


def test_a_new_file_that_shadows_an_import_is_told(bench: Bench) -> None:
    bench.run()
    write(bench.root / "lib/util/Bits.sol", "library Bits {} // other\n")
    found = bench.run()
    assert not taken(found) & {COMPILATION, UNIT_TESTS, SECURITY_SCAN}
    assert note(found, COMPILATION) == "ran: lib/util/Bits.sol was added"


def test_settings_tools_environment_and_our_own_code_are_told(bench: Bench) -> None:
    bench.run()
    bench.foundry = FoundrySettings(fuzz_seed="7")
    changed = bench.run()
    assert note(changed, UNIT_TESTS) == "ran: the setting foundry.fuzz_seed changed"
    assert COMPILATION in taken(changed)
    bench.foundry = FoundrySettings()
    bench.run()
    bench.env = {"TOKEN": "x"}
    assert note(bench.run(), UNIT_TESTS) == "ran: the variable TOKEN was added"
    bench.env = {}
    bench.run()
    bench.code = "2"
    assert note(bench.run(), UNIT_TESTS) == "ran: the tool chainops changed"


def test_same_size_and_same_time_do_not_deceive(bench: Bench) -> None:
    path = bench.root / "src/Math.sol"
    os.utime(path, (1, 1))
    bench.run()
    before = path.stat()
    path.write_text(path.read_text().replace("Math {}", "Mash {}"))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert path.stat().st_size == before.st_size
    assert taken(bench.run()) == set()


def test_a_failure_is_not_kept(bench: Bench) -> None:
    failed = Outcome(status=StageStatus.FAILED, reason="no")
    stage = bench.cached(Scripted(STATIC_ANALYSIS, bench.forge, failed))
    context = bench.context(STATIC_ANALYSIS, "r", {"source-checkout": _checkout(bench)})
    assert asyncio.run(stage.run(context)).status is StageStatus.FAILED
    assert list(bench.store.entry_files()) == []


async def test_a_cancelled_stage_is_not_kept(bench: Bench) -> None:
    async def hang(_context: object) -> Outcome:
        await asyncio.Event().wait()
        raise AssertionError

    stage = Scripted(STATIC_ANALYSIS, bench.forge)
    stage.run = hang  # type: ignore[method-assign, assignment]
    context = bench.context(STATIC_ANALYSIS, "r", {"source-checkout": _checkout(bench)})
    task = asyncio.ensure_future(bench.cached(stage).run(context))
    while not bench.log:
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert list(bench.store.entry_files()) == []


def _checkout(bench: Bench) -> Outcome:
    return Outcome(
        status=StageStatus.SUCCESS,
        outputs={"project_root": str(bench.root), "sources": ["src/Vault.sol", "src/Math.sol"]},
    )


@pytest.mark.parametrize(
    "name", ["README.md", "new.txt", "src/Vault.sol", "out/deep/file", "../.chainops/build/out/all.json"]
)
def test_a_stage_that_wrote_outside_of_its_outputs_is_not_kept(bench: Bench, name: str) -> None:
    bench.forge.during[UNIT_TESTS] = lambda: write(bench.root / name, "written by a test")
    found = bench.run()
    assert "not kept: " in note(found, UNIT_TESTS)
    assert "changed while it ran" in note(found, UNIT_TESTS)
    assert UNIT_TESTS not in {e.stage for p in bench.store.entry_files() if (e := load_entry(p))}


def test_writing_the_same_into_the_build_again_is_no_change(bench: Bench) -> None:
    index = bench.workspace / ".chainops/build/cache/solidity-files-cache.json"
    bench.forge.during[UNIT_TESTS] = lambda: write(index, index.read_text())
    bench.run()
    assert UNIT_TESTS in taken(bench.run())


def test_inputs_that_changed_meanwhile_and_back_are_not_kept(bench: Bench) -> None:
    path = bench.root / "src/Math.sol"

    def there_and_back() -> None:
        text = path.read_text()
        path.write_text("library Other {}\n")
        path.write_text(text)

    bench.forge.during[COMPILATION] = there_and_back
    assert "src/Math.sol changed while it ran" in note(bench.run(), COMPILATION)


def damage(path: Path, kind: str) -> None:
    path.chmod(0o644)
    data = path.read_bytes()
    other = {"cut": data[: len(data) // 2], "empty": b"", "flipped": data[:-3] + b"\0" + data[-2:]}
    path.write_bytes(other[kind])


@pytest.mark.parametrize("kind", ["cut", "empty", "flipped"])
@pytest.mark.parametrize("what", ["entries", "blobs"])
def test_damage_is_a_miss_and_is_mended(bench: Bench, kind: str, what: str) -> None:
    first = bench.run()
    files = [p for p in (bench.store.root / what).rglob("*") if p.is_file()]
    for path in files:
        damage(path, kind)
    # what the blobs were copied from is gone as well
    for folder in ("artifacts", "build"):
        shutil.rmtree(bench.workspace / ".chainops" / folder)
    second = bench.run()
    assert taken(second) == set()
    assert {n: o.outputs for n, o in second.items()} == {n: o.outputs for n, o in first.items()}
    if what == "blobs":
        assert "is damaged" in note(second, COMPILATION)
    assert taken(bench.run()) == ALL


def test_a_damaged_memory_of_digests_is_forgotten(bench: Bench) -> None:
    bench.run()
    path = bench.workspace / ".chainops/digests.json"
    for junk in (b"", b"{", b"x\n[[1]]", b"\xff\xfe"):
        path.write_bytes(junk)
        assert taken(Bench(bench.workspace).run()) == ALL


def test_missing_blobs_of_a_list_only_make_the_reason_less_exact(bench: Bench) -> None:
    bench.run()
    for path in (bench.store.root / "blobs" / "sha256").rglob("*"):
        if path.is_file():
            path.unlink()
    write(bench.root / "lib/util/Bits.sol", "library Bits {}\n")
    assert "names of sources changed" in note(bench.run(), COMPILATION)


def test_a_run_that_takes_nothing_keeps_what_it_finds(bench: Bench) -> None:
    bench.policy = Policy(why="--no-cache")
    found = bench.run()
    assert note(found, UNIT_TESTS) == "ran: --no-cache"
    assert note(bench.run(), UNIT_TESTS) == "ran: --no-cache"
    bench.policy = Policy()
    assert taken(bench.run()) == ALL


def test_an_untrusted_ref_takes_its_own_and_nobody_takes_its(bench: Bench) -> None:
    bench.policy = Policy(scopes=("request 7", "trusted"), scope="request 7")
    assert taken(bench.run()) == set()
    assert taken(bench.run()) == ALL
    bench.policy = Policy(scopes=("request 8", "trusted"), scope="request 8")
    assert taken(bench.run()) == set()
    bench.policy = Policy()
    trusted = bench.run(name="trusted")
    assert taken(trusted) == set()
    bench.policy = Policy(scopes=("request 9", "trusted"), scope="request 9")
    assert {o.cached_from for o in bench.run().values()} == {"trusted"}
    bench.policy = Policy(scopes=(), scope="")
    assert "not kept: this run's ref is not known" in note(bench.run(), UNIT_TESTS)


def foundry(bench: Bench, **settings: Any) -> None:
    bench.foundry = FoundrySettings(**settings)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda b: append(b, "foundry.toml", 'eth_rpc_url = "http://n"\n'), "foundry.toml sets eth_rpc_url"),
        (lambda b: append(b, "test/Vault.t.sol", "// vm.createSelectFork (url)\n"), "makes a fork"),
        (lambda b: b.env.update(ETH_RPC_URL="http://n"), "ETH_RPC_URL is set"),
        (lambda b: write(b.root / ".env", "FOUNDRY_ETH_RPC_URL=x\n"), "FOUNDRY_ETH_RPC_URL is set"),
        (lambda b: write(b.root / ".env", "FOUNDRY_LIBS=x\n"), "FOUNDRY_LIBS is set"),
        (lambda b: b.env.update(FOUNDRY_REMAPPINGS="x"), "FOUNDRY_REMAPPINGS is set"),
        (lambda b: foundry(b, test_args=("--fork-url", "x")), "arguments of forge"),
        (lambda b: foundry(b, allow_ffi=True), "may start programs"),
    ],
)
def test_tests_that_may_meet_more_than_their_sources_are_never_taken(
    bench: Bench, change: object, why: str
) -> None:
    change(bench)  # type: ignore[operator]
    bench.run()
    found = bench.run()
    assert UNIT_TESTS not in taken(found)
    assert why in note(found, UNIT_TESTS)


def test_integration_tests_on_a_fork_are_never_taken(bench: Bench) -> None:
    bench.fork_url = "http://node"
    bench.run()
    found = bench.run()
    assert taken(found) == ALL - {INTEGRATION_TESTS}
    assert note(found, INTEGRATION_TESTS) == "ran: its tests meet a fork of a live chain"


def test_files_that_tests_may_read_count(bench: Bench) -> None:
    append(bench, "foundry.toml", 'fs_permissions = [{access = "read", path = "./fixtures"}]\n')
    write(bench.root / "fixtures/a.json", "{}")
    bench.run()
    assert taken(bench.run()) == ALL
    write(bench.root / "fixtures/a.json", "[]")
    found = bench.run()
    assert note(found, UNIT_TESTS) == "ran: fixtures/a.json changed"
    assert COMPILATION in taken(found)


def test_cells_have_results_of_their_own(bench: Bench) -> None:
    bench.run()
    bench.stages = (COMPILATION,)
    bench.cell = {"solc": "0.8.30"}
    assert "the value of solc was added" in note(bench.run(), COMPILATION)
    assert taken(bench.run()) == {COMPILATION}


def test_no_secret_is_in_the_cache(bench: Bench) -> None:
    bench.masker = Masker(["hunter2222"])
    bench.env = {"TOKEN": "hunter2222"}
    bench.run()
    held = b"".join(p.read_bytes() for p in bench.store.root.rglob("*") if p.is_file())
    assert b"hunter2222" not in held
    assert hashlib.sha256(b"hunter2222").hexdigest().encode() not in held


def test_a_full_disk_does_not_fail_the_stage(bench: Bench) -> None:
    bench.store.root.mkdir(parents=True)
    write(bench.store.root / "blobs", "a file where a folder is needed")
    found = bench.run()
    assert {o.status for o in found.values()} == {StageStatus.SUCCESS}
    assert "not kept: cannot write" in note(found, UNIT_TESTS)


def test_the_cache_stays_within_its_limits(bench: Bench) -> None:
    bench.limits = Limits(max_size_bytes=0)
    bench.run()
    assert list(bench.store.entry_files()) == []


def test_two_runs_that_write_the_same_entry_both_succeed(bench: Bench) -> None:
    bench.run()
    bench.policy = Policy(why="--no-cache")
    entry = next(iter(bench.store.entry_files()))
    kept = load_entry(entry)
    assert kept
    stores = [CacheStore(bench.workspace / ".chainops" / "cache") for _ in range(4)]
    threads = [
        threading.Thread(target=lambda s=store: [s.put("trusted", kept, {}) for _ in range(50)])
        for store in stores
    ]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        assert load_entry(entry) == kept  # never a part of it
    for thread in threads:
        thread.join()
    bench.policy = Policy()
    assert taken(bench.run()) == ALL


_WRITER = """
import sys
from pathlib import Path
from chainops.pipeline.cache.store import CacheStore, load_entry
store = CacheStore(Path(sys.argv[1]))
entry = load_entry(Path(sys.argv[2]))
print("go", flush=True)
while True:
    store.blobs.put_bytes(b"x" * 100_000)
    store.put("trusted", entry, {"list:a": {"b": "c"}})
"""


def test_a_writer_that_is_killed_leaves_no_wrong_entry(bench: Bench, tmp_path: Path) -> None:
    bench.run()
    source = next(p for p in bench.store.entry_files() if COMPILATION in p.parts)
    wanted = load_entry(source)
    copy = tmp_path / "entry.json"
    copy.write_bytes(source.read_bytes())
    for number in range(8):
        argv = [sys.executable, "-c", _WRITER, str(bench.workspace / ".chainops/cache"), str(copy)]
        with subprocess.Popen(argv, stdout=subprocess.PIPE) as writer:
            assert writer.stdout
            assert writer.stdout.readline() == b"go\n"
            until = time.monotonic() + 0.004 * number
            while time.monotonic() < until:
                pass
            writer.kill()
        assert load_entry(source) == wanted
        assert {load_entry(p) is None for p in bench.store.entry_files()} == {False}
    assert taken(bench.run()) == ALL


def test_an_entry_of_another_form_is_not_read(bench: Bench, tmp_path: Path) -> None:
    bench.run()
    path = next(iter(bench.store.entry_files()))
    check, _, body = path.read_bytes().partition(b"\n")
    assert check
    for change in ({"parts": 7}, {"folders": {"out": [{"path": "../../x"}]}}):
        other = json.dumps({**json.loads(body), **change}).encode()
        path.write_bytes(hashlib.sha256(other).hexdigest().encode() + b"\n" + other)
        assert load_entry(path) is None


@pytest.mark.parametrize(
    ("comment", "kept"),
    [
        ('/// forge-config: default.fs_permissions = [{access = "read", path = "data"}]\n', False),
        ('/// forge-config: default.eth_rpc_url = "http://localhost"\n', False),
        ("/// forge-config: [default]\n", False),
        ("/// forge-config: default.fuzz.runs = 3\n", True),
    ],
)
def test_settings_in_comments_of_tests_that_may_read_anything(bench: Bench, comment: str, kept: bool) -> None:
    append(bench, "test/Vault.t.sol", comment)
    bench.run()
    found = bench.run()
    assert (UNIT_TESTS in taken(found), INTEGRATION_TESTS in taken(found)) == (kept, kept)
    assert kept or "test/Vault.t.sol has settings in comments" in note(found, UNIT_TESTS)


def test_folders_and_links_that_tests_may_look_at_count(bench: Bench) -> None:
    append(bench, "foundry.toml", 'fs_permissions = [{access = "read", path = "./data"}]\n')
    write(bench.root / "data/a.txt", "a")
    link = bench.root / "data/link"
    link.symlink_to("a.txt")
    bench.run()
    assert UNIT_TESTS in taken(bench.run())
    (bench.root / "data/empty").mkdir()
    found = bench.run()
    assert UNIT_TESTS not in taken(found)
    assert "data/empty/" in note(found, UNIT_TESTS)
    (bench.root / "data/empty/b").mkdir()
    assert UNIT_TESTS not in taken(bench.run())
    link.unlink()
    link.symlink_to("./a.txt")
    assert UNIT_TESTS not in taken(bench.run())
    link.unlink()
    link.symlink_to("nowhere")
    assert UNIT_TESTS not in taken(bench.run())


def test_a_cache_that_lies_in_the_project_is_no_part_of_it(bench: Bench) -> None:
    bench.store = CacheStore(bench.root / "ci" / "cache")
    first = bench.run()
    assert {outcome.cache_note for outcome in first.values()} == {"ran: there is no earlier result"}
    assert taken(bench.run()) == ALL


def test_all_that_is_damaged_of_an_entry_is_written_anew_at_once(bench: Bench) -> None:
    bench.run()
    for path in (bench.store.root / "blobs").rglob("*"):
        if path.is_file():
            path.chmod(0o644)
            path.write_bytes(b"damaged")
    shutil.rmtree(bench.workspace / ".chainops" / "artifacts")
    for folder in bench.workspace.rglob("all.json"):
        folder.unlink()
    assert "damaged" in note(bench.run(), COMPILATION)
    for folder in bench.workspace.rglob("all.json"):
        folder.unlink()
    assert taken(bench.run()) == ALL
