"""The section `foundry:` of the config: what a project may change about its build and its tests."""

from __future__ import annotations

import re

from pydantic import BaseModel, ConfigDict, Field, field_validator

_SEED = re.compile(r"0x[0-9a-fA-F]{1,64}|[0-9]{1,78}")
_PROFILE = re.compile(r"[A-Za-z0-9_-]{0,64}")
#: EVM versions that forge 1.7.1 and some release of solc know, oldest first
EVM_VERSIONS = (
    "homestead",
    "tangerineWhistle",
    "spuriousDragon",
    "byzantium",
    "constantinople",
    "petersburg",
    "istanbul",
    "berlin",
    "london",
    "paris",
    "shanghai",
    "cancun",
    "prague",
    "osaka",
)


class FoundrySettings(BaseModel):
    """How forge is called. Paths are globs relative to the project's root (`test/integration/**`)."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    profile: str = Field(
        default="", description="Foundry profile to build and test with; empty for the default one"
    )
    allow_ffi: bool = Field(
        default=False,
        description="Let tests start programs on this machine (vm.ffi); refused otherwise",
    )
    allow_fs: bool = Field(
        default=False,
        description=(
            "Let tests reach files outside the project where `fs_permissions` of foundry.toml does; "
            "refused otherwise"
        ),
    )
    reproducible: bool = Field(
        default=False,
        description="Build a second time from nothing and compare the bytecode",
    )
    documentation: bool = Field(default=True, description="Write documentation from NatSpec")
    build_args: tuple[str, ...] = Field(default=(), description="Further arguments of `forge build`")
    test_args: tuple[str, ...] = Field(default=(), description="Further arguments of `forge test`")
    coverage_args: tuple[str, ...] = Field(default=(), description="Further arguments of `forge coverage`")
    coverage_exclude: tuple[str, ...] = Field(
        default=(),
        description="Own sources that coverage leaves out, beside tests, scripts, mocks and libraries",
    )
    coverage: bool = Field(default=True, description="Measure coverage in unit-tests")
    gas: bool = Field(default=True, description="Measure gas in unit-tests")
    integration_path: str = Field(default="test/integration/**", description="Tests that need a chain")
    unit_match_path: str = Field(
        default="", description="The unit tests; empty for all but the integration tests"
    )
    unit_no_match_path: str = Field(
        default="", description="Tests that unit-tests leaves out; empty for `integration_path`"
    )
    allow_no_tests: bool = Field(
        default=False,
        description="Let unit-tests succeed when there is not one test",
    )
    fuzz_seed: str = Field(
        default="", description="Seed of fuzz and invariant tests; empty for foundry.toml's"
    )

    @field_validator("fuzz_seed", mode="before")
    @classmethod
    def _seed(cls, value: object) -> object:
        text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
        if isinstance(text, str) and text and not _SEED.fullmatch(text):
            raise ValueError(f"`{text}` is not a number such as 42 or 0x2a")
        return text

    @field_validator("build_args", "test_args", "coverage_args")
    @classmethod
    def _arguments(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if any(argument.partition("=")[0] == "--ffi" for argument in value):
            raise ValueError("`--ffi` lets tests start programs: set `allow_ffi: true` instead")
        return value

    @field_validator("profile")
    @classmethod
    def _profile(cls, value: str) -> str:
        if not _PROFILE.fullmatch(value):
            raise ValueError(f"`{value}` is not the name of a profile (letters, digits, - and _)")
        return value

    @property
    def unit_excluded(self) -> str:
        """The glob that unit-tests leaves out."""
        return self.unit_no_match_path or self.integration_path
