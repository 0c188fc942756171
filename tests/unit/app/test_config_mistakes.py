"""What a newcomer writes wrongly is said once, where it stands, in words that help."""

from __future__ import annotations

from pathlib import Path

import pytest

from chainops.app.config import load_config
from chainops.core.errors import InputErrors

LIVE = "{kind: mainnet, chain_id: 1, url: 'https://rpc.example'%s}"
DEPLOY = "deploy: {contracts: [{contract: Vault}]}\n"


def said(folder: Path, text: str) -> list[str]:
    (folder / "chainops.yaml").write_text(text)
    with pytest.raises(InputErrors) as caught:
        load_config(folder, env={}, resolve=False)
    return [f"{e.place.line if e.place else 0}: {e.message} ({e.hint})" for e in caught.value.errors]


def only(folder: Path, text: str, *, line: int, words: tuple[str, ...]) -> None:
    found = said(folder, text)
    assert len(found) == 1, found
    assert found[0].startswith(f"{line}: ")
    assert all(word in found[0] for word in words), found[0]


def test_contract_deploy_may_not_go_to_a_mainnet(tmp_path: Path) -> None:
    networks = f"networks:\n  live: {LIVE % ', account: secret://env/K'}\n"
    only(
        tmp_path, "target_network: live\n" + networks, line=1, words=("`live`", "mainnet", "production: true")
    )


@pytest.mark.parametrize("more", [", production: true", ""])
def test_a_network_that_is_deployed_to_needs_an_account(tmp_path: Path, more: str) -> None:
    network = (LIVE % more).replace("mainnet", "testnet")
    target = "" if more else "target_network: live\n"
    text = f"networks:\n  live: {network}\n{DEPLOY}{target}"
    only(tmp_path, text, line=2, words=("`networks.live.account`", "missing", "secret://env/"))


def test_a_network_that_is_not_deployed_to_needs_no_account(tmp_path: Path) -> None:
    (tmp_path / "chainops.yaml").write_text(f"networks:\n  live: {LIVE % ''}\n{DEPLOY}")
    assert load_config(tmp_path, env={}).config.networks["live"].chain_id == 1


def test_a_size_for_an_unknown_network_gets_the_nearest_name(tmp_path: Path) -> None:
    text = (
        "quality_gates:\n  max_contract_size: {mainet: 1, default: 2, embedded: 3}\n"
        f"networks: {{mainnet: {LIVE % ''}}}\n"
    )
    only(tmp_path, text, line=2, words=("mainet", "did you mean `mainnet`?"))


def test_two_mistakes_among_the_tools_are_told_each_at_its_place(tmp_path: Path) -> None:
    found = said(tmp_path, "tools:\n  forge: sytem\n  fogre: system\n")
    assert found == [
        "2: `tools.forge`: should be `locked` or `system` (did you mean `system`?)",
        "3: `tools.fogre`: unknown tool (did you mean `forge`?)",
    ]


def test_a_manifest_of_two_kinds_is_one_mistake(tmp_path: Path) -> None:
    only(
        tmp_path,
        "deploy: {contracts: [{contract: A}], script: script/D.s.sol}\n",
        line=1,
        words=("`script` stands alone",),
    )


def test_a_circle_is_told_once(tmp_path: Path) -> None:
    only(tmp_path, "stages:\n  compilation: {needs: [smoke-tests]}\n", line=2, words=("in a circle",))


def test_the_embedded_network_cannot_become_another_one(tmp_path: Path) -> None:
    network = LIVE % ", account: secret://env/K"
    only(tmp_path, f"networks:\n  embedded: {network}\n", line=2, words=("`embedded`", "another name"))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("pipeline_id: a b\n", ("letters, digits", "`.`")),
        ("deploy: {contracts: [{contract: A, name: 'a b'}]}\n", ("letters, digits", "`_`")),
    ],
)
def test_a_bad_name_says_what_a_name_can_hold(tmp_path: Path, text: str, words: tuple[str, ...]) -> None:
    only(tmp_path, text, line=1, words=words)
    assert "^" not in said(tmp_path, text)[0]


@pytest.mark.parametrize(
    "text",
    [
        "environment_vars: {A: 'secret://vault/x'}\n",
        "environment_vars: {A: 'secret://env/'}\n",
        "networks: {live: {kind: testnet, chain_id: 5, url: 'secret://vault/x'}}\n",
        "networks: {live: {kind: testnet, chain_id: 5, url: 'http://x', account: 'secret://vault/x'}}\n",
        "stages: {integration-tests: {options: {fork_url: 'secret://vault/x'}}}\n",
    ],
)
def test_a_reference_of_an_unknown_kind_is_refused_without_the_secrets(tmp_path: Path, text: str) -> None:
    only(tmp_path, text, line=1, words=("is not a secret reference", "secret://env/NAME"))
