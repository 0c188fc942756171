"""`chainops artifacts` as a person uses it."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from chainops.artifacts.errors import ArtifactNameError
from chainops.artifacts.run import RunArtifacts
from chainops.artifacts.runs import open_manifest, open_store, run_dir
from chainops.cli.artifacts import app

RUN = "20260101T000000-aaaaaa"


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    run_dir(tmp_path, RUN).mkdir(parents=True)
    sink = RunArtifacts(
        store=open_store(tmp_path), manifest=open_manifest(tmp_path, RUN), stage="compilation"
    )
    sink.put_bytes("contracts/Vault.json", b'{"abi":[]}', kind="contract")
    sink.put_bytes("docs/index.md", b"# Vault", kind="documentation")
    return tmp_path


def run(workspace: Path, *arguments: str) -> tuple[int, bytes]:
    result = CliRunner().invoke(app, [*arguments, "--workspace", str(workspace)], catch_exceptions=False)
    return result.exit_code, result.stdout_bytes


def test_list_names_every_artifact(workspace: Path) -> None:
    code, out = run(workspace, "list")
    assert code == 0
    assert b"contracts/Vault.json" in out
    assert b"sha256:" in out
    listed = json.loads(run(workspace, "list", "--json")[1])
    assert [a["name"] for a in listed["artifacts"]] == ["contracts/Vault.json", "docs/index.md"]
    assert listed["run_id"] == RUN


def test_a_stage_that_does_not_exist_is_a_mistake(workspace: Path) -> None:
    assert run(workspace, "list", "--stage", "unit-tests")[0] == 0
    with pytest.raises(ArtifactNameError, match="unknown stage `compilaton`") as caught:
        run(workspace, "list", "--stage", "compilaton")
    assert caught.value.hint == "did you mean `compilation`?"


def test_get_gives_the_bytes_on_stdout_or_in_a_file(workspace: Path, tmp_path: Path) -> None:
    assert run(workspace, "get", "docs/index.md") == (0, b"# Vault")
    target = tmp_path / "out.md"
    assert run(workspace, "get", "docs/index.md", "-o", str(target))[0] == 0
    assert target.read_bytes() == b"# Vault"
    folder = tmp_path / "all"
    assert run(workspace, "get", "--all", "-o", str(folder))[0] == 0
    assert (folder / "contracts/Vault.json").read_bytes() == b'{"abi":[]}'


@pytest.mark.parametrize("name", ["../../../etc/passwd", "/etc/passwd", "docs/../docs/index.md"])
def test_get_refuses_a_path_that_is_no_name(workspace: Path, name: str) -> None:
    with pytest.raises(ArtifactNameError):
        run(workspace, "get", name)


def test_verify_fails_when_one_byte_changed_and_names_the_artifact(workspace: Path) -> None:
    assert run(workspace, "verify")[0] == 0
    entry = open_manifest(workspace, RUN).entries()[0]
    blob = open_store(workspace).path(entry.digest)
    blob.chmod(0o644)
    blob.write_bytes(b'{"abi":[1}')
    code, out = run(workspace, "verify", "--json")
    assert code == 3
    damaged = json.loads(out)["damaged"]
    assert [(d["artifact"]["name"], d["kind"]) for d in damaged] == [("contracts/Vault.json", "changed")]
