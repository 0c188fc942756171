"""Pragmas, ranges and the choice of compilers."""

from __future__ import annotations

import pytest

from chainops.toolchains.adapters.solc_versions import choose_versions, parse_version, read_head, satisfies

KNOWN = ("0.5.16", "0.5.17", "0.7.6", "0.8.15", "0.8.26", "0.8.30")


@pytest.mark.parametrize(
    ("expression", "version", "expected"),
    [
        ("0.8.30", "0.8.30", True),
        ("=0.8.30", "0.8.29", False),
        ("^0.8.0", "0.8.30", True),
        ("^0.8.0", "0.9.0", False),
        ("^0.8.20", "0.8.15", False),
        ("^0.0.3", "0.0.4", False),
        ("^1.2.3", "1.9.0", True),
        ("^0.8", "0.8.1", True),
        ("~0.8.1", "0.8.9", True),
        ("~0.8.1", "0.9.0", False),
        (">=0.8.0 <0.9.0", "0.8.30", True),
        (">=0.8.0<0.9.0", "0.9.0", False),
        (">0.8.0", "0.8.0", False),
        ("<=0.8.15", "0.8.15", True),
        ("<=0.8", "0.8.15", True),
        ("<0.8", "0.8.15", False),
        ("0.8", "0.8.7", True),
        ("0.8.x", "0.8.7", True),
        ("*", "0.4.11", True),
        ("0.5.16 || ^0.8.0", "0.8.7", True),
        ("0.5.16 || ^0.8.0", "0.7.6", False),
        ("0.5.0 - 0.8.0", "0.7.6", True),
        ("0.5.0 - 0.7.0", "0.7.6", False),
        (">= 0.8.0", "0.8.7", True),
        ("abc", "0.8.7", False),
        ("", "0.8.7", False),
    ],
)
def test_ranges_are_those_of_npm(expression: str, version: str, expected: bool) -> None:
    parsed = parse_version(version)
    assert parsed is not None
    assert satisfies(parsed, expression) is expected


def test_a_head_is_read_without_its_comments() -> None:
    head = read_head(
        '// pragma solidity 0.4.11;\n/* import "no.sol"; */ pragma solidity ^0.8.0;\n'
        'import {A,\n  B} from "./B.sol";\nimport "c/C.sol";\nimport * as D from \'d/D.sol\';\n'
    )
    assert head.pragmas == ("^0.8.0",)
    assert head.imports == ("./B.sol", "c/C.sol", "d/D.sol")


def test_quoted_pragma_parts_are_joined() -> None:
    assert read_head('pragma solidity ">=0.8.0" ;').pragmas == (">=0.8.0",)


def test_one_release_serves_all_where_one_can() -> None:
    choice = choose_versions({"a": ["^0.8.0"], "b": [">=0.5.0", "0.8.15"]}, KNOWN)
    assert choice.versions == ("0.8.15",)
    assert not choice.unserved


def test_the_newest_release_is_chosen() -> None:
    assert choose_versions({"a": [">=0.5.0"]}, KNOWN).versions == ("0.8.30",)
    assert choose_versions({"a": []}, KNOWN).versions == ("0.8.30",)


def test_sources_that_agree_on_none_get_one_each() -> None:
    choice = choose_versions({"a": ["=0.5.16"], "b": ["^0.8.0"], "c": [">=0.5.0"]}, KNOWN)
    assert choice.versions == ("0.5.16", "0.8.30")


def test_a_source_that_no_release_serves_is_named() -> None:
    choice = choose_versions({"a": ["^0.8.0", "0.5.16"], "b": ["^0.8.0"]}, KNOWN)
    assert choice.unserved == {"a": ("0.5.16", "^0.8.0")}
    assert choice.versions == ("0.8.30",)
