"""From manifest and builds to ordered steps, or to every mistake at its line."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chainops.chains.abi import Placeholder
from chainops.core.errors import InputErrors
from chainops.deploy.plan import make_plan

ACCOUNT = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"


@pytest.fixture
def plan(load, builds, network):
    def make(text: str, *, on: str = "local", account: str = ACCOUNT, **changes):
        target = replace(network, name=on, **changes)
        return make_plan(load(text).for_network(on), builds, target, account)

    return make


def mistakes(plan, text: str, **changes) -> list[str]:
    with pytest.raises(InputErrors) as caught:
        plan(text, **changes)
    return [str(error).splitlines()[0] for error in caught.value.errors]


def test_libraries_come_before_the_contracts_that_need_them_and_calls_last(plan):
    found = plan(
        """\
deploy:
  contracts:
    - contract: Bank
    - {contract: Counter, args: {limit: 1e3}}
  calls:
    - {contract: Counter, function: setNumber, args: [7]}
"""
    )
    assert [s.label for s in found.steps] == [
        "deploy Ratio", "deploy Bank", "deploy Counter", "call 1: Counter.setNumber",
    ]  # fmt: skip
    assert found.steps[1].libraries == {"src/Ratio.sol:Ratio": "Ratio"}
    assert found.steps[2].args == (1000,)
    assert str(found.steps[2].place) == "chainops.yaml:4:7"


def test_a_library_that_is_listed_or_already_there_is_not_deployed_again(plan):
    listed = plan("deploy: {contracts: [{contract: Bank}, {contract: Ratio, name: maths}]}")
    assert [s.name for s in listed.steps] == ["maths", "Bank"]
    given = plan(f'deploy: {{contracts: [{{contract: Bank, libraries: {{Ratio: "{ACCOUNT}"}}}}]}}')
    assert [s.name for s in given.steps] == ["Bank"]
    assert given.steps[0].libraries == {"src/Ratio.sol:Ratio": ACCOUNT}


def test_overrides_hold_for_their_network_alone(plan):
    text = """\
deploy:
  contracts:
    - {contract: Counter, args: [1000]}
  networks:
    main: {contracts: {Counter: {args: [500]}}}
"""
    assert plan(text).steps[0].args == (1000,)
    assert plan(text, on="main").steps[0].args == (500,)


def test_the_digest_names_everything_that_will_be_done(plan):
    text = "deploy: {contracts: [{contract: Counter, args: [1000]}]}"
    first = plan(text).digest
    assert plan(text).digest == first
    assert plan("# a comment moves the lines\n" + text).digest == first
    others = {
        plan(text.replace("1000", "1001")).digest,
        plan(text, on="main").digest,
        plan(text, chain_id=5).digest,
        plan(text, account="0x70997970C51812dc3A010C7d01b50e0d17dc79C8").digest,
        plan(text.replace("Counter,", "Counter, name: other,")).digest,
        first,
    }
    assert len(others) == 6


def test_all_mistakes_are_told_at_once_each_at_its_line(plan):
    found = mistakes(
        plan,
        """\
deploy:
  contracts:
    - contract: Countr
    - contract: Counter
      args: [-5]
      value: 1 ether
    - contract: Counter
      name: second
      args: {limit: "${ref:nobody.address}", most: 3}
    - contract: Bank
      libraries: {Rato: "0x12"}
  calls:
    - {contract: Bank, function: deposits}
    - {contract: second, function: number}
    - {contract: Bank, function: withdraw, args: []}
    - {contract: Third, function: x}
""",
    )
    assert found == [
        "chainops.yaml:3:17: unknown contract `Countr` [DPL104]",
        "chainops.yaml:5:14: limit: -5 does not fit uint256 (0 to 2^256-1) [DPL108]",
        "chainops.yaml:6:14: value is not accepted: the constructor of Counter is not payable [DPL108]",
        "chainops.yaml:9:52: the constructor of Counter has no argument `most` (it has: limit) [DPL108]",
        "chainops.yaml:9:21: limit: ${ref:nobody.address} is an address, uint256 is wanted [DPL108]",
        "chainops.yaml:11:25: unknown library `Rato` [DPL109]",
        "chainops.yaml:13:34: Bank has no function `deposits` [DPL104]",
        "chainops.yaml:14:36: Counter.number changes nothing [DPL108]",
        "chainops.yaml:15:50: Bank.withdraw takes 1 argument (uint256 amount), not 0 [DPL108]",
        "chainops.yaml:16:18: unknown contract `Third` [DPL104]",
    ]


def test_an_unknown_contract_gets_the_nearest_name(plan):
    with pytest.raises(InputErrors) as caught:
        plan("deploy: {contracts: [{contract: Countr}]}")
    assert caught.value.errors[0].hint == "did you mean `Counter`?"


def test_contracts_that_need_each_other_are_a_cycle(load, builds, network):
    # Counter takes a number, so its constructor is given an address by a build of another shape
    counter = builds.find("Counter")
    abi = tuple(
        {**entry, "inputs": [{"type": "address", "name": "other"}]}
        if entry["type"] == "constructor"
        else entry
        for entry in counter.abi
    )
    builds._read["src/Counter.sol:Counter"] = replace(counter, abi=abi)
    source = load(
        """\
deploy:
  contracts:
    - {contract: Counter, name: a, args: ["${ref:b.address}"]}
    - {contract: Counter, name: b, args: ["${ref:a.address}"]}
"""
    )
    with pytest.raises(InputErrors) as caught:
        make_plan(source.for_network("local"), builds, network, ACCOUNT)
    assert [e.message for e in caught.value.errors] == ["contracts need each other's addresses: a → b → a"]

    later = load(
        """\
deploy:
  contracts:
    - {contract: Counter, name: a, args: ["${ref:b.address}"]}
    - {contract: Counter, name: b, args: ["${account}"]}
"""
    )
    steps = make_plan(later.for_network("local"), builds, network, ACCOUNT).steps
    assert [s.name for s in steps] == ["b", "a"]
    assert steps[1].args == (Placeholder("${ref:b.address}"),)


def test_a_contract_over_the_networks_limit_is_told(plan):
    text = "deploy: {contracts: [{contract: Ratio}]}"
    (only,) = mistakes(plan, text, code_size_limit_bytes=100)
    assert "Ratio has " in only
    assert "local accepts 100" in only


def test_half_a_reference_is_a_mistake(plan):
    (only,) = mistakes(plan, 'deploy: {contracts: [{contract: Counter, args: ["a ${account}"]}]}')
    assert "is not a reference" in only


def test_names_are_checked_before_anything_is_compiled(load):
    with pytest.raises(InputErrors) as caught:
        load(
            """\
deploy:
  contracts: [{contract: Counter}, {contract: "src/Counter.sol:Counter"}]
  calls: [{contract: Counter, function: f, name: x}, {contract: Counter, function: f, name: x}]
  networks:
    mian: {contracts: {Countr: {args: []}}}
"""
        )
    assert [e.message for e in caught.value.errors] == [
        "two contracts are called `Counter`",
        "two calls are called `x`",
        "unknown network `mian`",
        "unknown contract `Countr`",
    ]
    assert caught.value.errors[2].hint == "did you mean `main`?"


def test_a_manifest_may_lie_in_its_own_file(load, tmp_path):
    (tmp_path / "release.yaml").write_text("contracts:\n  - contract: Counter\n    args: [1]\n")
    manifest = load("deploy: release.yaml").for_network("local")
    assert manifest.contracts[0].name == "Counter"
    assert str(manifest.contracts[0].where.place()) == "release.yaml:2:5"

    (tmp_path / "release.yaml").write_text("contracts:\n  - contrakt: Counter\n")
    with pytest.raises(InputErrors, match=r"release\.yaml:2"):
        load("deploy: release.yaml")
