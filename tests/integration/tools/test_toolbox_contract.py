"""What every toolbox promises, held against the real one and its twin."""

from __future__ import annotations

import pytest

from chainops.tools.errors import UnknownToolError
from chainops.tools.memory import MemoryToolbox
from chainops.tools.ports import Toolbox


@pytest.fixture(params=["memory", pytest.param("provisioned", marks=pytest.mark.integration)])
def box(request: pytest.FixtureRequest) -> Toolbox:
    return MemoryToolbox() if request.param == "memory" else request.getfixturevalue("toolbox")


@pytest.mark.parametrize("name", ["forge", "node", "npm"])
async def test_known_tool_can_be_started_and_is_identified(box, name):
    tool = await box.tool(name)
    assert tool.argv
    assert tool.use.name == name
    assert tool.use.version
    assert tool.use.origin


async def test_asking_twice_gives_the_same(box):
    assert await box.tool("cast") == await box.tool("cast")


@pytest.mark.parametrize("name", ["forg", "solc", ""])
async def test_unknown_tool_is_refused(box, name):
    with pytest.raises(UnknownToolError):
        await box.tool(name)


async def test_compiler_has_exactly_the_version_asked_for(box):
    assert (await box.solc("0.8.30")).use.version == "0.8.30"


@pytest.mark.parametrize("version", ["0.8.99", "0.4.10", "latest", "../0.8.30"])
async def test_unknown_compiler_is_refused(box, version):
    with pytest.raises(UnknownToolError):
        await box.solc(version)


async def test_home_holds_each_compiler_where_forge_looks(box, tmp_path):
    await box.solc_home(("0.8.30", "0.5.16"), tmp_path)
    placed = sorted(str(p.relative_to(tmp_path)) for p in tmp_path.rglob("solc-*"))
    assert placed == [".svm/0.5.16/solc-0.5.16", ".svm/0.8.30/solc-0.8.30"]


def test_compilers_are_listed_oldest_first(box):
    known = box.known_solc_versions()
    assert known[0] == "0.4.11"
    assert known.index("0.8.9") < known.index("0.8.30")
