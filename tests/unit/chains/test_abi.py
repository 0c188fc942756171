"""Values people write, against the types contracts take."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainops.chains.abi import (
    Placeholder,
    ValueMistake,
    convert,
    convert_all,
    decode,
    encode,
    entries,
    selector,
    signature,
    to_integer,
)
from chainops.chains.abi_answers import decode_event, decode_revert

ERRORS = [
    {
        "type": "error",
        "name": "AboveLimit",
        "inputs": [{"type": "uint256", "name": "value"}, {"type": "uint256", "name": "limit"}],
    }
]
POINT = {
    "type": "tuple",
    "name": "point",
    "components": [{"type": "uint8", "name": "x"}, {"type": "int8", "name": "y_"}],
}
EVENT = {
    "type": "event",
    "name": "NumberChanged",
    "inputs": [
        {"type": "address", "name": "by", "indexed": True},
        {"type": "string", "name": "note", "indexed": True},
        {"type": "uint256", "name": "value"},
    ],
}
ADDRESS = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"


@pytest.mark.parametrize(
    ("text", "number"),
    [
        (42, 42),
        ("1_000", 1000),
        ("0x2a", 42),
        ("1e18", 10**18),
        ("1.5e3", 1500),
        ("0.5 ether", 5 * 10**17),
        ("3 gwei", 3 * 10**9),
        ("-7", -7),
        (1e6, 1_000_000),
    ],
)
def test_numbers_may_be_written_in_the_usual_ways(text, number):
    assert to_integer(text) == number


@pytest.mark.parametrize("text", ["", "1.5", "ten", "0x", True, None, [1], 1.5, "1 ethers", float("inf")])
def test_what_is_no_whole_number_is_refused(text):
    with pytest.raises(ValueMistake):
        to_integer(text)


@pytest.mark.parametrize(
    ("kind", "value", "converted"),
    [
        ("uint8", 255, 255),
        ("int8", -128, -128),
        ("bool", True, True),
        ("string", "abc", "abc"),
        ("bytes4", "0x01020304", b"\1\2\3\4"),
        ("bytes", "0x", b""),
        ("address", ADDRESS.lower(), ADDRESS),
        ("uint8[]", [1, 2], [1, 2]),
        ("uint8[2][]", [[1, 2]], [[1, 2]]),
    ],
)
def test_values_are_converted(kind, value, converted):
    assert convert({"type": kind}, value) == converted


@pytest.mark.parametrize(
    ("kind", "value", "message"),
    [
        ("uint8", 256, "256 does not fit uint8"),
        ("uint256", -1, "-1 does not fit uint256"),
        ("bool", 1, "true or false is wanted"),
        ("bool", "true", "true or false is wanted"),
        ("string", 5, "text (in quotes) is wanted, not 5"),
        ("bytes4", "0x0102", "bytes4 has 4 bytes, not 2"),
        ("bytes", "0x123", "pairs of hexadecimal digits"),
        ("address", "0x1234", "an address is wanted"),
        ("address", 0x1234, "put it in quotes"),
        ("address", "0xF39Fd6e51aad88F6F4ce6aB8827279cffFb92266", "wrong checksum"),
        ("uint8[2]", [1], "uint8[2] has 2 items, not 1"),
        ("uint8[]", 5, "a list is wanted"),
        ("uint8[]", [1, 300], "item 1: 300 does not fit uint8"),
        ("uint8", Placeholder("${account}"), "${account} is an address, uint8 is wanted"),
        ("function", "0x", "not supported"),
    ],
)
def test_values_that_do_not_fit_are_told_why(kind, value, message):
    with pytest.raises(ValueMistake) as caught:
        convert({"type": kind}, value)
    assert message in str(caught.value)


def test_structs_are_lists_or_mappings_and_a_trailing_underscore_may_be_left_out():
    assert convert(POINT, [1, -1]) == (1, -1)
    assert convert(POINT, {"y": -1, "x": 1}) == (1, -1)


def test_all_wrong_arguments_are_told_with_the_way_to_them():
    inputs = [{"type": "uint8", "name": "a"}, POINT, {"type": "bool", "name": "c"}]
    _, mistakes = convert_all(inputs, {"a": 300, "point": {"x": 1, "y": 999}, "d": 1}, what="f")
    assert [(str(m), m.path) for m in mistakes] == [
        ("f has no argument `d` (it has: a, point, c)", ("d",)),
        ("f also needs: c", ()),
        ("a: 300 does not fit uint8 (0 to 255)", ("a",)),
        ("point: y_: 999 does not fit int8 (-128 to 127)", ("point", "y")),
    ]


def test_a_wrong_count_shows_what_is_taken():
    _, (mistake,) = convert_all([{"type": "uint8", "name": "a"}], [], what="the constructor of X")
    assert str(mistake) == "the constructor of X takes 1 argument (uint8 a), not 0"


def test_reverts_are_read():
    text = bytes.fromhex("08c379a0") + encode([{"type": "string"}], ["too late\x1b[31m"])
    assert decode_revert(text, []).text == '"too late"'
    panic = bytes.fromhex("4e487b71") + encode([{"type": "uint256"}], [0x12])
    assert decode_revert(panic, []).text == "Panic(0x12): division or modulo by zero"
    custom = selector(ERRORS[0]) + encode(ERRORS[0]["inputs"], [11, 10])
    assert decode_revert(custom, ERRORS).text == "AboveLimit(value=11, limit=10)"
    assert decode_revert(b"", []).text == "reverted without a reason"
    assert decode_revert(b"\1\2\3\4", ERRORS).text == "unknown error 0x01020304"
    assert decode_revert(selector(ERRORS[0]) + b"\1", ERRORS).text.startswith("unknown error 0x")


def test_events_are_read_and_a_hashed_text_stays_a_hash():
    topics = [
        "0x" + __import__("eth_utils").keccak(text=signature(EVENT)).hex(),
        "0x" + ADDRESS[2:].lower().rjust(64, "0"),
        "0x" + "ab" * 32,
    ]
    found = decode_event(topics, "0x" + (7).to_bytes(32, "big").hex(), [EVENT])
    assert found is not None
    assert found.args == (ADDRESS, "0x" + "ab" * 32, 7)
    assert decode_event(topics[:2], "0x", [EVENT]) is None
    assert decode_event(topics, "0x01", [EVENT]) is None


def test_overloads_are_found_by_signature():
    abi = [
        {"type": "function", "name": "f", "inputs": []},
        {"type": "function", "name": "f", "inputs": [POINT]},
    ]
    assert len(entries(abi, "function", "f")) == 2
    assert entries(abi, "function", "f((uint8, int8))") == [abi[1]]


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
TYPES = st.sampled_from(
    ["uint8", "int256", "address", "bool", "string", "bytes", "bytes32", "uint8[]", "address[2]", "tuple"]
)


@settings(max_examples=300, deadline=None)
@given(TYPES, ANY)
def test_whatever_is_converted_can_be_encoded_and_comes_back(kind, value):
    parameter = {**POINT, "type": kind}
    try:
        converted = convert(parameter, value)
    except ValueMistake:
        return
    try:
        data = encode([parameter], [converted])
    except UnicodeEncodeError:
        pytest.fail("a text that cannot be encoded was let through")
    assert encode([parameter], [converted]) == data
    decode([parameter], data)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_a_revert_that_can_be_shown(data):
    found = decode_revert(data, ERRORS)
    assert found.text
    assert "\n" not in found.text
