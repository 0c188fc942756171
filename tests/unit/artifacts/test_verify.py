"""Verification names what was changed or is gone, and nothing else."""

from chainops.artifacts.run import MemoryArtifacts
from chainops.artifacts.verify import verify


def test_untouched_artifacts_are_sound() -> None:
    sink = MemoryArtifacts()
    sink.put_bytes("a", b"one", kind="log")
    sink.put_bytes("b", b"three", kind="log")
    result = verify(sink.store, sink.manifest.entries())
    assert (result.sound, result.checked, result.size_bytes) == (True, 2, 8)


def test_changed_missing_and_misrecorded_artifacts_are_each_named() -> None:
    sink = MemoryArtifacts()
    changed = sink.put_bytes("changed", b"one", kind="log")
    missing = sink.put_bytes("missing", b"two", kind="log")
    sink.put_bytes("sound", b"three", kind="log")
    sink.store.blobs[changed.digest] = b"onE"
    del sink.store.blobs[missing.digest]
    result = verify(sink.store, sink.manifest.entries())
    assert not result.sound
    assert [(d.artifact.name, d.kind) for d in result.damaged] == [
        ("changed", "changed"),
        ("missing", "missing"),
    ]
    assert changed.digest in result.damaged[0].message
