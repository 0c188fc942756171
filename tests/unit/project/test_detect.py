"""The project is found where it lies, and what is found instead is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from chainops.core.errors import ChainopsError, InputError
from chainops.project.detect import detect, nested_projects
from chainops.project.errors import BadProjectError, NoProjectError
from chainops.project.foundry_config import profile_values, read_foundry


def write(root: Path, path: str, text: str = "") -> Path:
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


def test_reads_foundrys_settings(tmp_path: Path) -> None:
    write(
        tmp_path,
        "foundry.toml",
        """
[profile.default]
src = "./contracts/"
libs = ["dependencies", "node_modules/"]
solc_version = "0.8.15"
remappings = ["@oz/=node_modules/@openzeppelin/contracts/", "lib/a:x/=lib/x/"]
ffi = true
[profile.ci]
via_ir = true
optimizer_runs = 7
""",
    )
    write(tmp_path, "remappings.txt", "# comment\n\nds-test/=lib/ds-test/src/\n@oz/=other/\nrubbish\n")
    project = detect(tmp_path, profile="ci")
    assert (project.src, project.libs, project.solc) == (
        "contracts",
        ("dependencies", "node_modules"),
        "0.8.15",
    )
    assert (project.via_ir, project.optimizer_runs, project.ffi) == (True, 7, True)
    assert project.profiles == ("default", "ci")
    assert [str(r) for r in project.remappings] == [
        "ds-test/=lib/ds-test/src/",
        "@oz/=other/",
        "lib/a:x/=lib/x/",
    ]
    assert project.root == tmp_path.resolve()


def test_defaults_follow_the_folders_that_exist(tmp_path: Path) -> None:
    write(tmp_path, "foundry.toml")
    write(tmp_path, "contracts/A.sol")
    write(tmp_path, "node_modules/a/b.sol")
    project = detect(tmp_path)
    assert (project.src, project.libs) == ("contracts", ("node_modules",))


def test_extends_counts_for_the_chosen_profile_alone_and_joins_lists(tmp_path: Path) -> None:
    write(tmp_path, "base.toml", '[profile.default]\nlibs = ["b"]\nscript = "s"\n[profile.ci]\ntest = "t"\n')
    own = '[profile.default]\nlibs = ["a"]\n[profile.ci]\nextends = {extends}\n'
    write(tmp_path, "foundry.toml", own.replace("{extends}", '"base.toml"'))
    chosen, other = read_foundry(tmp_path, profile="ci"), read_foundry(tmp_path)
    assert (chosen.libs, chosen.script, chosen.test) == (("b", "a"), "s", "t")
    assert (other.libs, other.script, other.test) == (("a",), "script", "test")
    assert profile_values(tmp_path, "ci")["libs"] == ["b", "a"]
    replacing = '{path = "base.toml", strategy = "replace-arrays"}'
    write(tmp_path, "foundry.toml", own.replace("{extends}", replacing))
    assert read_foundry(tmp_path, profile="ci").libs == ("a",)


def test_extends_lays_one_file_over_another(tmp_path: Path) -> None:
    write(tmp_path, "base.toml", '[profile.default]\nsolc = "0.8.1"\nsrc = "a"\n')
    write(tmp_path, "foundry.toml", '[profile.default]\nextends = "base.toml"\nsrc = "b"\n')
    project = detect(tmp_path)
    assert (project.solc, project.src) == ("0.8.1", "b")


def test_a_broken_file_below_is_named_itself(tmp_path: Path) -> None:
    write(tmp_path, "base.toml", "x = \n")
    write(tmp_path, "foundry.toml", '[profile.default]\nextends = "base.toml"\n')
    with pytest.raises(BadProjectError) as caught:
        detect(tmp_path)
    assert caught.value.place is not None
    assert caught.value.place.path.endswith("base.toml")


def test_the_only_project_of_a_monorepo_is_taken(tmp_path: Path) -> None:
    write(tmp_path, "packages/contracts/foundry.toml")
    write(tmp_path, "packages/web/package.json", "{}")
    write(tmp_path, "packages/contracts/lib/forge-std/foundry.toml")
    write(tmp_path, "node_modules/x/foundry.toml")
    write(tmp_path, ".hidden/foundry.toml")
    project = detect(tmp_path)
    assert (project.path, project.root) == (
        "packages/contracts",
        tmp_path.resolve() / "packages" / "contracts",
    )


def test_several_projects_are_offered_not_guessed(tmp_path: Path) -> None:
    write(tmp_path, "a/foundry.toml")
    write(tmp_path, "b/foundry.toml")
    with pytest.raises(NoProjectError) as caught:
        detect(tmp_path)
    assert caught.value.hint == "set `path: a` or `path: b`"
    assert detect(tmp_path, path="b").path == "b"


def test_paths_may_hold_spaces_and_any_letters(tmp_path: Path) -> None:
    write(tmp_path, "Märkte und Übungen/смарт/foundry.toml")
    assert detect(tmp_path).path == "Märkte und Übungen/смарт"


@pytest.mark.parametrize(
    ("files", "path", "code", "said"),
    [
        ({}, "", "PRJ101", "no contract project in"),
        ({"hardhat.config.ts": ""}, "", "PRJ103", "Hardhat project, which is not supported yet"),
        ({"a/foundry.toml": ""}, "b", "PRJ105", "there is no folder b"),
        ({"a/foundry.toml": "", "b/x": ""}, "b", "PRJ101", "no contract project in"),
        ({"foundry.toml": ""}, "..", "PRJ105", "leads out of"),
    ],
)
def test_what_is_not_a_project_is_named(
    tmp_path: Path, files: dict[str, str], path: str, code: str, said: str
) -> None:
    for name, text in files.items():
        write(tmp_path, name, text)
    with pytest.raises(NoProjectError) as caught:
        detect(tmp_path, path=path)
    assert caught.value.code == code
    assert said in caught.value.message


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(NoProjectError, match="is not a folder"):
        detect(tmp_path / "nowhere")


def test_foundry_beside_hardhat_is_foundry(tmp_path: Path) -> None:
    write(tmp_path, "foundry.toml")
    write(tmp_path, "hardhat.config.ts")
    assert detect(tmp_path).toolchain == "foundry"


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("[profile.default]\nsrc = \n", 2, "not valid TOML"),
        ("[profile.default]\nsrc = 5\n", 2, "`src`: should be text"),
        ("[profile.default]\n\nlibs = 'lib'\n", 3, "`libs`: should be a list of texts"),
        ("[profile.default]\nremappings = ['x']\n", 2, "`x` is not of the form"),
        ("[profile.default]\nvia_ir = 1\n", 2, "`via_ir`: should be true or false"),
        ("[profile.default]\noptimizer_runs = true\n", 2, "should be a whole number"),
        ("profile = 3\n", 0, "should be a table"),
        ("[profile]\ndefault = 3\n", 0, "should be a table"),
    ],
)
def test_a_broken_foundry_toml_is_shown_with_its_line(
    tmp_path: Path, text: str, line: int, said: str
) -> None:
    write(tmp_path, "foundry.toml", text)
    with pytest.raises(BadProjectError) as caught:
        detect(tmp_path)
    assert said in caught.value.message
    assert caught.value.place is not None
    assert caught.value.place.line == line


def test_foundry_toml_in_another_encoding_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "foundry.toml").write_bytes(b"# a\nsrc = '\xff'\n")
    with pytest.raises(BadProjectError, match="not UTF-8"):
        detect(tmp_path)


def test_an_unknown_profile_is_answered_with_the_nearest(tmp_path: Path) -> None:
    write(tmp_path, "foundry.toml", "[profile.debug]\n")
    with pytest.raises(InputError) as caught:
        detect(tmp_path, profile="debgu")
    assert caught.value.hint == "did you mean `debug`?"


def test_deep_nesting_in_toml_is_an_error_of_ours(tmp_path: Path) -> None:
    write(tmp_path, "foundry.toml", "a = " + "[" * 100_000)
    with pytest.raises(ChainopsError):
        detect(tmp_path)


def test_nested_projects_do_not_follow_links(tmp_path: Path) -> None:
    write(tmp_path, "a/foundry.toml")
    (tmp_path / "a" / "loop").symlink_to(tmp_path)
    (tmp_path / "b").symlink_to(tmp_path / "a")
    assert nested_projects(tmp_path) == ("a",)
