"""Reads the configuration as forge itself resolves it (profiles, inheritance, environment)."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError, field_validator

from chainops.core.errors import Place
from chainops.core.text import clean, decode, one_line
from chainops.toolchains.errors import ToolchainConfigError, ToolchainOutputError
from chainops.toolchains.foundry_files import FilePermission
from chainops.toolchains.ownership import SourceLayout

#: names that `ignored_error_codes` accepts beside numbers (foundry-config, `SolidityErrorCode`)
_NAMED_CODES = {
    "license": "1878",
    "code-size": "5574",
    "init-code-size": "3860",
    "func-mutability": "2018",
    "unused-var": "2072",
    "unused-param": "5667",
    "unused-return": "9302",
    "virtual-interfaces": "5815",
    "missing-receive-ether": "3628",
    "shadowing": "2519",
    "same-varname": "8760",
    "unnamed-return": "6321",
    "unreachable": "5740",
    "pragma-solidity": "3420",
    "constructor-visibility": "2462",
    "transient-storage": "2394",
    "too-many-warnings": "4591",
    "transfer-deprecated": "9207",
    "natspec-memory-safe-assembly-deprecated": "2424",
}
_TOML_LINE = re.compile(r"TOML parse error at line (\d+), column (\d+)")


class _FuzzSection(BaseModel):
    model_config = ConfigDict(extra="ignore", defer_build=True)

    seed: str | None = None


class _VyperSection(BaseModel):
    model_config = ConfigDict(extra="ignore", defer_build=True)

    path: str | None = None


class FoundryConfig(BaseModel):
    """What chainops needs of `forge config --json`; everything else is ignored."""

    model_config = ConfigDict(extra="ignore", defer_build=True)

    src: str = "src"
    test: str = "test"
    script: str = "script"
    libs: list[str] = []
    remappings: list[str] = []
    solc: str | None = None
    ffi: bool = False
    via_ir: bool = False
    eth_rpc_url: str | None = None
    fs_permissions: list[FilePermission] = []
    fuzz: _FuzzSection = _FuzzSection()
    vyper: _VyperSection = _VyperSection()
    ignored_error_codes: list[str | int] = []

    @field_validator("src", "test", "script", mode="before")
    @classmethod
    def _posix(cls, value: Any) -> Any:
        return value.strip("/") if isinstance(value, str) and not value.startswith("/") else value

    @property
    def layout(self) -> SourceLayout:
        """Where the project keeps its sources, tests, scripts and libraries."""
        return SourceLayout(
            source=self.src,
            test=self.test,
            script=self.script,
            libraries=tuple(lib.strip("/") for lib in self.libs),
        )

    @property
    def ignored_codes(self) -> frozenset[str]:
        """Numbers of the warnings that the project does not want to see."""
        return frozenset(_NAMED_CODES.get(str(code), str(code)) for code in self.ignored_error_codes)


def parse_config(output: bytes) -> FoundryConfig:
    """Read what `forge config --json` printed.

    Raises `ToolchainOutputError` when it is not that.
    """
    text = decode(output)
    start = text.find("{")
    try:
        found, _ = json.JSONDecoder().raw_decode(text, max(start, 0))
        return FoundryConfig.model_validate(found)
    except (ValueError, RecursionError, ValidationError) as error:
        raise ToolchainOutputError(
            f"`forge config --json` did not print a configuration but: {one_line(text) or 'nothing'}",
            hint="run `chainops tools verify`; forge may be damaged or too old",
        ) from error


def config_refusal(error_text: str, root: Path) -> ToolchainConfigError:
    """Return the error for a configuration that forge cannot read, with its place in foundry.toml."""
    text = clean(error_text).strip()
    place = Place("foundry.toml")
    if found := _TOML_LINE.search(text):
        place = Place("foundry.toml", int(found[1]), int(found[2]))
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    # forge draws the line of the file between its first and its last words
    words = [
        line for line in lines if not re.match(r"\d*\s*\|", line) and "extract foundry config" not in line
    ]
    return ToolchainConfigError(
        f"forge cannot read its configuration: {one_line(' '.join(words) or text)}",
        place=place,
        hint=f"correct {root.name}/foundry.toml",
    )


def toml_place(root: Path, key: str) -> Place:
    """Return where foundry.toml first sets `key`; line 0 when it does not."""
    path = root / "foundry.toml"
    if path.is_file():
        setting = re.compile(rf"\s*{re.escape(key)}\s*=")
        for number, line in enumerate(decode(path.read_bytes()).splitlines(), 1):
            if setting.match(line):
                return Place("foundry.toml", number, len(line) - len(line.lstrip()) + 1)
    return Place("foundry.toml")
