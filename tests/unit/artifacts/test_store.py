"""One contract for every artifact store, and what only the one on disk must survive."""

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from chainops.artifacts.errors import ArtifactChangedError, ArtifactMissingError, ArtifactSourceError
from chainops.artifacts.ports import ArtifactStore, read, read_tail
from chainops.artifacts.store import LocalArtifactStore, MemoryArtifactStore
from chainops.core.hashing import digest_bytes


@pytest.fixture(params=["local", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ArtifactStore:
    return LocalArtifactStore(tmp_path / "store") if request.param == "local" else MemoryArtifactStore()


def damage(store: ArtifactStore, digest: str, data: bytes) -> None:
    if isinstance(store, MemoryArtifactStore):
        store.blobs[digest] = data
        return
    assert isinstance(store, LocalArtifactStore)
    path = store.path(digest)
    path.chmod(0o644)
    path.write_bytes(data)


@pytest.mark.parametrize("data", [b"", b"x", b"\x00\xff" * 700_000], ids=["empty", "small", "two chunks"])
def test_what_was_put_is_read_back(store: ArtifactStore, tmp_path: Path, data: bytes) -> None:
    digest, size_bytes = store.put_bytes(data)
    assert (digest, size_bytes) == (digest_bytes(data), len(data))
    assert read(store, digest) == data
    source = tmp_path / "source"
    source.write_bytes(data)
    assert store.put_file(source) == (digest, size_bytes)
    assert list(store.digests()) == [digest]


def test_a_tail_is_the_end_of_the_bytes(store: ArtifactStore) -> None:
    digest, _ = store.put_bytes(b"a" * 3_000_000 + b"the end")
    assert read_tail(store, digest, 7) == b"the end"
    assert len(read_tail(store, digest, 5_000_000)) == 3_000_007


@pytest.mark.parametrize("changed", [b"evil", b"goo", b""])
def test_a_changed_byte_is_detected_on_reading(store: ArtifactStore, changed: bytes) -> None:
    digest, _ = store.put_bytes(b"good")
    damage(store, digest, changed)
    with pytest.raises(ArtifactChangedError, match=digest):
        read(store, digest)
    with pytest.raises(ArtifactChangedError):
        read_tail(store, digest, 1)


def test_putting_the_bytes_again_heals_a_damaged_copy(store: ArtifactStore, tmp_path: Path) -> None:
    digest, _ = store.put_bytes(b"good")
    damage(store, digest, b"evil")
    store.put_bytes(b"good")
    assert read(store, digest) == b"good"
    damage(store, digest, b"evil")
    (tmp_path / "again").write_bytes(b"good")
    store.put_file(tmp_path / "again")
    assert read(store, digest) == b"good"


@pytest.mark.parametrize("digest", ["sha256:" + "0" * 64, "sha256:../../etc/passwd", "md5:00", ""])
def test_what_was_never_put_is_missing(store: ArtifactStore, digest: str) -> None:
    with pytest.raises(ArtifactMissingError):
        read(store, digest)


def test_only_regular_files_are_kept(store: ArtifactStore, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("key")
    (tmp_path / "link").symlink_to(secret)
    os.mkfifo(tmp_path / "pipe")
    for name, reason in [
        ("link", "symbolic link"),
        ("pipe", "not a regular"),
        (".", "not a regular"),
        ("none", "No such file"),
    ]:
        with pytest.raises(ArtifactSourceError, match=reason):
            store.put_file(tmp_path / name)
    assert list(store.digests()) == []


def test_equal_bytes_are_kept_once_and_nobody_may_write_them(tmp_path: Path) -> None:
    store = LocalArtifactStore(tmp_path)
    digest, _ = store.put_bytes(b"same")
    first = store.path(digest).stat()
    store.put_bytes(b"same")
    second = store.path(digest).stat()
    assert (first.st_ino, first.st_mtime_ns) == (second.st_ino, second.st_mtime_ns)
    assert stat.S_IMODE(second.st_mode) == 0o444
    assert store.path(digest) == tmp_path / "sha256" / digest[7:9] / digest[7:]
    assert list((tmp_path / "incoming").iterdir()) == []


PUT_MANY = """
import sys, pathlib
from chainops.artifacts.store import LocalArtifactStore
print("ready", flush=True)
sys.stdin.readline()
store = LocalArtifactStore(pathlib.Path(sys.argv[1]))
for number in range(60):
    store.put_bytes(b"%d" % number * 1000)
"""


def test_two_writers_of_the_same_bytes_both_succeed(tmp_path: Path) -> None:
    command = [sys.executable, "-c", PUT_MANY, str(tmp_path)]
    writers = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) for _ in range(2)]
    for writer in writers:
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"ready\n"
    for writer in writers:
        writer.communicate(b"go\n", timeout=60)
    assert [w.returncode for w in writers] == [0, 0]
    store = LocalArtifactStore(tmp_path)
    assert len(list(store.digests())) == 60
    assert all(read(store, digest) for digest in store.digests())


WRITER = """
import sys, pathlib
from chainops.artifacts.store import LocalArtifactStore
from chainops.artifacts.manifest import FileManifest
from chainops.artifacts.run import RunArtifacts
root = pathlib.Path(sys.argv[1])
sink = RunArtifacts(store=LocalArtifactStore(root / "store"), manifest=FileManifest(root / "artifacts.jsonl"))
for number in range(100000):
    kept = sink.put_bytes(f"file-{number}", b"%d" % number * 50000, kind="log")
    print(kept.name, flush=True)
"""


def test_a_writer_killed_at_any_moment_leaves_whole_artifacts_only(tmp_path: Path) -> None:
    from chainops.artifacts.manifest import FileManifest
    from chainops.artifacts.verify import verify

    for wanted in (1, 4, 9):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True
        )
        assert writer.stdout is not None
        told = [writer.stdout.readline().strip() for _ in range(wanted)]
        writer.send_signal(signal.SIGKILL)
        writer.wait()
        writer.stdout.close()
        entries = FileManifest(tmp_path / "artifacts.jsonl").entries()
        assert set(told) <= {a.name for a in entries}
        assert verify(LocalArtifactStore(tmp_path / "store"), entries).sound
    store = LocalArtifactStore(tmp_path / "store")
    store.sweep(older_than_s=-1)
    assert list((tmp_path / "store" / "incoming").iterdir()) == []


def test_sweeping_spares_what_is_being_written(tmp_path: Path) -> None:
    store = LocalArtifactStore(tmp_path)
    assert store.sweep() == 0
    (tmp_path / "incoming").mkdir()
    (tmp_path / "incoming" / "young").write_bytes(b"half")
    (tmp_path / "incoming" / "old").write_bytes(b"half")
    os.utime(tmp_path / "incoming" / "old", (0, 0))
    assert store.sweep() == 1
    assert [p.name for p in (tmp_path / "incoming").iterdir()] == ["young"]
