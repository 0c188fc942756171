"""An error a user sees says what, where, which code, and what to do."""

from __future__ import annotations

import pytest

from chainops.core.errors import (
    ChainopsError,
    ExitCode,
    InputError,
    InputErrors,
    MachineError,
    Place,
    ProjectError,
)


@pytest.mark.parametrize(
    ("place", "text"),
    [
        (Place("a.sol"), "a.sol"),
        (Place("a.sol", 3), "a.sol:3"),
        (Place("a.sol", 3, 7), "a.sol:3:7"),
        (Place("a", 0, 7), "a"),
    ],
)
def test_a_place_names_only_what_is_known(place: Place, text: str) -> None:
    assert str(place) == text


def test_places_sort_by_file_and_line() -> None:
    assert sorted([Place("b", 1), Place("a", 10), Place("a", 9)]) == [
        Place("a", 9),
        Place("a", 10),
        Place("b", 1),
    ]


def test_an_error_shows_place_message_code_and_hint() -> None:
    error = ProjectError("missing semicolon", place=Place("src/A.sol", 3, 7), hint="add one", code="CMP201")
    assert str(error) == "src/A.sol:3:7: missing semicolon [CMP201]\n  hint: add one"


def test_a_code_given_to_one_error_does_not_change_its_class() -> None:
    InputError("x", code="CFG104")
    assert InputError("y").code == "GEN100"


@pytest.mark.parametrize(
    ("kind", "code"), [(InputError, 2), (ProjectError, 1), (MachineError, 3), (ChainopsError, 3)]
)
def test_the_exit_code_tells_whose_fault_it_is(kind: type[ChainopsError], code: int) -> None:
    assert kind("x").exit_code == ExitCode(code)


def test_several_mistakes_are_shown_together_and_counted() -> None:
    errors = InputErrors((InputError("one"), InputError("two")), what="chainops.yaml")
    assert str(errors) == "one [GEN100]\ntwo [GEN100]\nchainops.yaml: 2 mistakes"
    assert errors.exit_code is ExitCode.USAGE
