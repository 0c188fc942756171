"""Missing libraries are named with the import that wants them; what forge could build is never refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from chainops.project.missing import find_library_folders, find_missing, resolve_import
from chainops.project.model import Import, MissingImport, Project, Remapping
from chainops.project.remappings import match_remapping, parse_remapping
from chainops.project.solidity_imports import read_imports


def project(*remappings: str, libs: tuple[str, ...] = ("lib",), root: Path = Path("/p")) -> Project:
    parsed = tuple(r for r in (parse_remapping(text, "foundry.toml") for text in remappings) if r)
    return Project(toolchain="foundry", root=root, libs=libs, remappings=parsed)


def missing(files: dict[str, str], given: Project, **folders: tuple[str, ...]) -> tuple[MissingImport, ...]:
    names = {name.replace("_", "-"): paths for name, paths in folders.items()}
    return find_missing(
        [f for f in files if f.startswith(("src/", "test/"))], given, read=files.get, library_folders=names
    )


def test_reads_all_forms_of_import_with_their_places() -> None:
    source = """// import "no1.sol";
/* import "no2.sol"; */
pragma solidity ^0.8.0;
import "a.sol";
import 'b.sol' as b;
import * as c from "c.sol";
import {
    D as E // "no3.sol"
} from "d.sol";
contract A { string s = "import 'no4.sol';"; string important = "no5.sol"; function $import() external {} }
import"e.sol";"""
    assert read_imports(source) == (
        Import(target="a.sol", line=4, column=8),
        Import(target="b.sol", line=5, column=8),
        Import(target="c.sol", line=6, column=20),
        Import(target="d.sol", line=9, column=8),
        Import(target="e.sol", line=11, column=7),
    )


@pytest.mark.parametrize(
    "source", ["import", 'import "', "import {a from ;", "/*", "'", 'import "a\n";', "\\"]
)
def test_broken_code_gives_no_imports_and_no_error(source: str) -> None:
    assert read_imports(source) == ()


def test_the_longest_context_then_prefix_then_the_later_remapping_wins() -> None:
    remappings = [
        Remapping(prefix="a/", target="1"),
        Remapping(prefix="a/b/", target="2"),
        Remapping(prefix="a/", target="3", context="lib/x/"),
        Remapping(prefix="a/b/", target="4"),
    ]
    assert match_remapping("src/A.sol", "a/c.sol", remappings) == remappings[0]
    assert match_remapping("src/A.sol", "a/b/c.sol", remappings) == remappings[3]
    assert match_remapping("lib/x/A.sol", "a/b/c.sol", remappings) == remappings[2]
    assert match_remapping("src/A.sol", "z", remappings) is None


def test_a_missing_library_is_named_with_its_remapping_and_place() -> None:
    found = missing(
        {"src/A.sol": '\n  import {X} from "@oz/token/X.sol";'},
        project("@oz/=node_modules/@openzeppelin/contracts/"),
    )
    assert len(found) == 1
    assert (found[0].path, found[0].line, found[0].column) == ("src/A.sol", 2, 19)
    assert found[0].library == "@oz/token"
    assert found[0].looked_for[0] == "node_modules/@openzeppelin/contracts/token/X.sol"
    assert str(found[0].remapping) == "@oz/=node_modules/@openzeppelin/contracts/"


def test_an_import_that_nothing_leads_to_is_missing() -> None:
    found = missing({"src/A.sol": 'import "solmate/tokens/ERC20.sol";import "./B.sol";'}, project())
    assert [m.target for m in found] == ["solmate/tokens/ERC20.sol", "./B.sol"]


def test_imports_are_followed_into_libraries() -> None:
    files = {
        "src/A.sol": 'import "x/X.sol";',
        "lib/x/src/X.sol": 'import "./gone.sol"; import "unknown-there/Y.sol";',
    }
    found = missing(files, project(), x=("lib/x",))
    assert [(m.path, m.target) for m in found] == [("lib/x/src/X.sol", "./gone.sol")]


@pytest.mark.parametrize(
    ("files", "given", "folders"),
    [
        ({"src/A.sol": 'import "./B.sol"; import "../src/B.sol";', "src/B.sol": ""}, project(), {}),
        ({"src/A.sol": 'import "src/B.sol";', "src/B.sol": ""}, project(), {}),
        ({"src/A.sol": 'import "x/X.sol";', "lib/x/src/X.sol": ""}, project(), {"x": ("lib/x",)}),
        ({"src/A.sol": 'import "x/X.sol";', "lib/x/contracts/X.sol": ""}, project(), {"x": ("lib/x",)}),
        ({"src/A.sol": 'import "y/Y.sol";', "lib/x/lib/y/src/Y.sol": ""}, project(), {"y": ("lib/x/lib/y",)}),
        (
            {"src/A.sol": 'import "@s/p/P.sol";', "node_modules/@s/p/P.sol": ""},
            project(libs=("node_modules",)),
            {},
        ),
        # a library that is there may map this name in its own remappings
        ({"src/A.sol": 'import "x/inner/X.sol";'}, project(), {"x": ("lib/x",)}),
        ({"src/A.sol": 'import "./A.sol";'}, project(), {}),
    ],
)
def test_what_forge_could_find_is_not_missing(
    files: dict[str, str], given: Project, folders: dict[str, tuple[str, ...]]
) -> None:
    assert missing(files, given, **folders) == ()


def test_relative_imports_stay_inside_the_tree() -> None:
    assert resolve_import("src/a/A.sol", "../b/B.sol", project(), {})[0] == "src/b/B.sol"


def test_library_folders_are_found_three_levels_deep(tmp_path: Path) -> None:
    for path in ("lib/a/lib/b/lib/c/lib/d", "lib/.git", "node_modules/@s/p"):
        (tmp_path / path).mkdir(parents=True)
    (tmp_path / "lib" / "loop").symlink_to(tmp_path)
    found = find_library_folders(project(libs=("lib", "node_modules"), root=tmp_path))
    assert found["b"] == ("lib/a/lib/b",)
    assert found["@s"] == ("node_modules/@s",)
    assert set(found) == {"a", "b", "c", "@s", "loop"}
