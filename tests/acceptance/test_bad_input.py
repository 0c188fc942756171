"""Whatever is wrong gets one clear error, and nothing is lost."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from acceptance.harness import CHAINOPS, COUNTER_CONFIG, chainops, environment

pytestmark = pytest.mark.acceptance

ONLY_COMPILATION = (
    "stages: {dependency-install: {enabled: false}, static-analysis: {enabled: false}}\n"
    "quality_gates: {max_contract_size: 24576}\n"
)


def fake_forge(folder: Path, body: str) -> dict[str, str]:
    """Put a `forge` that answers `--version` and else does `body` in front of PATH."""
    folder.mkdir()
    forge = folder / "forge"
    forge.write_text(
        '#!/bin/sh\ncase "$*" in\n*--version*) echo "forge Version: 1.7.1"; exit 0 ;;\n'
        '*config*) echo \'{"src": "src", "test": "test", "script": "script", "libs": []}\'; exit 0 ;;\nesac\n'
        + body
    )
    forge.chmod(0o755)
    return {"PATH": f"{folder}:{os.environ['PATH']}"}


def is_running(pid: int) -> bool:
    """Whether a process exists and is not a zombie that waits for its reaper."""
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False


def assert_clear(err: str, code: str) -> None:
    """One error with its code and no traceback."""
    assert f"[{code}]" in err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("config", "code", "words"),
    [
        ("stages: [\n", "CFG105", "chainops.yaml:2"),
        ("stages:\n  unit-tests: {needs: [smoke-tests]}\n", "CFG132", "circle"),
        ("stages:\n  unit-test: {retries: 1}\n", "CFG12", "unit-tests"),
        ("tools: {frge: system}\n", "CFG12", "forge"),
        ("target_network: mainet\nnetworks: {mainnet: {kind: embedded}}\n", "CFG1", "mainnet"),
        ("repository_url: 'ext::sh -c id'\n", "CFG140", "ext"),
        ("repository_url: https://example.org/x.git\nref: --upload-pack=x\n", "CFG141", "-"),
    ],
)
def test_mistakes_of_the_config_name_their_place(
    config: str, code: str, words: str, counter: Callable[..., Path]
) -> None:
    ran = chainops("run", counter(config=config))
    assert ran.code == 2
    assert "chainops.yaml:" in ran.err
    assert f"[{code}" in ran.err
    assert words in ran.err
    assert "Traceback" not in ran.err


def test_all_mistakes_are_reported_at_once(counter: Callable[..., Path]) -> None:
    ran = chainops("run", counter(config="max_paralel: 2\nfail_fast: perhaps\nstages: {unit-test: {}}\n"))
    assert ran.code == 2
    assert "chainops.yaml:1:" in ran.err
    assert "chainops.yaml:2:" in ran.err
    assert "chainops.yaml:3:" in ran.err
    assert "3 mistakes" in ran.err


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    ran = chainops("run", tmp_path / "nowhere")
    assert ran.code == 2
    assert_clear(ran.err, "CFG109")


def test_a_folder_without_a_project_is_named_and_left_as_it_was(tmp_path: Path) -> None:
    ran = chainops("run", tmp_path)
    assert ran.code == 2
    assert_clear(ran.err, "PRJ101")
    assert "foundry.toml" in ran.err
    assert not list(tmp_path.iterdir())


def test_a_url_that_is_no_repository_fails_the_checkout(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "chainops.yaml").write_text(f"repository_url: {tmp_path / 'empty'}\n")
    ran = chainops("run", tmp_path, "--json")
    assert ran.code != 0
    assert ran.statuses()["source-checkout"] == "failed"
    assert "Traceback" not in ran.err


def test_an_unknown_ref_is_named(tmp_path: Path, counter: Callable[..., Path]) -> None:
    origin = counter(config=None)
    commit = ["git", "-c", "user.name=t", "-c", "user.email=t@example.org", "commit", "-qm", "x"]
    for command in (["git", "init", "-q", "-b", "main"], ["git", "add", "."], commit):
        subprocess.run(command, cwd=origin, check=True)
    work = tmp_path / "work"
    work.mkdir()
    (work / "chainops.yaml").write_text(f"repository_url: {origin}\nref: mian\n")
    ran = chainops("run", work, "--json")
    checkout = ran.stage("source-checkout")
    assert checkout["status"] == "failed"
    assert "mian" in checkout["reason"]
    assert "main" in checkout["hint"]


@pytest.mark.parametrize(
    ("body", "exit_code"),
    [
        ("printf '\\377\\376 not text'; exit 0\n", 3),
        ("printf '{\"errors\": ['; exit 0\n", 3),
        ("kill -9 $$\n", 3),
    ],
    ids=["invalid UTF-8", "truncated JSON", "killed"],
)
def test_a_tool_that_breaks_is_a_failure_of_the_machine(
    body: str, exit_code: int, counter: Callable[..., Path], tmp_path: Path
) -> None:
    project = counter(config=ONLY_COMPILATION + "tools: {forge: system}\n")
    ran = chainops("run", project, "--json", env=fake_forge(tmp_path / "bin", body))
    assert ran.code == exit_code, ran.err
    assert ran.statuses()["compilation"] == "failed"
    assert ran.statuses()["contract-deploy"] == "skipped"


def test_a_tool_that_says_nothing_is_stopped_at_the_time_limit(
    counter: Callable[..., Path], tmp_path: Path
) -> None:
    config = ONLY_COMPILATION.replace("{dependency", "{compilation: {timeout_s: 1}, dependency")
    project = counter(config=config + "tools: {forge: system}\n")
    env = fake_forge(tmp_path / "bin", f"sleep 3600 & echo $! > {tmp_path}/pid; sleep 3600\n")
    ran = chainops("run", project, "--json", env=env)
    assert ran.code == 3
    assert "time limit" in ran.stage("compilation")["reason"]
    assert not is_running(int((tmp_path / "pid").read_text()))


def test_a_tool_that_prints_200_mb_does_not_fill_the_log(
    counter: Callable[..., Path], tmp_path: Path
) -> None:
    project = counter(config=ONLY_COMPILATION + "tools: {forge: system}\n")
    env = fake_forge(tmp_path / "bin", "yes 'a line that does not end' | head -c 200000000; exit 1\n")
    ran = chainops("run", project, "--json", env=env)
    assert ran.code in (1, 3)
    assert ran.statuses()["compilation"] == "failed"
    logs = sum(p.stat().st_size for p in project.glob(".chainops/runs/*/*/*.log"))
    assert logs < 40_000_000


def test_without_a_network_the_install_says_so(counter: Callable[..., Path]) -> None:
    project = counter(config="quality_gates: {max_contract_size: 24576}\n")
    (project / "package.json").write_text(
        '{"name": "x", "version": "1.0.0", "dependencies": {"solady": "0.1.26"}}'
    )
    (project / "package-lock.json").write_text(json.dumps(LOCKFILE))
    nowhere = "http://127.0.0.1:9/"
    ran = chainops(
        "run", project, "--json", env={"npm_config_registry": nowhere, "npm_config_fetch_retries": "0"}
    )
    assert ran.code == 3, ran.out
    assert ran.statuses()["dependency-install"] == "failed"
    assert "registry cannot be reached" in (
        ran.stage("dependency-install")["reason"] + ran.stage("dependency-install")["hint"]
    )


LOCKFILE = {
    "name": "x",
    "version": "1.0.0",
    "lockfileVersion": 3,
    "requires": True,
    "packages": {
        "": {"name": "x", "version": "1.0.0", "dependencies": {"solady": "0.1.26"}},
        "node_modules/solady": {"version": "0.1.26", "integrity": "sha512-" + "A" * 86 + "=="},
    },
}


def test_a_second_run_in_the_workspace_is_refused(counter: Callable[..., Path], tmp_path: Path) -> None:
    project = counter(config=ONLY_COMPILATION + "tools: {forge: system}\n")
    with going_on(project, tmp_path):
        second = chainops("run", project)
        assert second.code == 3
        assert_clear(second.err, "RUN301")


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_is_cancelled_and_leaves_no_process(
    sign: signal.Signals, counter: Callable[..., Path], tmp_path: Path
) -> None:
    project = counter(config=ONLY_COMPILATION + "tools: {forge: system}\n")
    with going_on(project, tmp_path) as run:
        run.send_signal(sign)
        out, err = run.communicate(timeout=30)
    assert run.returncode == 130, err
    result = json.loads(out)
    assert result["status"] == "cancelled"
    statuses = {s["name"]: s["status"] for s in result["stages"]}
    assert statuses["source-checkout"] == "success"
    assert statuses["compilation"] == "cancelled"
    assert not is_running(int((tmp_path / "pid").read_text()))


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_before_the_run_has_begun_is_a_cancellation_too(
    sign: signal.Signals, counter: Callable[..., Path], tmp_path: Path
) -> None:
    os.mkfifo(tmp_path / "config.yaml")
    run = subprocess.Popen(
        [CHAINOPS, "run", str(counter()), "--config", str(tmp_path / "config.yaml")],
        env=environment(),
        stderr=subprocess.PIPE,
    )
    with (tmp_path / "config.yaml").open("w"):  # blocks until the config is being read
        run.send_signal(sign)
        _, err = run.communicate(timeout=30)
    assert (run.returncode, err) == (130, b"")


@contextlib.contextmanager
def going_on(project: Path, tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Yield a run whose compiler has started and will not end by itself."""
    os.mkfifo(tmp_path / "started")
    body = f"setsid sleep 3600 & echo $! > {tmp_path}/pid; echo up > {tmp_path}/started; sleep 3600\n"
    run = subprocess.Popen(
        [CHAINOPS, "run", str(project), "--json"],
        env=environment(fake_forge(tmp_path / "bin", body)),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        assert (tmp_path / "started").read_text() == "up\n"  # blocks until the tool writes
        yield run
    finally:
        if run.poll() is None:
            run.send_signal(signal.SIGINT)
            run.communicate(timeout=30)


def test_a_workspace_that_cannot_hold_state_is_named(counter: Callable[..., Path]) -> None:
    project = counter(config=COUNTER_CONFIG)
    (project / ".chainops").write_text("in the way")
    ran = chainops("run", project)
    assert ran.code == 3
    assert ".chainops" in ran.err
    assert "Traceback" not in ran.err


def test_a_full_disk_is_named_and_keeps_what_is_recorded(
    counter: Callable[..., Path], tmp_path: Path
) -> None:
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=300k", "tmpfs", str(small)], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip("a file system of a limited size needs the right to mount one")
    try:
        project = counter(config=COUNTER_CONFIG)
        (project / ".chainops").symlink_to(small)
        ran = chainops("run", project)
        assert ran.code == 3
        assert "full" in (ran.out + ran.err).lower() or "space" in (ran.out + ran.err).lower()
        assert "Traceback" not in ran.err
    finally:
        subprocess.run(["umount", str(small)], check=True)


def test_without_debug_nothing_shows_a_traceback_and_with_it_one_is_there(tmp_path: Path) -> None:
    assert "Traceback" not in chainops("run", tmp_path / "x").err
    assert "Traceback" in chainops("--debug", "run", tmp_path / "x").err
