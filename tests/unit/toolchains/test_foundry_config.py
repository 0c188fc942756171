"""foundry.toml as forge resolves it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from chainops.core.errors import ExitCode, Place
from chainops.toolchains.errors import ToolchainOutputError
from chainops.toolchains.foundry_config import (
    FoundryConfig,
    config_refusal,
    parse_config,
    toml_place,
)


def test_the_resolved_configuration_is_read(config: FoundryConfig) -> None:
    assert config.src == "src"
    assert config.solc == "0.8.30"
    assert config.fuzz.seed == "0x2a"
    assert "1878" in config.ignored_codes  # written as `license`


@pytest.mark.parametrize("output", [b"", b"Error: no", b"[1]", b'{"src": 7}', b'{"libs"', b"\xff\xfe{"])
def test_anything_else_is_an_error_of_the_tool(output: bytes) -> None:
    with pytest.raises(ToolchainOutputError):
        parse_config(output)


def test_a_broken_foundry_toml_is_named_with_its_place(forge_output: Callable[[str], bytes]) -> None:
    error = config_refusal(forge_output("config-broken.txt").decode(), Path("/project"))
    assert error.place == Place("foundry.toml", 1, 17)
    assert error.exit_code is ExitCode.USAGE
    assert "unclosed table, expected `]`" in error.message


def test_a_setting_is_found_in_foundry_toml(tmp_path: Path) -> None:
    (tmp_path / "foundry.toml").write_text("[profile.default]\n  ffi = true\n")
    assert toml_place(tmp_path, "ffi") == Place("foundry.toml", 2, 3)
    assert toml_place(tmp_path, "solc") == Place("foundry.toml")
