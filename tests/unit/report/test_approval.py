"""Who approves a plan sees what it does, not only what its steps are called."""

from __future__ import annotations

from chainops.report.approval import plan_lines

STEP = {
    "label": "contract:Vault",
    "kind": "contract",
    "name": "Vault",
    "contract": "src/Vault.sol:Vault",
    "function": "",
    "args": ["0x00000000000000000000000000000000000000aa", 5],
    "target": "",
    "libraries": {"src/M.sol:M": "M"},
    "value_wei": "500000000000000000",
    "code_digest": "sha256:" + "ab" * 32,
    "expected_address": "",
}
CALL = {
    **STEP,
    "label": "call:1",
    "function": "setCap(uint128)",
    "args": [7, "x\x1b[2Jy\nz"],
    "target": "Vault",
    "libraries": {},
    "value_wei": "0",
    "code_digest": "",
}
OUTPUTS = {
    "plan_digest": "sha256:" + "cd" * 32,
    "network": "mainnet",
    "chain_id": 1,
    "account": "0x00000000000000000000000000000000000000bb",
    "plan": [STEP, CALL],
}


def test_account_chain_and_every_step_are_shown() -> None:
    assert plan_lines(OUTPUTS) == [
        "production deployment to mainnet (chain 1) by 0x00000000000000000000000000000000000000bb",
        "  plan sha256:" + "cd" * 32,
        "  1. contract:Vault: src/Vault.sol:Vault(0x00000000000000000000000000000000000000aa, 5)",
        "     value 0.5 ETH",
        "     code sha256:abababababababab…",
        "     library src/M.sol:M at M",
        "  2. call:1: setCap(7, xy z) on Vault",
    ]
