"""The section `foundry:`."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from chainops.toolchains.settings import FoundrySettings


def test_ffi_is_refused_unless_asked_for() -> None:
    assert FoundrySettings().allow_ffi is False
    assert FoundrySettings(allow_ffi=True).allow_ffi is True


def test_ffi_does_not_come_in_through_arguments() -> None:
    for argument in ("--ffi", "--ffi=true"):
        with pytest.raises(ValidationError, match="allow_ffi"):
            FoundrySettings.model_validate({"test_args": [argument]})


def test_unit_tests_leave_the_integration_tests_out() -> None:
    assert FoundrySettings().unit_excluded == "test/integration/**"
    assert FoundrySettings(integration_path="test/live/**").unit_excluded == "test/live/**"
    assert FoundrySettings(unit_no_match_path="test/slow/**").unit_excluded == "test/slow/**"


@pytest.mark.parametrize(("given", "kept"), [(42, "42"), ("0x2a", "0x2a"), ("", "")])
def test_a_seed_is_a_number(given: object, kept: str) -> None:
    assert FoundrySettings.model_validate({"fuzz_seed": given}).fuzz_seed == kept


@pytest.mark.parametrize("given", ["--ffi", "0x", -1, 1.5, True, "0x" + "f" * 65])
def test_a_seed_that_is_no_number_is_refused(given: object) -> None:
    with pytest.raises(ValidationError):
        FoundrySettings.model_validate({"fuzz_seed": given})


@pytest.mark.parametrize("given", ["../x", "a b", "x\n"])
def test_a_profile_is_a_name(given: str) -> None:
    with pytest.raises(ValidationError):
        FoundrySettings(profile=given)


def test_an_unknown_setting_is_refused() -> None:
    with pytest.raises(ValidationError):
        FoundrySettings.model_validate({"alow_ffi": True})
