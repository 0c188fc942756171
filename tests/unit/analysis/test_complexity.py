"""Complexity is counted as McCabe defines it, in all of Solidity's and Yul's forms."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainops.analysis.complexity import measure
from chainops.analysis.model import FileMetrics


def one(body: str, header: str = "function f() external") -> int:
    functions = measure("A.sol", f"contract C {{ {header} {{ {body} }} }}").functions
    assert len(functions) == 1
    return functions[0].complexity


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("", 1),
        ("x = 1;", 1),
        ("if (a) x = 1;", 2),
        ("if (a) x = 1; else x = 2;", 2),
        ("if (a) x = 1; else if (b) x = 2; else x = 3;", 3),
        ("if (a && b || c) x = 1;", 4),
        ("for (uint i; i < 3; ++i) {}", 2),
        ("while (a) {}", 2),
        ("do { x++; } while (a);", 2),
        ("x = a ? b : c ? d : e;", 3),
        ("try this.g() {} catch {}", 2),
        ("try this.g() {} catch Error(string memory) {} catch (bytes memory) {} ", 3),
        ("unchecked { x++; }", 1),
        ("require(a, 'if (x) && for while ?');", 1),
        ("// if (a) && b\n /* while */ x = 1;", 1),
        ("x = unicode'ä if' ; y = hex'00';", 1),
        ("assembly { if a { x := 1 } }", 2),
        ("assembly { for { } lt(i, 2) { } { } }", 2),
        ("assembly { switch a case 0 { } case 1 { } default { } }", 3),
        ("x = a & b | c;", 1),
        ("iffy = forward + whileTrue;", 1),
    ],
)
def test_each_decision_point_counts_once(body: str, expected: int) -> None:
    assert one(body) == expected


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ("function f(uint a, uint b) public pure returns (uint)", "C.f"),
        ("constructor(uint a) Base(a > 1 ? 1 : 2)", "C.constructor"),
        ("modifier only(address who)", "C.only"),
        ("modifier only", "C.only"),
        ("fallback(bytes calldata x) external returns (bytes memory)", "C.fallback"),
        ("receive() external payable", "C.receive"),
        ("function () external payable", "C.fallback"),
    ],
)
def test_every_kind_of_body_is_measured_under_its_name(header: str, name: str) -> None:
    functions = measure("A.sol", f"contract C is D {{ {header} {{ if (a) {{}} }} }}").functions
    assert [f.name for f in functions] == [name]


def test_declarations_and_function_types_are_no_bodies() -> None:
    text = """
    interface I { function f(uint a) external; }
    abstract contract C {
        function(uint) internal returns (uint) callback;
        function g() external virtual;
        function h(function(uint) external cb, uint[2] memory a) external { cb(1); }
        struct S { uint a; }
    }
    function free(uint a) pure returns (uint) { return a; }
    library L { function m() internal {} }
    """
    functions = measure("A.sol", text).functions
    assert [(f.name, f.parameters) for f in functions] == [("C.h", 2), ("free", 1), ("L.m", 0)]


def test_functions_of_an_assembly_block_are_functions_of_their_own() -> None:
    text = """contract C { function f() external { if (a) {} assembly {
        function g(x) -> y { if x { y := 1 } function h() { if 1 {} if 2 {} } }
        if b { }
    } } }"""
    assert {f.name: f.complexity for f in measure("A.sol", text).functions} == {
        "C.f": 3, "C.f.g": 2, "C.f.g.h": 3,
    }  # fmt: skip


def test_places_and_lines_count_from_one_in_characters() -> None:
    metrics = measure(
        "src/Ä.sol", "// ä\n\ncontract C {\n  /* ö */ function f() external {\n    x = 1;\n\n  }\n}\n"
    )
    function = metrics.functions[0]
    assert (str(function.place), function.end_line, function.lines) == ("src/Ä.sol:4:11", 7, 3)
    assert (metrics.code_lines, metrics.comment_lines) == (5, 2)


def test_the_count_equals_lizards_where_lizard_sees_the_branch(fixtures: Path) -> None:
    import lizard

    path = fixtures / "bank/src/Bank.sol"
    ours = {f.name.split(".")[-1]: f.complexity for f in measure("Bank.sol", path.read_text()).functions}
    theirs = {f.name: f.cyclomatic_complexity for f in lizard.analyze_file(str(path)).function_list}
    # lizard counts neither `catch` (2 here) nor Yul's `case` (2 here)
    theirs["tangled"] += 4
    assert ours == theirs


def check_total(text: str) -> FileMetrics:
    metrics = measure("A.sol", text)
    assert all(
        f.complexity >= 1 and f.place.line >= 1 and f.end_line >= f.place.line for f in metrics.functions
    )
    assert metrics.code_lines + metrics.comment_lines <= 2 * (text.count("\n") + text.count("\r") + 1)
    return metrics


PIECES = st.lists(
    st.sampled_from(
        [
            "contract", "C", "{", "}", "(", ")", "function", "f", ";", "if", "?", "&&", "//", "/*", "*/", '"',
            "'", "\n", "assembly", "case", "modifier", "constructor", "\\", "unicode", "ä", ",",
        ]
    )
).map(" ".join)  # fmt: skip


@given(st.one_of(st.text(), PIECES))
def test_any_text_is_measured_without_failing(text: str) -> None:
    check_total(text)


@pytest.mark.chaos
@settings(max_examples=10_000, deadline=None)
@given(st.one_of(st.text(), PIECES))
def test_ten_thousand_texts_are_measured_without_failing(text: str) -> None:
    check_total(text)
