"""npm and pip get the user's registry settings, and what they refuse is told in our words."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

import pytest

from chainops.core.process import Command, MemoryProcessRunner, ScriptedAnswer
from chainops.tools.clients import (
    NpmClient,
    PipClient,
    check_integrity,
    client_environment,
    failure_reason,
    find_pip,
)
from chainops.tools.errors import InstallError, IntegrityError
from chainops.tools.lockfile import NpmPackage


def package(data: bytes) -> NpmPackage:
    integrity = "sha512-" + base64.b64encode(hashlib.sha512(data).digest()).decode()
    return NpmPackage(name="@scope/thing", version="1.2.3", integrity=integrity)


def npm(*answers: ScriptedAnswer) -> tuple[NpmClient, MemoryProcessRunner]:
    runner = MemoryProcessRunner(*answers)
    return NpmClient(runner=runner, argv=("node", "npm-cli.js"), env={}), runner


def leave(data: bytes):
    def effect(command: Command) -> None:
        (command.cwd / "scope-thing-1.2.3.tgz").write_bytes(data)

    return effect


def test_clients_see_registry_proxy_and_certificate_settings_and_nothing_else():
    given = {
        "HOME": "/h", "PATH": "/bin", "npm_config_registry": "r", "NPM_CONFIG_CAFILE": "c",
        "PIP_INDEX_URL": "i",
        "https_proxy": "p", "NO_PROXY": "n", "SSL_CERT_FILE": "s", "NODE_EXTRA_CA_CERTS": "e",
        "PRIVATE_KEY": "secret", "AWS_SECRET_ACCESS_KEY": "secret", "NODE_OPTIONS": "--require=/evil.js",
        "PYTHONPATH": "/evil",
    }  # fmt: skip
    seen = client_environment(given)
    assert set(given) - set(seen) == {"PRIVATE_KEY", "AWS_SECRET_ACCESS_KEY", "NODE_OPTIONS", "PYTHONPATH"}


async def test_package_with_the_pinned_hash_is_accepted_and_its_scripts_do_not_run(tmp_path):
    client, runner = npm(ScriptedAnswer(when="pack", effect=leave(b"good")))
    archive = await client.pack(package(b"good"), tmp_path)
    assert archive.read_bytes() == b"good"
    assert "@scope/thing@1.2.3" in runner.commands[0].argv
    assert "--ignore-scripts" in runner.commands[0].argv


async def test_what_npm_prints_goes_to_the_log(tmp_path):
    said = bytearray()
    answer = ScriptedAnswer(when="pack", stdout=b"thing.tgz\n", stderr=b"slow\n", effect=leave(b"good"))
    client, _ = npm(answer)
    await client.pack(package(b"good"), tmp_path, said.extend)
    assert said == b"thing.tgz\nslow\n"


async def test_package_with_another_hash_is_refused(tmp_path):
    client, _ = npm(ScriptedAnswer(when="pack", effect=leave(b"evil")))
    with pytest.raises(IntegrityError, match=r"@scope/thing@1\.2\.3.*the lock says sha512-") as caught:
        await client.pack(package(b"good"), tmp_path)
    assert caught.value.code == "TLS303"


async def test_npms_own_refusal_of_a_hash_is_an_integrity_error(tmp_path):
    said = b"npm error code EINTEGRITY\nnpm error sha512-AAA= integrity checksum failed when using sha512"
    client, _ = npm(ScriptedAnswer(when="ci", stderr=said, returncode=1))
    with pytest.raises(IntegrityError):
        await client.install_tree('{"packages": {"": {"name": "tool"}}}', tmp_path)


async def test_no_network_is_told_with_npms_words(tmp_path):
    said = b"npm error code ENOTFOUND\nnpm error network request to https://registry.example/x failed"
    client, _ = npm(ScriptedAnswer(when="pack", stderr=said, returncode=1))
    with pytest.raises(InstallError, match="ENOTFOUND") as caught:
        await client.pack(package(b"good"), tmp_path)
    assert "doctor" in caught.value.hint


def test_stack_traces_and_repetitions_are_left_out_of_the_reason():
    npm_said = """npm error code ECONNREFUSED
npm error syscall connect
npm error FetchError: request to http://127.0.0.1:1/solc failed, reason: connect ECONNREFUSED 127.0.0.1:1
npm error     at ClientRequest.<anonymous> (/n/minipass-fetch/lib/index.js:130:14)
npm error   type: 'system'
npm error }
npm error If you are behind a proxy, please make sure that the 'proxy' config is set properly.
npm error A complete log of this run can be found in: /n/_logs/0.log"""
    assert failure_reason(npm_said) == (
        "the registry cannot be reached (ECONNREFUSED): "
        "FetchError: request to http://127.0.0.1:1/solc failed, reason: connect ECONNREFUSED 127.0.0.1:1"
    )
    pip_said = """WARNING: Retrying (total=1) after connection broken by 'NewConnectionError("x")': /simple/a/
WARNING: Retrying (total=0) after connection broken by 'NewConnectionError("x")': /simple/a/
ERROR: Could not find a version that satisfies the requirement a==1 (from versions: none)
ERROR: No matching distribution found for a==1"""
    assert failure_reason(pip_said) == (
        "the registry cannot be reached (NewConnectionError): "
        "ERROR: Could not find a version that satisfies the requirement a==1 (from versions: none) | "
        "ERROR: No matching distribution found for a==1"
    )
    assert (
        failure_reason("ERROR: [Errno 28] No space left on device")
        == "ERROR: [Errno 28] No space left on device"
    )
    assert failure_reason("") == ""


async def test_endless_client_is_told_as_such(tmp_path):
    client, _ = npm(ScriptedAnswer(when="pack", returncode=-9, timed_out=True))
    with pytest.raises(InstallError, match="no end after"):
        await client.pack(package(b"good"), tmp_path)


async def test_npm_that_leaves_no_archive_is_an_error(tmp_path):
    client, _ = npm(ScriptedAnswer(when="pack"))
    with pytest.raises(InstallError, match="0 archives"):
        await client.pack(package(b"good"), tmp_path)


async def test_pip_demands_hashes_and_wheels(tmp_path):
    runner = MemoryProcessRunner(ScriptedAnswer(when="install"))
    await PipClient(runner=runner).install("tool", "a==1 --hash=sha256:00\n", tmp_path)
    argv = runner.commands[0].argv
    assert {"--require-hashes", "--no-deps", "--only-binary", f"--target={tmp_path}"} <= set(argv)
    assert (tmp_path / "requirements.txt").read_text().startswith("a==1")


async def test_pips_refusal_of_a_hash_is_an_integrity_error(tmp_path):
    said = b"ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE."
    runner = MemoryProcessRunner(ScriptedAnswer(when="install", stderr=said, returncode=1))
    with pytest.raises(IntegrityError, match="pip install of tool"):
        await PipClient(runner=runner).install("tool", "", tmp_path, python=Path("/env/bin/python"))
    assert "--python=/env/bin/python" in runner.commands[0].argv


def test_integrity_is_compared_byte_by_byte(tmp_path):
    archive = tmp_path / "a.tgz"
    archive.write_bytes(b"good")
    check_integrity(archive, package(b"good"))
    archive.write_bytes(b"gooe")
    with pytest.raises(IntegrityError):
        check_integrity(archive, package(b"good"))


def test_pip_is_found():
    assert find_pip()[1:] == ("-m", "pip")
