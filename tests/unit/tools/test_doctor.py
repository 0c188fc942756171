"""The doctor tells what stands in the way and what to do."""

from __future__ import annotations

import pytest

from chainops.core.process import LocalProcessRunner
from chainops.tools.cache import ToolCache
from chainops.tools.doctor import Health, check_cache, check_disk, check_python, check_tool, examine
from chainops.tools.inventory import ToolState, ToolStatus


@pytest.mark.parametrize(
    ("status", "health"),
    [
        (ToolStatus.INSTALLED, Health.OK),
        (ToolStatus.SYSTEM, Health.OK),
        (ToolStatus.ABSENT, Health.NOTE),
        (ToolStatus.CHANGED, Health.FAILED),
        (ToolStatus.UNAVAILABLE, Health.FAILED),
    ],
)
def test_tool_states_are_judged(status, health):
    state = ToolState(name="forge", version="1.7.1", status=status, problems=("bin/forge: content differs",))
    check = check_tool(state)
    assert check.health is health
    assert bool(check.hint) == (health is not Health.OK)


def test_little_space_fails(tmp_path):
    assert check_disk(tmp_path, 100_000_000).health is Health.FAILED
    assert check_disk(tmp_path, 2_000_000_000).health is Health.NOTE
    assert check_disk(tmp_path / "not" / "there", 50_000_000_000).health is Health.OK


def test_cache_that_cannot_be_written_fails(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    check = check_cache(tmp_path / "file" / "cache")
    assert check.health is Health.FAILED
    assert "CHAINOPS_CACHE_DIR" in check.hint
    assert check_cache(tmp_path / "cache").health is Health.OK
    assert list((tmp_path / "cache").iterdir()) == []


def test_old_python_fails():
    assert check_python((3, 10)).health is Health.FAILED
    assert check_python().health is Health.OK


async def test_examination_of_a_fresh_cache_names_every_tool(tmp_path):
    checks = await examine(ToolCache(tmp_path / "cache"), LocalProcessRunner())
    names = [check.name for check in checks]
    assert names[:6] == ["python", "git", "make", "system node", "tool cache", "disk"]
    assert {"tool forge", "tool slither", "tool solhint"} <= set(names)


async def test_own_tool_that_is_missing_fails(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    checks = await examine(ToolCache(tmp_path / "cache"), LocalProcessRunner(), {"forge": "system"})
    found = {check.name: check for check in checks}
    assert found["tool forge"].health is Health.FAILED
    assert found["git"].detail == "not on PATH"
