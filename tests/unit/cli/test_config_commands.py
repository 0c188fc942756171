"""`init`, `config` and `schema` as a user meets them."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from chainops.cli.main import run


def call(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["chainops", *arguments])
    with pytest.raises(SystemExit) as caught:
        run()
    return int(caught.value.code or 0)


def project(root: Path) -> Path:
    (root / "src").mkdir()
    (root / "foundry.toml").touch()
    (root / "src" / "A.sol").write_text("contract A {}")
    return root


def test_init_then_check_then_show(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = str(project(tmp_path))
    assert call(monkeypatch, "init", folder) == 0
    assert capsys.readouterr().out == f"{folder}/chainops.yaml\n"
    assert call(monkeypatch, "config", "check", folder) == 0
    assert capsys.readouterr().out.endswith("chainops.yaml: valid\n")
    assert call(monkeypatch, "config", "show", folder, "--json") == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["stages"]["dependency-install"]["options"]["allow_scripts"] == []
    assert call(monkeypatch, "init", folder) == 2
    assert "CFG160" in capsys.readouterr().err
    assert call(monkeypatch, "init", folder, "--force", "--json") == 0


def test_what_show_prints_is_a_configuration_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = project(tmp_path)
    assert call(monkeypatch, "config", "show", str(folder)) == 0
    (folder / "chainops.yaml").write_text(capsys.readouterr().out)
    assert call(monkeypatch, "config", "check", str(folder)) == 0


def test_all_mistakes_go_to_stderr_and_as_json_to_stdout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "other.yaml"
    file.write_text("stages: {unit-test: {}}\nmax_parallel: many\n")
    assert call(monkeypatch, "config", "check", str(file), "--json") == 2
    captured = capsys.readouterr()
    errors = json.loads(captured.out)["errors"]
    assert [(e["code"], e["place"].rpartition("other.yaml:")[2]) for e in errors] == [
        ("CFG120", "1:10"),
        ("CFG122", "2:15"),
    ]
    assert captured.err.count("other.yaml:") == 3  # two mistakes and their sum
    assert "did you mean `unit-tests`?" in captured.err
    assert "Traceback" not in captured.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("run", "--foo"), "--foo"),
        (("runn",), "runn"),
        (("artifacts", "lst"), "lst"),
        (("schema", "a", "b"), "b"),
    ],
)
def test_a_mistake_of_usage_is_told_to_programs_too(
    arguments: tuple[str, ...],
    words: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert call(monkeypatch, *arguments) == 2
    plain = capsys.readouterr()
    assert plain.out == ""
    assert words in plain.err
    assert "--help" in plain.err
    assert call(monkeypatch, *arguments, "--json") == 2
    told = json.loads(capsys.readouterr().out)
    assert told["exit_code"] == 2
    assert [e["code"] for e in told["errors"]] == ["GEN102"]
    assert words in told["errors"][0]["message"]


def test_a_group_without_a_command_shows_its_help(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(monkeypatch, "artifacts") == 2
    captured = capsys.readouterr()
    assert "verify" in captured.out + captured.err
    assert "GEN102" not in captured.err


def test_secrets_are_demanded_only_when_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "chainops.yaml").write_text("environment_vars: {A: 'secret://env/NOT_SET_HERE'}\n")
    assert call(monkeypatch, "config", "check", str(tmp_path)) == 0
    assert call(monkeypatch, "config", "check", str(tmp_path), "--resolve") == 2
    assert "NOT_SET_HERE is not set" in capsys.readouterr().err


def test_the_schema_is_json_and_others_are_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(monkeypatch, "schema") == 0
    assert json.loads(capsys.readouterr().out)["title"] == "chainops configuration"
    assert call(monkeypatch, "schema", "result") == 0
    assert "run_id" in json.loads(capsys.readouterr().out)["properties"]
    assert call(monkeypatch, "schema", "nonsense") == 2
    assert "there is no schema of `nonsense`" in capsys.readouterr().err
