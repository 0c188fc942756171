"""The `networks:` section."""

from __future__ import annotations

import pytest
from pydantic import BaseModel, Field

from chainops.chains.model import NetworkKind
from chainops.chains.settings import NetworksSection, networks_from
from chainops.core.config_text import parse_document, validate
from chainops.core.errors import InputErrors


class Config(BaseModel):
    networks: NetworksSection = Field(default_factory=dict)


def read(text: str):
    return networks_from(validate(Config, parse_document(text, "chainops.yaml")).networks)


def test_the_embedded_network_needs_no_declaration():
    found = read("")["embedded"]
    assert (found.kind, found.chain_id, found.production) == (NetworkKind.EMBEDDED, 31337, False)


def test_networks_are_read():
    found = read(
        """\
networks:
  holesky:
    kind: testnet
    chain_id: 17000
    url: https://rpc.example/${KEY}
    account: secret://env/DEPLOYER
    confirmations: 3
  fork: {kind: embedded, fork_url: secret://env/MAINNET}
  main:
    kind: mainnet
    chain_id: 1
    url: secret://env/MAINNET
    production: true
    account: {keystore: key.json, password: secret://env/PASSWORD}
"""
    )
    assert found["holesky"].account.key == "secret://env/DEPLOYER"
    assert found["holesky"].confirmations == 3
    assert found["fork"].chain_id == 0
    assert found["main"].account.keystore == "key.json"
    assert set(found) == {"holesky", "fork", "main", "embedded"}


KEY = "0x" + "4c" * 32


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("networks: {a: {kind: embedded, url: http://x}}", "has no `url`"),
        ("networks: {a: {chain_id: 5}}", "`url` is missing"),
        ("networks: {a: {url: http://x}}", "`chain_id` is missing"),
        ("networks: {a: {url: http://x, chain_id: 5, fork_url: http://y}}", "is for `kind: embedded`"),
        ("networks: {a: {kind: mainet}}", "did you mean `mainnet`"),
        ("networks: {a: {kind: embedded, produktion: true}}", "did you mean `production`"),
        (f'networks: {{a: {{kind: embedded, account: "{KEY}"}}}}', "should be a reference to a secret"),
        ("networks: {a/b: {kind: embedded}}", "letters, digits"),
        ("networks: {a: {kind: embedded, confirmations: 0}}", "confirmations"),
    ],
)
def test_mistakes_are_told_and_secrets_are_not(text, message):
    with pytest.raises(InputErrors) as caught:
        read(text)
    assert message in str(caught.value)
    assert "chainops.yaml:1" in str(caught.value)
    assert KEY not in str(caught.value)
