"""A configuration's mistakes are all shown at once, each where it was made, and nothing else escapes."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field, field_validator

from chainops.core.config_mistakes import mistake
from chainops.core.config_text import Document, document_from, load_document, parse_document, validate
from chainops.core.errors import ChainopsError, InputError, InputErrors, Place


class Stage(BaseModel):
    model_config = ConfigDict(extra="forbid")

    needs: list[str] = []
    timeout_s: Annotated[float, Field(gt=0)] = 10
    when: str | list[str] = ""


class Settings(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str
    level: Literal["low", "medium", "high"] = "low"
    stages: dict[str, Stage] = {}
    size: int = 0
    address: str = ""
    even: int = 0
    either: Stage | str | None = None

    @field_validator("even")
    @classmethod
    def _is_even(cls, value: int) -> int:
        if value % 2:
            raise mistake("should be even", hint="add one", code="CFG199")
        return value


def errors_of(text: str | bytes) -> list[str]:
    with pytest.raises(InputErrors) as caught:
        validate(Settings, parse_document(text, "chainops.yaml"))
    return [str(e) for e in caught.value.errors]


def load(text: str) -> Settings:
    return validate(Settings, parse_document(text, "chainops.yaml"))


def test_reads_a_valid_document() -> None:
    loaded = load("name: vault\nstages:\n  unit-tests: {needs: [compilation], timeout_s: 5}\n")
    assert loaded.stages["unit-tests"].needs == ["compilation"]


def test_reports_all_mistakes_at_once_in_the_order_of_the_file() -> None:
    text = "nam: vault\nlevel: hgh\nstages:\n  unit-tests:\n    timout_s: 3\n    needs: nothing\nsize: many\n"
    assert errors_of(text) == [
        "chainops.yaml: `name` is missing [CFG121]",
        "chainops.yaml:1:1: unknown setting `nam` [CFG120]\n  hint: did you mean `name`?",
        (
            "chainops.yaml:2:8: `level`: should be `low` or `medium` or `high` [CFG122]\n"
            "  hint: did you mean `high`?"
        ),
        (
            "chainops.yaml:5:5: unknown setting `stages.unit-tests.timout_s` [CFG120]\n"
            "  hint: did you mean `timeout_s`?"
        ),
        "chainops.yaml:6:12: `stages.unit-tests.needs`: should be a list [CFG122]",
        "chainops.yaml:7:7: `size`: should be a whole number [CFG122]",
    ]


def test_joins_what_the_members_of_a_union_say() -> None:
    assert errors_of("name: a\nstages: {a: {when: {}}}\n") == [
        "chainops.yaml:2:20: `stages.a.when`: should be text, or should be a list [CFG122]"
    ]


def test_a_union_of_text_and_mapping_tells_of_the_mapping_alone() -> None:
    assert errors_of("name: a\neither: {needs: x, wen: y}\n") == [
        "chainops.yaml:2:17: `either.needs`: should be a list [CFG122]",
        "chainops.yaml:2:20: unknown setting `either.wen` [CFG120]\n  hint: did you mean `when`?",
    ]


def test_a_validators_own_hint_and_code_reach_the_user() -> None:
    assert errors_of("name: a\neven: 3\n") == [
        "chainops.yaml:2:7: `even`: should be even [CFG199]\n  hint: add one"
    ]


def test_names_a_key_that_is_set_twice_together_with_the_other_mistakes() -> None:
    errors = errors_of("name: a\nsize: x\nname: b\n")
    assert errors[1] == "chainops.yaml:3:1: name is set twice; the first time in line 1 [CFG110]"
    assert len(errors) == 2


def test_extra_checks_are_reported_with_the_rest() -> None:
    def check(document: Document) -> list[ChainopsError]:
        return [InputError("no such stage", place=document.place(("stages", "a", "needs", 1)), code="CFG131")]

    with pytest.raises(InputErrors) as caught:
        validate(Settings, parse_document("size: x\nstages: {a: {needs: [b, c]}}", "c.yaml"), checks=[check])
    assert [(e.code, e.place) for e in caught.value.errors] == [
        ("CFG121", Place("c.yaml")),
        ("CFG122", Place("c.yaml", 1, 7)),
        ("CFG131", Place("c.yaml", 2, 25)),
    ]


@pytest.mark.parametrize(
    ("text", "start"),
    [
        ("name: a\n\tsize: 1\n", "chainops.yaml:2:1: a tab in the indentation [CFG105]"),
        ("name: [a\n", "chainops.yaml:2:1: not valid YAML"),
        ("name: a: b\n", "chainops.yaml:1:8: not valid YAML: mapping values are not allowed"),
        ("- a\n- b\n", "chainops.yaml:1:1: a configuration is a mapping"),
        ("just text", "chainops.yaml:1:1: a configuration is a mapping"),
        ("name: a\n---\nname: b\n", "chainops.yaml:2:1: a second document"),
        ("name: *x\n", "chainops.yaml:1:7: the alias *x is not defined"),
        ("name: &x [*x]\n", "chainops.yaml:1:11: the alias *x would contain itself"),
        ("name: a\0b", "chainops.yaml:1:8: control character U+0000 [CFG103]"),
        ("name: a\nsize: \x1b[31m", "chainops.yaml:2:7: control character U+001B [CFG103]"),
        (b"name: a\n# \xff\n", "chainops.yaml:2:3: not UTF-8 [CFG102]"),
        (b"\xff\xfen\0a\0", "chainops.yaml:1:1: not UTF-8"),
        ("name: " + "[" * 500 + "]" * 500, "chainops.yaml:1:47: nested more than 40 levels deep [CFG104]"),
        (b"#" * (1 << 20) + b"#", "chainops.yaml: 1,048,577 bytes"),
        ("name: !!python/object:os.system a", "chainops.yaml:1:7: the tag tag:yaml.org,2002:python/object"),
        ("? [a, b]\n: c\nname: a\n", "chainops.yaml:1:3: a key must be a single word"),
        ("name: a\n<<: 5\n", "chainops.yaml:2:5: << takes a mapping"),
    ],
)
def test_what_is_not_yaml_gets_one_clear_error_with_its_place(text: str | bytes, start: str) -> None:
    assert errors_of(text)[0].startswith(start)


def test_an_alias_bomb_is_stopped_at_once() -> None:
    rows = ["a0: &a0 [x,x,x,x,x,x,x,x,x,x]"]
    rows += [f"a{i}: &a{i} [{','.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 12)]
    started = time.monotonic()
    assert "more than 50,000 values once aliases are expanded" in errors_of("\n".join(rows))[0]
    assert time.monotonic() - started < 2


@pytest.mark.parametrize("unit", ["{", "[", "- ", "? ", "a: ", "&a ", "!", "'", "*a ", "a:\n ", "| "])
def test_long_repetitions_end_soon_and_with_an_error(unit: str) -> None:
    started = time.monotonic()
    assert errors_of(unit * 20_000)
    assert time.monotonic() - started < 5


def test_unquoted_addresses_and_words_stay_text() -> None:
    address = "0x000000000000000000000000000000000000dEaD"
    data = parse_document(f"a: {address}\nb: no\nc: 2024-01-01\nd: 12:30\ne: 010\nf: 1e3\n1: x\n", "c").data
    assert data == {"a": address, "b": "no", "c": "2024-01-01", "d": "12:30", "e": 10, "f": 1000.0, "1": "x"}


def test_anchors_and_merge_keys_share_settings() -> None:
    text = "name: n\nstages:\n  a: &a {timeout_s: 5, needs: [x]}\n  b: {<<: *a, timeout_s: 6}\n  c: *a\n"
    stages = load(text).stages
    assert (stages["b"].timeout_s, stages["b"].needs, stages["c"].timeout_s) == (6, ["x"], 5)


def test_an_empty_file_is_an_empty_mapping() -> None:
    assert parse_document("", "c").data == {}
    assert parse_document("# nothing\n", "c").data == {}


def test_values_without_a_file_are_named_by_their_path() -> None:
    with pytest.raises(InputErrors) as caught:
        validate(Settings, document_from({"name": "x", "stages": {"a": {"need": []}}}))
    assert str(caught.value.errors[0]) == (
        "configuration: unknown setting `stages.a.need` [CFG120]\n  hint: did you mean `needs`?"
    )


def test_a_wrong_value_is_never_repeated(tmp_path: Path) -> None:
    file = tmp_path / "chainops.yaml"
    file.write_text("name: a\nsize: hunter2hunter2\nstages: hunter2hunter2\neven: hunter2hunter2\n")
    with pytest.raises(InputErrors) as caught:
        validate(Settings, load_document(file))
    assert "hunter2" not in str(caught.value)
    assert len(caught.value.errors) == 3


@pytest.mark.parametrize("name", ["missing.yaml", ".", "a\0b"])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputErrors) as caught:
        load_document(tmp_path / name)
    assert caught.value.errors[0].code == "CFG101"


def test_columns_count_characters_not_bytes() -> None:
    assert errors_of("name: a\nstages: {ä: {äöü: 1}}\n")[0].startswith("chainops.yaml:2:14: unknown setting")


_PIECES = st.sampled_from(
    ["name", "stages", "size", ": ", ":", "\n", "  ", "\t", "- ", "[", "]", "{", "}", ",", "&a ", "*a", "<<",
     "!!int ", "!x ", "'", '"', "|", ">", "#", "? ", "%YAML 1.1\n", "---\n", "...\n", "0x10", "1e9", "~", "é",
     "\x00", "\u2028", "\ud800", "\ufeff", "\\", "@", "`", "timeout_s", "when", "a", "=", "9" * 500]
)  # fmt: skip
_TEXT = st.lists(_PIECES, max_size=40).map("".join)
_VALUES: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(
        ["name", "level", "stages", "size", "even", "needs", "when", "timeout_s", "zzz", ""]
    ), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


def _only_input_errors(text: str | bytes | dict[str, Any]) -> None:
    try:
        document = document_from(text) if isinstance(text, dict) else parse_document(text, "chainops.yaml")
        validate(Settings, document)
    except InputErrors as error:
        # the property under test is that nothing else is raised
        assert error.errors  # noqa: PT017 - no error is right too
        assert all(e.place and e.code.startswith("CFG1") for e in error.errors)  # noqa: PT017 - no error is right too


@settings(max_examples=150, deadline=None)
@given(st.one_of(_TEXT, st.binary(max_size=60), st.text(max_size=60), st.dictionaries(st.sampled_from(
    ["name", "level", "stages", "size", "even"]), _VALUES)))  # fmt: skip
def test_no_input_raises_anything_else(text: Any) -> None:
    _only_input_errors(text)


@pytest.mark.chaos
@settings(max_examples=10_000, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.one_of(_TEXT, st.binary(max_size=200), st.text(max_size=200), st.dictionaries(st.sampled_from(
    ["name", "level", "stages", "size", "even"]), _VALUES)))  # fmt: skip
def test_ten_thousand_inputs_raise_nothing_else(text: Any) -> None:
    _only_input_errors(text)
