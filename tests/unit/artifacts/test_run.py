"""One contract for the artifact sinks of a run, on disk and in memory."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from chainops.artifacts.errors import ArtifactNameError, ManifestError
from chainops.artifacts.manifest import FileManifest, Manifest, MemoryManifest
from chainops.artifacts.model import Artifact
from chainops.artifacts.ports import ArtifactStore, read
from chainops.artifacts.run import MemoryArtifacts, RunArtifacts
from chainops.artifacts.store import LocalArtifactStore, MemoryArtifactStore
from chainops.core.secrets import Masker

SECRET = 's3cr3t-"of"-the-project'
MakeSink = Callable[[str], tuple[RunArtifacts, ArtifactStore, Manifest]]


@pytest.fixture(params=["disk", "memory"])
def make_sink(request: pytest.FixtureRequest, tmp_path: Path) -> MakeSink:
    store: ArtifactStore = MemoryArtifactStore()
    manifest: Manifest = MemoryManifest()
    if request.param == "disk":
        store = LocalArtifactStore(tmp_path / "store")
        manifest = FileManifest(tmp_path / "run" / "artifacts.jsonl")
        (tmp_path / "run").mkdir()

    def make(stage: str) -> tuple[RunArtifacts, ArtifactStore, Manifest]:
        sink = RunArtifacts(store=store, manifest=manifest, stage=stage, masker=Masker([SECRET]))
        return sink, store, manifest

    return make


def test_what_a_stage_puts_is_stored_and_listed_under_its_name(make_sink: MakeSink, tmp_path: Path) -> None:
    sink, store, manifest = make_sink("unit-tests")
    (tmp_path / "lcov").write_bytes(b"TN:")
    kept = [
        sink.put_bytes("tests/report.json", b"{}", kind="test-report", media_type="application/json"),
        sink.put_file("coverage/lcov.info", tmp_path / "lcov", kind="coverage"),
    ]
    assert manifest.entries() == tuple(sorted(kept, key=lambda a: a.name))
    assert kept[0].stage == "unit-tests"
    assert (kept[0].size_bytes, kept[0].media_type) == (2, "application/json")
    assert [read(store, a.digest) for a in kept] == [b"{}", b"TN:"]


@pytest.mark.parametrize("kind", ["test-report", "gas-report", "coverage", "security-report", "log"])
def test_a_secret_in_a_report_is_masked_before_it_is_kept(
    kind: str, make_sink: MakeSink, tmp_path: Path
) -> None:
    sink, store, _ = make_sink("unit-tests")
    text = json.dumps({"reason": f"revert: {SECRET}"}).encode()
    # in a file the secret may lie across two of the pieces in which it is copied
    (tmp_path / "report").write_bytes(b" " * ((1 << 20) - 20) + text)
    kept = [sink.put_bytes("a", text, kind=kind), sink.put_file("b", tmp_path / "report", kind=kind)]
    assert [read(store, a.digest).strip() for a in kept] == [b'{"reason": "revert: ***"}'] * 2
    assert kept[0].size_bytes == len(b'{"reason": "revert: ***"}')


@pytest.mark.parametrize("kind", ["contract", "build-info"])
def test_what_a_compiler_made_is_kept_bit_by_bit(kind: str, make_sink: MakeSink, tmp_path: Path) -> None:
    sink, store, _ = make_sink("compilation")
    (tmp_path / "Vault.json").write_text(SECRET)
    kept = [
        sink.put_bytes("a", SECRET.encode(), kind=kind),
        sink.put_file("b", tmp_path / "Vault.json", kind=kind),
    ]
    assert {read(store, a.digest) for a in kept} == {SECRET.encode()}


def test_a_second_attempt_replaces_what_the_first_put(make_sink: MakeSink) -> None:
    sink, _, manifest = make_sink("compilation")
    sink.put_bytes("Vault.json", b"first", kind="contract")
    second = sink.put_bytes("Vault.json", b"second", kind="contract")
    assert manifest.entries() == (second,)


def test_a_cached_stage_lists_what_is_stored_already(make_sink: MakeSink) -> None:
    sink, _, manifest = make_sink("compilation")
    cached = Artifact(name="a", kind="contract", digest="sha256:" + "0" * 64, size_bytes=1, stage="old")
    assert sink.adopt(cached).stage == "compilation"
    assert [a.digest for a in manifest.entries()] == [cached.digest]


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "..",
        "/etc/passwd",
        "../x",
        "a/../../x",
        "a//b",
        "./a",
        "a/",
        "a\\b",
        "a\nb",
        "a\x1b[2J",
        "x\u202ey",
        "a" * 401,
    ],
)
def test_a_name_that_leads_elsewhere_is_refused_before_anything_is_stored(
    make_sink: MakeSink, name: str
) -> None:
    sink, store, manifest = make_sink("compilation")
    with pytest.raises(ArtifactNameError):
        sink.put_bytes(name, b"data", kind="contract")
    assert list(store.digests()) == []
    assert manifest.entries() == ()


def test_names_in_any_language_are_welcome(make_sink: MakeSink) -> None:
    sink, _, manifest = make_sink("compilation")
    sink.put_bytes("contracts/Größe ü.json", b"", kind="contract")
    assert [a.name for a in manifest.entries()] == ["contracts/Größe ü.json"]


def test_a_line_torn_by_a_crash_is_dropped_and_the_next_one_kept(tmp_path: Path) -> None:
    path = tmp_path / "artifacts.jsonl"
    sink = RunArtifacts(store=MemoryArtifactStore(), manifest=FileManifest(path))
    sink.put_bytes("a", b"1", kind="log")
    whole = path.read_bytes()
    path.write_bytes(whole + whole[: len(whole) // 2])
    assert [a.name for a in FileManifest(path).entries()] == ["a"]
    sink.put_bytes("b", b"2", kind="log")
    assert [a.name for a in FileManifest(path).entries()] == ["a", "b"]


def test_every_changed_byte_of_the_list_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "artifacts.jsonl"
    sink = RunArtifacts(store=MemoryArtifactStore(), manifest=FileManifest(path), stage="compilation")
    sink.put_bytes("a", b"1", kind="log")
    sink.put_bytes("b", b"2", kind="log")
    whole = path.read_bytes()
    first_line = whole.index(b"\n")
    for position in range(first_line):
        changed = bytearray(whole)
        changed[position] = changed[position] ^ 1
        path.write_bytes(changed)
        with pytest.raises(ManifestError, match=r"artifacts.jsonl:1"):
            FileManifest(path).entries()


def test_the_twin_shows_what_was_put() -> None:
    sink = MemoryArtifacts(stage="unit-tests")
    sink.put_bytes("report.json", b"{}", kind="test-report")
    assert sink.content("report.json") == b"{}"
