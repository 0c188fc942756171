"""A tool in the cache is complete or absent, whoever installs, fails or is killed."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from chainops.tools.cache import ToolCache, default_cache_dir
from chainops.tools.errors import ChangedToolError, InstallError
from chainops.tools.lockfile import LockedTool

TOOL = LockedTool(name="tool", kind="pypi", version="1.0", digest="sha256:" + "ab" * 32, lock_text="x")


class Filling:
    """Writes one file and counts how often it was asked to."""

    def __init__(self, content: bytes = b"good") -> None:
        self.content = content
        self.calls = 0

    async def __call__(self, folder: Path) -> dict[str, str]:
        self.calls += 1
        (folder / "program").write_bytes(self.content)
        await asyncio.sleep(0)
        return {"reported": "tool 1.0"}


async def test_tool_is_installed_once_and_found_again(tmp_path):
    cache, fill = ToolCache(tmp_path), Filling()
    first = await cache.ensure(TOOL, fill)
    assert await cache.ensure(TOOL, fill) == first
    assert fill.calls == 1
    assert first.facts == {"reported": "tool 1.0"}
    assert (cache.folder(TOOL) / "program").read_bytes() == b"good"


async def test_installations_at_the_same_time_make_one(tmp_path):
    fill = Filling()
    receipts = await asyncio.gather(*(ToolCache(tmp_path).ensure(TOOL, fill) for _ in range(8)))
    assert fill.calls == 1
    assert len(set(map(id, receipts))) >= 1
    assert all(r.files == receipts[0].files for r in receipts)


async def test_failed_installation_leaves_nothing(tmp_path):
    async def fail(folder: Path) -> dict[str, str]:
        (folder / "half").write_bytes(b"half")
        raise InstallError("no network")

    cache = ToolCache(tmp_path)
    with pytest.raises(InstallError):
        await cache.ensure(TOOL, fail)
    assert list(cache.tools.iterdir()) == []
    assert (await cache.ensure(TOOL, Filling())).version == "1.0"


async def test_cancelled_installation_leaves_nothing(tmp_path):
    reached = asyncio.Event()

    async def hang(folder: Path) -> dict[str, str]:
        (folder / "half").write_bytes(b"half")
        reached.set()
        await asyncio.Event().wait()
        return {}

    cache = ToolCache(tmp_path)
    task = asyncio.create_task(cache.ensure(TOOL, hang))
    await reached.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert list(cache.tools.iterdir()) == []


KILLED = """
import asyncio, sys
from pathlib import Path
from chainops.tools.cache import ToolCache
from chainops.tools.lockfile import LockedTool

async def fill(folder):
    (folder / "program").write_bytes(b"half")
    sys.stdout.write("half\\n"); sys.stdout.flush()
    await asyncio.Event().wait()

tool = LockedTool(name="tool", kind="pypi", version="1.0", digest="sha256:" + "ab" * 32, lock_text="x")
asyncio.run(ToolCache(Path(sys.argv[1])).ensure(tool, fill))
"""


async def test_installation_killed_half_way_is_not_taken_for_a_good_one(tmp_path):
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", KILLED, str(tmp_path), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    assert await process.stdout.readline() == b"half\n"
    cache = ToolCache(tmp_path)
    waiting = asyncio.create_task(cache.ensure(TOOL, Filling()))
    os.kill(process.pid, signal.SIGKILL)
    await process.wait()
    receipt = await waiting
    assert (cache.folder(TOOL) / "program").read_bytes() == b"good"
    assert [p.name for p in cache.tools.iterdir()] == [TOOL.folder]
    assert cache.verify(TOOL) == ()
    assert receipt.files[0].size_bytes == 4


async def test_folder_without_a_receipt_is_no_tool(tmp_path):
    cache, fill = ToolCache(tmp_path), Filling()
    cache.folder(TOOL).mkdir(parents=True)
    (cache.folder(TOOL) / "program").write_bytes(b"half")
    await cache.ensure(TOOL, fill)
    assert fill.calls == 1
    assert (cache.folder(TOOL) / "program").read_bytes() == b"good"


async def test_changed_tool_is_refused_and_renewed_on_request(tmp_path):
    cache, fill = ToolCache(tmp_path), Filling()
    await cache.ensure(TOOL, fill)
    (cache.folder(TOOL) / "program").write_bytes(b"evil")
    with pytest.raises(ChangedToolError, match="program: content differs") as caught:
        await cache.ensure(TOOL, fill)
    assert "chainops tools install tool" in caught.value.hint
    await cache.renew(TOOL, fill)
    assert fill.calls == 2
    assert cache.verify(TOOL) == ()


async def test_renewing_a_good_tool_installs_nothing(tmp_path):
    cache, fill = ToolCache(tmp_path), Filling()
    await cache.ensure(TOOL, fill)
    await cache.renew(TOOL, fill)
    assert fill.calls == 1


@pytest.mark.parametrize(
    ("env", "wanted"),
    [
        ({"CHAINOPS_CACHE_DIR": "/a/b", "XDG_CACHE_HOME": "/x", "HOME": "/h"}, "/a/b"),
        ({"XDG_CACHE_HOME": "/x", "HOME": "/h"}, "/x/chainops"),
        ({"HOME": "/h"}, "/h/.cache/chainops"),
    ],
)
def test_cache_folder_follows_the_environment(env, wanted):
    assert default_cache_dir(env) == Path(wanted)
