"""Equal content has one digest, and different content another."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from chainops.core.hashing import canonical_json, digest_bytes, digest_file, digest_json

EMPTY = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def test_a_digest_is_the_standard_one() -> None:
    assert digest_bytes(b"") == EMPTY


def test_a_file_larger_than_a_chunk_has_the_digest_of_its_bytes(tmp_path: Path) -> None:
    data = bytes(range(256)) * 8192 + b"odd"
    (tmp_path / "f").write_bytes(data)
    (tmp_path / "empty").touch()
    assert digest_file(tmp_path / "f") == digest_bytes(data)
    assert digest_file(tmp_path / "empty") == EMPTY


def test_the_order_of_keys_does_not_matter_and_the_order_of_items_does() -> None:
    assert digest_json({"a": 1, "b": [1, 2]}) == digest_json({"b": [1, 2], "a": 1})
    assert digest_json([1, 2]) != digest_json([2, 1])


def test_canonical_json_is_compact_utf8() -> None:
    assert canonical_json({"b": "ü", "a": None}) == '{"a":null,"b":"ü"}'.encode()


def test_a_file_name_that_is_not_utf8_has_a_digest() -> None:
    assert digest_json(["a\udcff"]) != digest_json(["a\udcfe"])


@given(st.dictionaries(st.text(), st.integers() | st.text()))
def test_any_order_of_insertion_gives_the_same_bytes(value: dict[str, int | str]) -> None:
    assert canonical_json(dict(reversed(value.items()))) == canonical_json(value)
