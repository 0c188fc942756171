"""A test, a contract and a function are found where they are written."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from chainops.core.errors import Place
from chainops.toolchains.source_places import SourcePlaces, callable_line, contract_line, function_line

SOURCE = """contract Other {
    function test_A() public {}
}
contract ATest is Base {
    // function test_A() is below
    function test_A() public {}
    function test_AB()
        public {}
}
"""


def test_a_function_is_found_in_its_contract() -> None:
    assert function_line(SOURCE, "test_A", "ATest") == 6
    assert function_line(SOURCE, "test_A", "Other") == 2
    assert function_line(SOURCE, "test_AB", "ATest") == 7
    assert function_line(SOURCE, "test_C", "ATest") == 0


def test_inherited_tests_are_found_where_they_stand(tmp_path: Path) -> None:
    (tmp_path / "test").mkdir()
    (tmp_path / "test" / "A.t.sol").write_text(SOURCE)
    (tmp_path / "test" / "Base.sol").write_text(
        "abstract contract Base {\n    function test_C() public {}\n}\n"
    )
    places = SourcePlaces(tmp_path, {"test/A.t.sol": ("test/Base.sol",)})
    assert places.test("test/A.t.sol:ATest", "test_A()") == Place("test/A.t.sol", 6)
    assert places.test("test/A.t.sol:ATest", "test_C()") == Place("test/Base.sol", 2)
    assert places.test("test/A.t.sol:ATest", "test_D()") == Place("test/A.t.sol")


def test_a_report_cannot_make_us_read_elsewhere(tmp_path: Path) -> None:
    root = tmp_path / "project"
    root.mkdir()
    (tmp_path / "secret.sol").write_text("contract A {\n function test_A() public {}\n}")
    assert SourcePlaces(root).test("../secret.sol:A", "test_A()") == Place("../secret.sol")


def test_a_contract_is_found_by_its_declaration(tmp_path: Path) -> None:
    text = "// contract B\nabstract contract AB {}\n  library B {}\ninterface C {}\n"
    assert [contract_line(text, name) for name in ("B", "AB", "C", "D")] == [3, 2, 4, 0]
    (tmp_path / "A.sol").write_text(text)
    assert SourcePlaces(tmp_path).contract_line("A.sol", "B") == 3
    assert SourcePlaces(tmp_path).contract_line("none.sol", "B") == 0


VAULT = """import "./Base.sol";

contract Empty {}

contract Vault is Base {
    uint256 public total;
    mapping(address who => uint256) public balances;

    constructor() {}

    function deposit(uint256 amount) external {
        deposit(amount, msg.sender);
    }

    function deposit(
        uint256 amount,
        address to
    ) public {}
}
"""


@pytest.mark.parametrize(
    ("signature", "line"),
    [
        ("deposit(uint256)", 11),
        ("deposit(uint256,address)", 15),
        ("deposit((uint256,address))", 11),
        ("deposit", 11),
        ("total()", 6),
        ("balances(address)", 7),
        ("deployment", 9),
        ("none()", 0),
    ],
)
def test_what_answers_to_a_signature_is_found(signature: str, line: int) -> None:
    assert callable_line(VAULT, signature, "Vault") == line


def test_the_constructor_is_that_of_the_contract() -> None:
    assert callable_line(VAULT, "deployment", "Empty") == 0


def test_a_function_has_a_line_wherever_it_comes_from(tmp_path: Path) -> None:
    (tmp_path / "Vault.sol").write_text(VAULT)
    (tmp_path / "Base.sol").write_text("abstract contract Base {\n  function pause() external {}\n}\n")
    places = SourcePlaces(tmp_path, {"Vault.sol": ("Base.sol",)})
    assert places.function("Vault.sol:Vault", "pause()") == Place("Base.sol", 2)
    assert places.function("Vault.sol:Vault", "total()") == Place("Vault.sol", 6)
    assert places.function("Vault.sol:Vault", "generated()") == Place("Vault.sol", 5)
    assert places.function("Vault.sol:Empty", "deployment") == Place("Vault.sol", 3)
    assert places.function("Vault", "f()") is None


@pytest.mark.parametrize(
    "piece", ["public ", " ", "function f(", "f = ", "contract A ", "uint256 public a,", "\t\n"]
)
def test_no_source_costs_much_time(piece: str) -> None:
    text = "contract A {\n" + piece * 20_000
    began = time.process_time()
    callable_line(text, "f(uint256)", "A")
    assert time.process_time() - began < 2


def test_a_function_is_where_it_has_a_body_and_not_where_an_interface_promises_it() -> None:
    promised = "interface I {\n    function f(uint256 a) external;\n}\n"
    defined = "contract C {\n    function f(uint256 a)\n        public\n        override\n    {\n    }\n}\n"
    assert callable_line(promised, "f(uint256)", "") == 0
    assert callable_line(promised + defined, "f(uint256)", "") == 5
