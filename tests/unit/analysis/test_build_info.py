"""The build that is analyzed describes the sources as they are, and no more than what was asked for."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainops.analysis.adapters.build_info import BuildInfo, choose_builds, read_build_infos
from chainops.analysis.adapters.trim_build import trim
from chainops.core.errors import ChainopsError


def info(name: str, version: str = "0.8", **sources: str) -> BuildInfo:
    return BuildInfo(path=Path(name), sources=sources, version=version)


NOW = {"a": "1", "b": "2", "lib": "x", "test": "t"}


def chosen(*infos: BuildInfo, wanted: tuple[str, ...] = ("a", "b"), **how: Any) -> list[str]:
    return [str(path) for path in choose_builds(infos, wanted, NOW.get, **how)]


def test_the_newest_build_that_holds_all_is_enough() -> None:
    assert chosen(info("new", a="1", b="2"), info("old", a="1", b="2")) == ["new"]


def test_a_build_of_what_was_added_is_completed_by_an_older_one() -> None:
    assert chosen(info("new", a="1"), info("old", b="2")) == ["new", "old"]


def test_builds_by_one_compiler_that_share_a_source_are_not_combined() -> None:
    apart = (info("new", a="1", lib="x"), info("old", b="2", lib="x"))
    assert chosen(*apart, wanted=("a", "b", "lib")) == []
    assert chosen(*apart, wanted=("a", "b", "lib"), whole=True) == ["new", "old"]


def test_an_older_build_of_all_is_preferred_to_parts() -> None:
    assert chosen(info("part", a="1", test="t"), info("old", a="1", b="2")) == ["old"]


def test_a_changed_test_leaves_a_build_useful() -> None:
    old = info("old", a="1", b="2", test="before")
    assert chosen(old, unread=("test",)) == ["old"]
    assert chosen(old) == []


def test_several_compilers_leave_several_builds() -> None:
    assert chosen(info("0.8", a="1", lib="x"), info("0.5", "0.5", b="2", lib="x")) == ["0.8", "0.5"]


def test_a_build_of_an_older_text_is_none() -> None:
    assert chosen(info("stale", a="1", b="before"), info("part", a="1")) == []
    assert chosen(info("stale", a="1", b="2", lib="before")) == []


def test_a_build_of_a_file_that_is_gone_is_none() -> None:
    assert chosen(info("stale", a="1", b="2", gone="x")) == []


def test_nothing_wanted_needs_no_build() -> None:
    assert chosen(wanted=()) == []


def write(folder: Path, name: str, sources: dict[str, str], *, age_s: int, compiled: tuple[str, ...]) -> None:
    path = folder / name
    document = {
        "id": name,
        "source_id_to_path": dict(enumerate(compiled)),
        "language": "Solidity",
        "input": {"version": "0.8.30", "sources": {p: {"content": t} for p, t in sources.items()}},
        "output": {"sources": {}},
    }
    path.write_text(json.dumps(document, separators=(",", ":")))
    os.utime(path, (1_000_000 - age_s, 1_000_000 - age_s))


def test_files_are_read_newest_first_with_what_was_compiled(tmp_path: Path) -> None:
    write(tmp_path, "old.json", {"a": "ä" * 700_000, "b": "2"}, age_s=9, compiled=("a",))
    write(tmp_path, "new.json", {"b": "2"}, age_s=1, compiled=("b",))
    new, old = read_build_infos(tmp_path)
    assert new.version == "0.8.30"
    assert (new.path.name, dict(new.sources)) == ("new.json", {"b": "2"})
    assert (old.path.name, list(old.sources), len(old.sources["a"])) == ("old.json", ["a"], 700_000)


def test_another_order_of_keys_is_read_too(tmp_path: Path) -> None:
    document = {"output": {}, "input": {"sources": {"a": {"content": "1"}}}}
    (tmp_path / "x.json").write_text(json.dumps(document))
    assert dict(next(read_build_infos(tmp_path)).sources) == {"a": "1"}


def unit(*imports: str) -> dict[str, Any]:
    nodes = [{"nodeType": "ImportDirective", "absolutePath": path} for path in imports]
    return {"id": 1, "ast": {"nodes": [{"nodeType": "PragmaDirective"}, *nodes]}}


def build(**units: dict[str, Any]) -> dict[str, Any]:
    return {
        "solcVersion": "0.8.30",
        "input": {"language": "Solidity", "sources": {p: {"content": p} for p in units}},
        "output": {"sources": units, "contracts": {p: {"C": {}} for p in units}, "errors": []},
    }


def test_tests_and_what_only_they_import_are_cut() -> None:
    trimmed = trim(
        build(a=unit("lib"), lib=unit("deep"), deep=unit("a"), t=unit("a", "std"), std=unit()), ["a"]
    )
    assert list(trimmed["output"]["sources"]) == ["a", "lib", "deep"]
    assert list(trimmed["output"]["contracts"]) == ["a", "lib", "deep"]
    assert list(trimmed["input"]["sources"]) == ["a", "lib", "deep"]
    assert (trimmed["solcVersion"], trimmed["input"]["language"]) == ("0.8.30", "Solidity")


def test_without_syntax_trees_nothing_is_cut() -> None:
    whole = build(a=unit("lib"), lib={"id": 2, "legacyAST": {}}, t=unit("a"))
    assert trim(whole, ["a"]) is whole
    assert trim(whole, ["elsewhere"]) is whole


KEYS = st.sampled_from(["id", "input", "output", "sources", "source_id_to_path", "content", "0", "a"])
VALUES = st.recursive(
    st.none() | st.integers() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=20,
)
INPUTS = st.one_of(
    st.binary(),
    VALUES.map(lambda v: json.dumps({"source_id_to_path": v, "input": v}, separators=(",", ":")).encode()),
)


def check_reading(folder: Path, data: bytes) -> None:
    (folder / "x.json").write_bytes(data)
    try:
        list(read_build_infos(folder))
    except ChainopsError:
        return


@given(INPUTS)
def test_any_file_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    check_reading(tmp_path_factory.getbasetemp(), data)


@pytest.mark.chaos
@settings(max_examples=10_000, deadline=None)
@given(INPUTS)
def test_ten_thousand_files_are_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    check_reading(tmp_path_factory.getbasetemp(), data)
