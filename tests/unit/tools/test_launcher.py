"""The launcher answers as native solc does and stands where forge looks."""

from __future__ import annotations

import os
from pathlib import Path

from chainops.core.process import Command, LocalProcessRunner
from chainops.tools.launcher import launcher_text, place_solc, write_program

REPORTED = "solc, the solidity compiler commandline interface\nVersion: 0.8.30+commit.73712a01.Linux.g++"


async def run(path: Path, *arguments: str) -> str:
    command = Command(argv=(str(path), *arguments), cwd=path.parent, env={"PATH": "/usr/bin:/bin"})
    return (await LocalProcessRunner().run(command)).text


async def test_version_is_answered_without_node(tmp_path):
    path = tmp_path / "solc"
    write_program(path, launcher_text(reported=REPORTED, node=("/nonexistent",), script=("s", "j")))
    assert await run(path, "--version") == REPORTED + "\n"


async def test_everything_else_reaches_the_shim_also_from_a_folder_with_a_difficult_name(tmp_path):
    folder = tmp_path / "it's a föl$der"
    folder.mkdir()
    write_program(folder / "node", '#!/bin/sh\nfor a in "$@"; do echo "[$a]"; done\n')
    text = launcher_text(reported="", node=(str(folder / "node"),), script=(str(folder / "s.js"), "j"))
    write_program(folder / "solc", text)
    said = (await run(folder / "solc", "--standard-json", "--allow-paths", "a b")).splitlines()
    assert said[-5:] == [f"[{folder / 's.js'}]", "[j]", "[--standard-json]", "[--allow-paths]", "[a b]"]


def test_unchanged_program_is_not_written_again(tmp_path):
    write_program(tmp_path / "p", "text")
    before = (tmp_path / "p").stat()
    write_program(tmp_path / "p", "text")
    assert (tmp_path / "p").stat().st_ino == before.st_ino
    write_program(tmp_path / "p", "other")
    assert (tmp_path / "p").read_text() == "other"
    assert os.access(tmp_path / "p", os.X_OK)


def test_compiler_is_placed_where_forge_looks_and_moved_when_it_moves(tmp_path):
    home = tmp_path / "home"
    for program in ("one", "one", "two"):
        place_solc(home, "0.8.30", tmp_path / program)
    folder = home / ".svm" / "0.8.30"
    assert [p.name for p in folder.iterdir()] == ["solc-0.8.30"]
    assert (folder / "solc-0.8.30").readlink() == tmp_path / "two"
