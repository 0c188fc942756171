"""Whose cached results a run takes, what a production run takes, and the command `cache`."""

from __future__ import annotations

import json
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from chainops.app.caching import (
    RunPolicy,
    StageCaching,
    Trust,
    find_trust,
    is_reopened,
    keyed_digest,
    own_code_digest,
    program_digest,
    takes_nothing,
)
from chainops.app.config import load_config
from chainops.app.options import RunOptions
from chainops.artifacts.runs import open_manifest, open_store
from chainops.cli.cache import app
from chainops.core.errors import InputErrors
from chainops.core.hashing import digest_file
from chainops.pipeline.cache.digests import FileDigests
from chainops.pipeline.cache.prune import GRACE_S, Limits, exceeds, measure, prune
from chainops.pipeline.cache.settings import CacheSettings
from chainops.pipeline.cache.stage import AlwaysRuns, CachedStage
from chainops.pipeline.cache.store import CacheStore
from chainops.pipeline.model import RunRecord, RunStatus, StageNode, StageRecord, StageStatus
from chainops.tools.identity import ToolIdentities
from unit.pipeline.cache.scripted import Bench, Forge, Scripted, make_project, taken

GITHUB = {"GITHUB_ACTIONS": "true"}
GITLAB = {"GITLAB_CI": "true"}


def trust(
    env: dict[str, str],
    settings: CacheSettings | None = None,
    *,
    branch: str = "",
    tag: str = "",
    ref: str = "",
) -> Trust:
    return find_trust(settings or CacheSettings(), env, branch=branch, tag=tag, ref=ref)


def test_a_run_at_home_or_of_a_branch_is_trusted() -> None:
    assert trust({}, branch="main").scope == "trusted"
    assert trust({}).reads == ("trusted",)
    assert trust({**GITHUB, "GITHUB_EVENT_NAME": "push"}, branch="feature").scope == "trusted"


def test_a_request_is_read_by_itself_alone_whatever_its_branch_is_called(tmp_path: Path) -> None:
    request = {**GITHUB, "GITHUB_EVENT_NAME": "pull_request", "GITHUB_REF": "refs/pull/12/merge"}
    assert trust(request, branch="main") == Trust(scope="request 12")
    assert trust(request, branch="main").reads == ("request 12", "trusted")
    event = tmp_path / "event.json"
    event.write_text('{"number": 7}')
    target = {**GITHUB, "GITHUB_EVENT_NAME": "pull_request_target", "GITHUB_REF": "refs/heads/main"}
    assert trust({**target, "GITHUB_EVENT_PATH": str(event)}, branch="main").scope == "request 7"
    merge = {**GITLAB, "CI_PIPELINE_SOURCE": "merge_request_event", "CI_MERGE_REQUEST_IID": "3"}
    assert trust(merge, branch="main").scope == "request 3"


@pytest.mark.parametrize("event", [b"", b"{", b"[]", b'{"number": "x"}'])
def test_a_request_without_a_number_reads_and_writes_nothing(tmp_path: Path, event: bytes) -> None:
    file = tmp_path / "event.json"
    file.write_bytes(event)
    target = {**GITHUB, "GITHUB_EVENT_NAME": "pull_request_target", "GITHUB_EVENT_PATH": str(file)}
    found = trust(target, branch="main")
    assert (found.scope, found.reads) == ("", ())
    policy = RunPolicy(trust=found, no_cache=False, produces=lambda: False)
    assert "not known which ref" in policy.why_not_read("unit-tests")


@pytest.mark.parametrize(
    ("env", "scope"),
    [
        ({**GITLAB, "CI_PIPELINE_SOURCE": "external_pull_request_event"}, ""),
        (
            {
                **GITLAB,
                "CI_PIPELINE_SOURCE": "external_pull_request_event",
                "CI_EXTERNAL_PULL_REQUEST_IID": "8",
            },
            "request 8",
        ),
        ({**GITLAB, "CI_PIPELINE_SOURCE": "push"}, "trusted"),
        ({"JENKINS_URL": "http://ci", "CHANGE_ID": "4"}, "request 4"),
        ({"JENKINS_URL": "http://ci", "CI": "true"}, "trusted"),
        ({"CI": "true", "BITBUCKET_BUILD_NUMBER": "1", "BITBUCKET_PR_ID": "5"}, "request 5"),
        ({"CI": "true", "BITBUCKET_BUILD_NUMBER": "1"}, "trusted"),
        ({**GITHUB, "GITHUB_EVENT_NAME": "workflow_run"}, ""),
        ({"CI": "true"}, "ref main"),
        ({"CI": "1", "CIRCLECI": "true"}, "ref main"),
    ],
)
def test_requests_of_other_systems_are_not_trusted(env: dict[str, str], scope: str) -> None:
    assert trust(env, branch="main").scope == scope
    if env.get("CI") and scope == "ref main":
        assert trust(env).scope == ""
        assert trust(env, CacheSettings(trusted_refs=["main"]), branch="main").scope == "trusted"


def test_a_cloned_ref_is_what_is_trusted() -> None:
    assert trust({}, branch="main", ref="refs/pull/5/head").scope == "request 5"
    settings = CacheSettings(trusted_refs=["main", "release/*"])
    assert trust({}, settings, ref="release/1").scope == "trusted"
    assert trust({}, settings, branch="main", ref="other").scope == "ref other"


def test_trusted_refs_leave_the_others_to_themselves() -> None:
    settings = CacheSettings(trusted_refs=["main", "v*"])
    assert trust({}, settings, branch="main").scope == "trusted"
    assert trust({}, settings, tag="v1").scope == "trusted"
    assert trust({}, settings, branch="feature").reads == ("ref feature", "trusted")
    assert trust({}, settings).scope == ""


def test_a_production_run_and_no_cache_take_nothing() -> None:
    trusted = Trust(scope="trusted")
    assert "production" in RunPolicy(trust=trusted, no_cache=False, produces=lambda: True).why_not_read(
        "unit-tests"
    )
    assert (
        RunPolicy(trust=trusted, no_cache=True, produces=lambda: False).why_not_read("unit-tests")
        == "--no-cache"
    )
    free = RunPolicy(trust=trusted, no_cache=False, produces=lambda: False)
    assert (free.why_not_read("unit-tests"), free.reads(), free.writes()) == ("", ("trusted",), "trusted")


def test_the_settings_tell_their_mistakes(tmp_path: Path) -> None:
    wrong = {"max_size": "lots", "max_age": "soon", "trusted_refs": [" "], "enabledd": True}
    with pytest.raises(InputErrors) as caught:
        load_config(tmp_path, data={"cache": wrong})
    text = str(caught.value)
    for part in ("`lots` is not a size", "`soon` is not an age", "a branch, a tag", "enabledd"):
        assert part in text
    assert load_config(tmp_path, data={"cache": {"max_size": 5}}).config.cache.max_size == "5"


def test_short_secrets_cannot_be_guessed_from_the_key(tmp_path: Path) -> None:
    one, two = CacheStore(tmp_path / "a"), CacheStore(tmp_path / "b")
    assert keyed_digest(one.secret(), "1234") == keyed_digest(CacheStore(tmp_path / "a").secret(), "1234")
    assert keyed_digest(one.secret(), "1234") != keyed_digest(two.secret(), "1234")
    assert (one.root / "key").stat().st_mode & 0o777 == 0o600
    (one.root / "key").write_bytes(b"cut")
    assert len(one.secret()) == 32


def test_stages_that_begin_side_by_side_get_the_same_key(tmp_path: Path) -> None:
    with ThreadPoolExecutor(16) as pool:
        for number in range(20):
            store = CacheStore(tmp_path / str(number))
            assert len({f.result() for f in [pool.submit(store.secret) for _ in range(16)]}) == 1


@pytest.mark.parametrize("path", ["/", ".", "./", "..", ".chainops", "src", "./test/cache", "lib/x"])
def test_a_cache_lies_in_a_folder_of_its_own(tmp_path: Path, path: str) -> None:
    with pytest.raises(InputErrors) as raised:
        load_config(tmp_path, data={"cache": {"path": path}})
    assert "such as ci-cache" in raised.value.errors[0].hint
    assert load_config(tmp_path, data={"cache": {"path": "../ci-cache"}}).config.cache.path == "../ci-cache"


def test_tools_are_told_apart_without_being_started(tmp_path: Path) -> None:
    digests = FileDigests(tmp_path / "digests.json")
    locked = ToolIdentities(overrides={"node": "locked"}, digest=lambda p: digests.of(p).digest)
    assert locked.of("forge") != locked.of("anvil")
    assert locked.of("node") in locked.of("solc")
    script, binary = tmp_path / "slither", tmp_path / "forge"
    script.write_text("#!/bin/sh\n")
    binary.write_bytes(b"\x7fELF")
    for path in (script, binary):
        path.chmod(0o755)
    before = os.environ["PATH"]
    os.environ["PATH"] = f"{tmp_path}"
    try:
        own = ToolIdentities(
            overrides={"slither": "system", "forge": "system", "anvil": "system"},
            digest=lambda p: digests.of(p).digest,
        )
        assert (own.of("slither"), own.of("anvil")) == ("", "")
        assert own.of("forge") == digests.of(binary).digest
        assert ToolIdentities(overrides={}, digest=lambda _: "").of("node") == locked.of("node")
    finally:
        os.environ["PATH"] = before


def test_our_own_code_has_a_digest(tmp_path: Path) -> None:
    digests = FileDigests(tmp_path / "digests.json")
    assert own_code_digest(digests) == own_code_digest(digests)


def test_a_program_is_read_once_for_all_workspaces(tmp_path: Path) -> None:
    program, kept = Path(sys.executable).resolve(), tmp_path / "user" / "digests.json"
    digest = program_digest(FileDigests(kept), program)
    assert digest in kept.read_text()
    assert program_digest(FileDigests(kept), program) == digest == digest_file(program)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return make_project(tmp_path)


def run(bench: Bench, *arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, [*arguments, "--workspace", str(bench.workspace)])
    return result.exit_code, result.output


def test_info_says_what_there_is(bench: Bench) -> None:
    assert "0 results" in run(bench, "info")[1]
    bench.run()
    code, text = run(bench, "info", "--json")
    found = json.loads(text)
    assert code == 0
    assert (found["entries"], found["stages"]["unit-tests"], found["damaged"]) == (5, 1, 0)
    assert found["size_bytes"] > 0
    next(iter(bench.store.entry_files())).write_bytes(b"x")
    assert "damaged: 1" in run(bench, "info")[1]


def test_prune_keeps_what_was_used_last(bench: Bench) -> None:
    bench.run()
    old = {path: number for number, path in enumerate(sorted(bench.store.entry_files()))}
    for path, number in old.items():
        os.utime(path, (1_000_000 + number, 1_000_000 + number))
    done = prune(bench.store, Limits(max_age_s=2), now_s=1_000_004)
    assert done.entries == 2
    assert run(bench, "prune", "--max-age", "1d")[1].startswith("3 results removed")
    assert run(bench, "prune")[1].startswith("0 results removed")
    assert bench.run().keys()
    code, text = run(bench, "prune", "--all", "--json")
    assert json.loads(text)["size_bytes"] == 0
    assert code == 0
    assert not taken(bench.run())


def test_prune_by_size_leaves_bytes_that_a_writer_is_about_to_name(bench: Bench) -> None:
    bench.run()
    assert exceeds(bench.store, Limits(max_size_bytes=1))
    assert exceeds(bench.store, Limits(max_age_s=0))
    assert not exceeds(bench.store, Limits(max_age_s=1e6))
    held = measure(bench.store).size_bytes
    done = prune(bench.store, Limits(max_size_bytes=1))
    assert done.entries == 5
    assert measure(bench.store).size_bytes > 0
    left = prune(bench.store, Limits(), now_s=time.time() + GRACE_S + 1)
    assert left.size_bytes > 0
    assert measure(bench.store).size_bytes == 0 < held


def test_prune_refuses_what_is_no_size(bench: Bench) -> None:
    result = CliRunner().invoke(app, ["prune", "--max-size", "much", "-w", str(bench.workspace)])
    assert "`much` is not a size" in str(result.exception)


PRODUCTION = {
    "networks": {"live": {"kind": "embedded", "chain_id": 31338, "production": True}},
    "deploy": {"contracts": [{"contract": "Vault"}]},
}


def caching(folder: Path, data: dict[str, Any], *, no_production: bool = False) -> StageCaching:
    return StageCaching(
        load_config(folder, data=data),
        workspace=folder,
        options=RunOptions(no_production=no_production),
        env={},
        status=lambda: None,
        store=open_store(folder),
        manifest=open_manifest(folder, "r"),
    )


def policy_of(found: StageCaching) -> str:
    return found.shared.policy.why_not_read("unit-tests")


def test_a_run_that_is_going_to_deploy_to_production_rebuilds(tmp_path: Path) -> None:
    assert "deploys to production" in policy_of(caching(tmp_path, PRODUCTION))
    assert policy_of(caching(tmp_path, PRODUCTION, no_production=True)) == ""
    assert policy_of(caching(tmp_path, {"deploy": PRODUCTION["deploy"]})) == ""


def test_stages_that_are_never_cached_and_a_cache_that_is_off_say_why(tmp_path: Path) -> None:
    stage = Scripted("contract-deploy", Forge(tmp_path))
    node = StageNode(name="contract-deploy")
    assert isinstance(caching(tmp_path, {}).around(node, stage), AlwaysRuns)
    off = caching(tmp_path, {"cache": {"enabled": False}})
    assert isinstance(off.around(StageNode(name="unit-tests"), stage), AlwaysRuns)
    on = caching(tmp_path, {})
    assert isinstance(on.around(StageNode(name="unit-tests"), stage), CachedStage)


def run_with(*, earlier: int) -> RunRecord:
    tests = StageRecord(
        node=StageNode(name="unit-tests[a=1]", cell={"a": "1"}), status=StageStatus.PENDING, earlier=earlier
    )
    build = StageRecord(node=StageNode(name="compilation"), status=StageStatus.SUCCESS)
    return RunRecord(
        run_id="r",
        pipeline_id="p",
        project_name="n",
        status=RunStatus.RUNNING,
        started_at=datetime(2026, 1, 1, tzinfo=UTC),
        ended_at=None,
        workspace=Path("/w"),
        stages=(build, tests),
    )


def test_a_stage_that_is_run_again_on_request_takes_nothing() -> None:
    policy = RunPolicy(
        trust=Trust(scope="trusted"),
        no_cache=False,
        produces=lambda: False,
        reopened=lambda stage: is_reopened(run_with(earlier=1), stage),
    )
    assert policy.why_not_read("unit-tests") == "it is run again on request"
    assert (policy.why_not_read("compilation"), policy.writes()) == ("", "trusted")
    assert not is_reopened(run_with(earlier=0), "unit-tests")
    assert not is_reopened(None, "unit-tests")


def test_no_cache_holds_for_the_whole_run(tmp_path: Path) -> None:
    assert not takes_nothing(tmp_path, "a", RunOptions())
    assert takes_nothing(tmp_path, "a", RunOptions(no_cache=True))
    assert takes_nothing(tmp_path, "a", RunOptions())
    assert not takes_nothing(tmp_path, "b", RunOptions())
