"""Opens the cache of a run: where it lies, which of its entries this run may trust, what each stage reads."""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chainops.app.options import RunOptions
from chainops.core.files import disk_errors, write_atomic
from chainops.core.globs import matches_glob
from chainops.core.hashing import digest_json
from chainops.pipeline.cache.digests import FileDigests
from chainops.pipeline.cache.prune import Limits
from chainops.pipeline.cache.settings import CacheSettings, age_s, size_bytes
from chainops.pipeline.cache.stage import AlwaysRuns, CachedStage, StageCache
from chainops.pipeline.cache.store import CacheStore
from chainops.pipeline.model import RunRecord, StageNode
from chainops.pipeline.ports import Stage
from chainops.stages.common import (
    COMPILATION,
    CONTRACT_DEPLOY,
    DEPENDENCY_INSTALL,
    INTEGRATION_TESTS,
    PRODUCTION_DEPLOY,
    SECURITY_SCAN,
    SMOKE_TESTS,
    SOURCE_CHECKOUT,
    STATIC_ANALYSIS,
    UNIT_TESTS,
)

if TYPE_CHECKING:
    from chainops.app.config import LoadedConfig
    from chainops.artifacts.manifest import FileManifest
    from chainops.artifacts.store import LocalArtifactStore
    from chainops.stages.stage_reads import ReadsBase, ReadsSettings

TRUSTED = "trusted"
_ALWAYS = {
    SOURCE_CHECKOUT: "it finds out what has changed",
    DEPENDENCY_INSTALL: "it looks at what is installed, and installs what is missing",
    CONTRACT_DEPLOY: "deployments are never taken from the cache",
    SMOKE_TESTS: "tests of what is deployed are never taken from the cache",
    PRODUCTION_DEPLOY: "deployments are never taken from the cache",
}
_MAX_EVENT_BYTES = 8 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """Whose entries a run reads, and for whom it writes. An empty `scope` neither reads nor writes."""

    scope: str

    @property
    def reads(self) -> tuple[str, ...]:
        """Scopes to read: one's own, then what everybody may read; a trusted run never reads another's."""
        return tuple(dict.fromkeys((self.scope, TRUSTED))) if self.scope else ()


def find_trust(settings: CacheSettings, env: Mapping[str, str], *, branch: str, tag: str, ref: str) -> Trust:
    """Return how far a run is trusted.

    A pull or merge request is not, whoever opened it; its scope is its number, because two forks may call
    their branches the same. `ref` is the configured one of a clone: it is what is built, whatever CI says.
    """
    request = _request(env) if not ref else _request_ref(ref)
    if request is not None:
        return Trust(scope=request and f"request {request}")
    name = ref.removeprefix("refs/heads/").removeprefix("refs/tags/") or branch or tag
    if settings.trusted_refs is None:
        if not ref and _is_unknown_ci(env):  # which may build a request without our knowing
            return Trust(scope=name and f"ref {name}")
        return Trust(scope=TRUSTED)
    if name and any(matches_glob(name, glob) for glob in settings.trusted_refs):
        return Trust(scope=TRUSTED)
    return Trust(scope=name and f"ref {name}")


def _request(env: Mapping[str, str]) -> str | None:
    """Return the pull or merge request that CI builds; None when it builds none, empty when it is unknown."""
    if env.get("GITHUB_ACTIONS") == "true":
        event = env.get("GITHUB_EVENT_NAME", "")
        if event == "workflow_run":  # runs for branches, with the code of whatever request set it off
            return ""
        if not event.startswith("pull_request"):
            return None
        return _request_ref(env.get("GITHUB_REF", "")) or _number(env.get("GITHUB_EVENT_PATH", ""))
    if env.get("GITLAB_CI") == "true":
        names = {
            "merge_request_event": "CI_MERGE_REQUEST_IID",
            "external_pull_request_event": "CI_EXTERNAL_PULL_REQUEST_IID",
        }
        name = names.get(env.get("CI_PIPELINE_SOURCE", ""))
        return env.get(name, "") if name else None
    return env.get("CHANGE_ID") or env.get("BITBUCKET_PR_ID") or None


def _is_unknown_ci(env: Mapping[str, str]) -> bool:
    known = ("GITHUB_ACTIONS", "GITLAB_CI", "JENKINS_URL", "BITBUCKET_BUILD_NUMBER")
    return env.get("CI", "").lower() in ("true", "1") and not any(env.get(name) for name in known)


def _request_ref(ref: str) -> str | None:
    parts = ref.removeprefix("refs/").split("/")
    known = parts[0] in ("pull", "merge-requests", "pull-requests") and len(parts) > 1
    return parts[1] if known else None


def _number(path: str) -> str:
    """Return a pull request's number as GitHub's event tells it, empty when it does not."""
    from chainops.core.recursion import recursion_bounded

    file = Path(path)
    try:
        if not path or file.stat().st_size > _MAX_EVENT_BYTES:
            return ""
        with recursion_bounded():
            event = json.loads(file.read_bytes())
    except (OSError, ValueError, RecursionError):
        return ""
    number = event.get("number") if isinstance(event, dict) else None
    return str(number) if isinstance(number, int) else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPolicy:
    """What this run may take from the cache. Implements `CachePolicy`."""

    trust: Trust
    no_cache: bool
    #: whether the run is going to deploy to production
    produces: Callable[[], bool]
    #: whether somebody asked to run the stage again
    reopened: Callable[[str], bool] = lambda _: False

    def reads(self) -> tuple[str, ...]:
        """See `CachePolicy.reads`."""
        return self.trust.reads

    def writes(self) -> str:
        """See `CachePolicy.writes`."""
        return self.trust.scope

    def why_not_read(self, stage: str) -> str:
        """See `CachePolicy.why_not_read`."""
        if self.no_cache:
            return "--no-cache"
        if self.reopened(stage):
            return "it is run again on request"
        if not self.trust.scope:
            return "it is not known which ref this run builds, so nothing can be trusted"
        return "a run that deploys to production takes nothing from the cache" if self.produces() else ""


def cache_path(workspace: Path, settings: CacheSettings) -> Path:
    """Return the folder of a workspace's cache."""
    return workspace / (settings.path or ".chainops/cache")


def cache_limits(settings: CacheSettings) -> Limits:
    """Return the limits that the config sets."""
    return Limits(
        max_size_bytes=size_bytes(settings.max_size) if settings.max_size else None,
        max_age_s=age_s(settings.max_age) if settings.max_age else None,
    )


class StageCaching:
    """Puts the cache before the stages of one run."""

    def __init__(
        self,
        loaded: LoadedConfig,
        *,
        workspace: Path,
        options: RunOptions,
        env: Mapping[str, str],
        status: Callable[[], RunRecord | None],
        store: LocalArtifactStore,
        manifest: FileManifest,
    ) -> None:
        self._loaded = loaded
        self._workspace = workspace.absolute()
        self._options = options
        self._env = env
        self._status = status
        self._artifacts = store
        self._manifest = manifest
        self._shared: tuple[StageCache, Callable[[str], str], Callable[[], str]] | None = None

    def around(self, node: StageNode, stage: Stage, *, loaded: LoadedConfig | None = None) -> Stage:
        """Return the stage with the cache before it; `loaded` are the settings of its cell."""
        if not self._loaded.config.cache.enabled:
            return AlwaysRuns(stage, "the cache is off (`cache: {enabled: false}`)")
        if node.stage in _ALWAYS:
            return AlwaysRuns(stage, _ALWAYS[node.stage])
        return CachedStage(
            stage=stage, reads=self._reads(node.stage, loaded or self._loaded), cache=self.shared
        )

    @property
    def shared(self) -> StageCache:
        """What all cached stages of the run share, opened when it is first asked for."""
        return self._opened()[0]

    def _reads(self, stage: str, loaded: LoadedConfig) -> ReadsBase:
        from chainops.stages import stage_reads

        kinds: dict[str, type[ReadsBase]] = {
            COMPILATION: stage_reads.CompilationReads,
            UNIT_TESTS: stage_reads.UnitTestsReads,
            STATIC_ANALYSIS: stage_reads.StaticAnalysisReads,
            SECURITY_SCAN: stage_reads.SecurityScanReads,
            INTEGRATION_TESTS: stage_reads.IntegrationTestsReads,
        }
        return kinds[stage](self._settings(loaded))

    def _settings(self, loaded: LoadedConfig) -> ReadsSettings:
        from chainops.stages.stage_reads import ReadsSettings
        from chainops.toolchains.adapters.foundry_reads import compiled_sources

        shared, tools, own_code = self._opened()
        config = loaded.config
        return ReadsSettings(
            foundry=config.foundry,
            analysis=config.analysis,
            env=loaded.environment,
            tools=tools,
            compiled=compiled_sources,
            keyed=lambda value: keyed_digest(shared.store.secret(), value),
            own_code=own_code,
            fork_url=config.stage_options(INTEGRATION_TESTS).fork_url,
        )

    def _opened(self) -> tuple[StageCache, Callable[[str], str], Callable[[], str]]:
        if self._shared is None:
            self._shared = self._open()
        return self._shared

    def _open(self) -> tuple[StageCache, Callable[[str], str], Callable[[], str]]:
        from chainops.app.facts import run_facts
        from chainops.artifacts.run import RunArtifacts
        from chainops.core.clock import SystemClock
        from chainops.stages.project_reads import MARKS
        from chainops.tools.cache import default_cache_dir
        from chainops.tools.identity import ToolIdentities

        config = self._loaded.config
        digests = FileDigests(self._workspace / ".chainops" / "digests.json", MARKS)
        # programs are large and the same for all workspaces: read once, and nothing is looked for in them
        programs = FileDigests(default_cache_dir(self._env) / "digests.json")
        facts = run_facts(self._workspace, config, self._env)
        ref = config.ref if config.repository_url else ""
        trust = find_trust(config.cache, self._env, branch=facts.branch, tag=facts.tag, ref=ref)
        shared = StageCache(
            store=CacheStore(cache_path(self._workspace, config.cache)),
            digests=digests,
            artifacts=self._artifacts,
            adopt=lambda context, artifact: RunArtifacts(
                store=self._artifacts, manifest=self._manifest, stage=context.stage
            ).adopt(artifact),
            policy=RunPolicy(
                trust=trust,
                no_cache=self._options.no_cache,
                produces=self._produces,
                reopened=lambda stage: is_reopened(self._status(), stage),
            ),
            masker=self._loaded.masker,
            clock=SystemClock(),
            limits=cache_limits(config.cache),
        )
        tools = ToolIdentities(
            overrides=config.tools.overrides(), digest=lambda path: program_digest(programs, path)
        )
        return shared, cache(tools.of), cache(lambda: own_code_digest(programs))

    def _produces(self) -> bool:
        """Whether production-deploy is going to do something in this run."""
        if not any(n.production for n in self._loaded.networks.values()) or self._loaded.manifest is None:
            return False
        run = self._status()
        if run is None:
            return not self._options.no_production
        nodes = (s.node for s in run.stages if s.node.stage == PRODUCTION_DEPLOY)
        return any(not node.skip_reason for node in nodes)


def takes_nothing(workspace: Path, run_id: str, options: RunOptions) -> bool:
    """Whether `--no-cache` was said of this run, now or when it began. Raises `DiskError`."""
    note = workspace / ".chainops" / "runs" / run_id / "no-cache"
    if options.no_cache and not note.is_file():
        with disk_errors(note):
            note.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(note, b"")
    return note.is_file()


def is_reopened(run: RunRecord | None, stage: str) -> bool:
    """Whether somebody asked to run a stage, or one of its cells, again in this run."""
    stages = run.stages if run else ()
    return any(s.earlier > 0 and stage in (s.node.name, s.node.stage) for s in stages)


def keyed_digest(secret: bytes, value: str) -> str:
    """Return a digest that tells nothing of a short value to whoever does not have the cache's key."""
    return "hmac-sha256:" + hmac.new(secret, value.encode("utf-8", "surrogateescape"), "sha256").hexdigest()


def program_digest(programs: FileDigests, path: Path) -> str:
    """Return a program's digest, and keep it for other workspaces."""
    digest = programs.of(path).digest
    programs.save()
    return digest


def own_code_digest(digests: FileDigests) -> str:
    """Return a digest over chainops' own code: another version may find something else."""
    import chainops

    folder = Path(chainops.__file__).parent
    files = sorted(
        p for p in folder.rglob("*") if p.suffix in (".py", ".json") and "__pycache__" not in p.parts
    )
    held: dict[str, Any] = {p.relative_to(folder).as_posix(): digests.of(p).digest for p in files}
    digests.save()
    return digest_json(held)
