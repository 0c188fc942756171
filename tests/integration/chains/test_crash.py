"""Whatever moment the sender is killed at, the chain ends up the same and nothing is there twice."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from chainops.core.process import Command, LocalProcessRunner

pytestmark = pytest.mark.integration


async def test_killed_at_every_moment_each_transaction_is_on_chain_once(chain, tmp_path):
    script = Path(__file__).with_name("crashing_sender.py")
    folder = tmp_path / "kills"
    folder.mkdir()
    done = await LocalProcessRunner().run(
        Command(
            argv=(sys.executable, str(script), chain.url, str(folder)),
            cwd=tmp_path,
            env=dict(os.environ),
            timeout_s=90,
        )
    )
    assert done.returncode == 0, done.error_text
    results = [json.loads(line) for line in done.text.splitlines()]
    *killed, undisturbed = results

    # for each transaction: before, within and after "signed" and "confirmed"; before and after sending
    assert len(killed) == 3 * 8
    assert {r["killed"] for r in killed} == {-9}
    assert undisturbed["killed"] == 0
    for result in results:
        moment = result["moment"]
        assert result["again"] == 0, moment
        assert result["address"] == undisturbed["address"], moment
        assert result["nonce"] == 3, moment
        assert result["calls"] == 2, moment
        assert result["signed"] == ["create", "call 1", "call 2"], moment
        assert result["confirmed"] == 3, moment
