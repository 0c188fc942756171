"""Smoke checks as they are written, and how answers are judged."""

from __future__ import annotations

import pytest

from chainops.chains.abi import encode, topic
from chainops.chains.model import Log
from chainops.core.config_text import parse_document, validate
from chainops.core.errors import InputErrors
from chainops.deploy.model import Where
from chainops.deploy.smoke import Target, judge_event, judge_results
from chainops.deploy.smoke_checks import prepare_checks

ACCOUNT = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"
COUNTER = "0x5FbDB2315678afecb367f032d93F642f64180aa3"
BANK = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"


@pytest.fixture
def prepare(load, builds):
    def make(text: str, *, may_send: bool = True):
        document = parse_document(text, "chainops.yaml")
        section = validate(load.config, document).smoke_tests
        targets = {
            name: Target(name=name, address=address, build=builds.find(name))
            for name, address in (("Counter", COUNTER), ("Bank", BANK))
        }
        return prepare_checks(
            section,
            Where(document, ("smoke_tests",)),
            targets=targets,
            builds=builds,
            account=ACCOUNT,
            may_send=may_send,
        )

    return make


def test_checks_are_prepared_with_their_place(prepare):
    view, reverting, sending = prepare(
        """\
smoke_tests:
  - {name: limit, contract: Counter, function: LIMIT, expect: 1000}
  - {contract: Counter, function: setNumber, args: [5000], reverts: {error: AboveLimit, args: {value: 5000}}}
  - contract: Bank
    function: deposit()
    value: 1 ether
    emits:
      - {event: Deposited, args: {account: "${account}"}}
      - {event: NumberChanged, contract: Counter}
"""
    )
    assert (view.name, view.results, view.sends) == ("limit", {0: 1000}, False)
    assert str(view.place) == "chainops.yaml:2:5"
    assert (reverting.name, reverting.sends) == ("2: Counter.setNumber", False)
    assert reverting.reverts.args == {0: 5000}
    assert (sending.sends, sending.value_wei) == (True, 10**18)
    assert sending.events[0].args == {0: ACCOUNT}
    assert sending.events[1].address == COUNTER


def test_addresses_of_what_was_deployed_can_be_expected_and_passed(prepare):
    (check,) = prepare(
        'smoke_tests: [{contract: Bank, function: balanceOf, args: ["${ref:Counter.address}"], expect: 0}]'
    )
    assert check.data.hex().endswith(COUNTER[2:].lower())


def test_all_mistakes_are_told_with_their_lines(prepare):
    with pytest.raises(InputErrors) as caught:
        prepare(
            """\
smoke_tests:
  - {contract: Countr, function: LIMIT}
  - {contract: Counter, function: LIMITS}
  - {contract: Counter, function: LIMIT, expect: many}
  - {contract: Counter, function: setNumber, args: [1, 2]}
  - {contract: Counter, function: setNumber, args: [1], reverts: {error: AboveLimits}}
  - {contract: Counter, function: setNumber, args: [1], emits: {event: NumberChanged, args: {valeu: 1}}}
  - {contract: Counter, function: setNumber, args: [1], value: 1, reverts: true}
  - {contract: Bank, function: balanceOf, args: ["${ref:Other.address}"]}
  - {contract: Bank, function: deposit, sender: "0x70997970C51812dc3A010C7d01b50e0d17dc79C8", view: false}
"""
        )
    found = [(e.place.line, e.message, e.hint) for e in caught.value.errors]
    assert [line for line, _, _ in found] == list(range(2, 11))
    assert found[0][1:] == ("no contract `Countr` was deployed", "did you mean `Counter`?")
    assert found[1][1:] == ("Counter has no function `LIMITS`", "did you mean `LIMIT`?")
    assert "a whole number is wanted, not 'many'" in found[2][1]
    assert found[5][1:] == ("NumberChanged has no `valeu`", "did you mean `value`?")
    assert "accepts no ether" in found[6][1]
    assert "no contract `Other` was deployed" in found[7][1]


@pytest.mark.parametrize(
    "text",
    [
        "{contract: Counter, function: LIMIT, expect: 1, reverts: true}",
        "{contract: Counter, function: LIMIT, reverts: {error: A, panic: 1}}",
        "{contract: Counter, function: LIMIT, reverts: {panic: 1, args: []}}",
        "{contract: Counter, function: LIMIT, reverts: false}",
        "{contract: Counter, function: setNumber, view: true, emits: {event: X}}",
    ],
)
def test_expectations_that_exclude_each_other_are_refused(prepare, text):
    with pytest.raises(InputErrors, match=r"chainops\.yaml:1"):
        prepare(f"smoke_tests: [{text}]")


def test_nothing_is_sent_to_production(prepare):
    text = "smoke_tests: [{contract: Bank, function: deposit, value: 1, emits: {event: Deposited}}]"
    with pytest.raises(InputErrors, match="would be sent to a production network"):
        prepare(text, may_send=False)
    prepare("smoke_tests: [{contract: Bank, function: total, expect: 0}]", may_send=False)


def test_results_are_compared_one_by_one():
    assert judge_results({0: 1}, [1]) == ("", "returned 1")
    assert judge_results({0: 1}, [2]) == ("expected 1, got 2", "2")
    assert judge_results({1: "a"}, [2, "b"])[0] == 'expected "a", got "b" (result 2)'
    assert judge_results(None, []) == ("", "returned no result")


def test_an_event_must_come_from_its_contract_with_its_values(prepare):
    (check,) = prepare(
        "smoke_tests: [{contract: Counter, function: setNumber, args: [7], "
        "emits: {event: NumberChanged, args: {value: 7}}}]"
    )
    (event,) = check.events

    def log(value: int, address: str = COUNTER) -> Log:
        by = "0x" + ACCOUNT[2:].lower().rjust(64, "0")
        data = "0x" + encode([{"type": "uint256"}], [value]).hex()
        return Log(address=address.lower(), topics=("0x" + topic(event.abi).hex(), by), data=data)

    assert judge_event(event, [log(1), log(7)]) == ""
    assert "got NumberChanged(by=0xf39F" in judge_event(event, [log(8)])
    assert "it was not emitted (1 log in all)" in judge_event(event, [log(7, BANK)])
    assert "it was not emitted (0 logs in all)" in judge_event(event, [])
