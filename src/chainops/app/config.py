"""The whole configuration: every room's section in one model, from chainops.yaml or by detection."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field, create_model

from chainops.analysis.settings import AnalysisSettings
from chainops.app.config_checks import check_literals, check_references, check_stages
from chainops.app.config_file import find_config, shown
from chainops.app.database import DatabaseChoice, check_database, choose_database, public_database
from chainops.app.matrix_checks import check_matrices
from chainops.app.network_checks import check_networks
from chainops.chains.settings import EMBEDDED, NetworksSection
from chainops.core.config_text import Check, Document, document_from, load_document, validate
from chainops.core.errors import InputError
from chainops.core.references import Resolver
from chainops.core.secrets import Masker, git_url_secrets, mask_git_url, mask_url
from chainops.deploy.settings import DeploySection, SmokeSection
from chainops.pipeline.cache.settings import CacheSettings
from chainops.pipeline.settings import PipelineSettings, StageSettings
from chainops.project.settings import ProjectSettings
from chainops.quality.settings import QualityGatesSettings
from chainops.stages.common import STAGE_NAMES
from chainops.stages.options import STAGE_OPTIONS
from chainops.toolchains.settings import FoundrySettings
from chainops.tools.settings import ToolsSettings

if TYPE_CHECKING:
    from chainops.chains.model import Network
    from chainops.deploy.manifest import ManifestSource


class _Stages(BaseModel):
    """The stages by name; each field is made from the list of stages and their options."""

    model_config = ConfigDict(extra="forbid", defer_build=True)
    entry_name: ClassVar[str] = "stage"

    def items(self) -> Iterator[tuple[str, StageSettings]]:
        """Yield every stage's name and settings."""
        for name in STAGE_NAMES:
            yield name, getattr(self, _attribute(name))


def _attribute(stage: str) -> str:
    return stage.replace("-", "_")


def _stage_model(name: str) -> type[StageSettings]:
    options = STAGE_OPTIONS.get(name)
    if options is None:
        return StageSettings
    described = Field(description="Options of this stage.")
    title = "".join(part.title() for part in name.split("-")) + "Settings"
    fields: Any = {"options": (Annotated[options, described], Field(default_factory=options))}
    return create_model(title, __base__=StageSettings, __module__=__name__, **fields)


def _stages_model() -> type[_Stages]:
    fields: Any = {}
    for name in STAGE_NAMES:
        model = _stage_model(name)
        fields[_attribute(name)] = (model, Field(default_factory=model, alias=name))
    return create_model("Stages", __base__=_Stages, __module__=__name__, **fields)


if TYPE_CHECKING:
    Stages = _Stages  # what is made below has a field for each stage, and nothing that a checker could use
else:
    Stages = _stages_model()


class Config(PipelineSettings, ProjectSettings):
    """Everything that chainops.yaml can say."""

    model_config = ConfigDict(extra="forbid", title="chainops configuration", defer_build=True)

    stages: Annotated[Stages, Field(description="Settings of the ten stages, by name.")] = Field(
        default_factory=Stages
    )
    tools: Annotated[
        ToolsSettings, Field(description="Tools to take from this machine instead of the locked ones.")
    ] = Field(default_factory=ToolsSettings)
    foundry: Annotated[FoundrySettings, Field(description="How Foundry builds and tests.")] = Field(
        default_factory=lambda: FoundrySettings.model_validate({})
    )
    analysis: Annotated[
        AnalysisSettings, Field(description="Linters and analyzers, and the committed baseline.")
    ] = Field(default_factory=AnalysisSettings)
    quality_gates: Annotated[
        QualityGatesSettings, Field(description="What a run must measure up to before anything is deployed.")
    ] = Field(default_factory=QualityGatesSettings)
    cache: Annotated[
        CacheSettings, Field(description="Results of earlier runs, taken when nothing has changed.")
    ] = Field(default_factory=CacheSettings)
    database: Annotated[
        str,
        Field(
            description="Where runs are recorded: the URL of a PostgreSQL database, by reference when it has "
            "a password. Left out: SQLite, in `.chainops/state.db`. `CHAINOPS_DATABASE_URL` in the "
            "environment wins."
        ),
    ] = ""
    networks: Annotated[
        NetworksSection, Field(description="Networks by name; `embedded` is there without being declared.")
    ] = Field(default_factory=dict)
    target_network: Annotated[
        str, Field(description="Network of contract-deploy and smoke-tests, one of `networks`.")
    ] = EMBEDDED
    deploy: Annotated[
        DeploySection | None,
        Field(description="What to deploy: contracts and calls, a forge script, or a YAML file's path."),
    ] = None
    smoke_tests: Annotated[
        SmokeSection, Field(description="Calls to what was deployed, and what must come of them.")
    ] = Field(default_factory=list)

    def stage_settings(self) -> dict[str, StageSettings]:
        """Return the settings of every stage by its name."""
        return dict(self.stages.items())

    def stage_options(self, stage: str) -> Any:
        """Return a stage's options (its model in `stages.options`)."""
        return self.stage_settings()[stage].options

    def public(self, *, defaults: bool = False) -> dict[str, Any]:
        """Return what was set, with `defaults` everything, as JSON values.

        References stay references, and keys in URLs are masked.
        """
        values = self.model_dump(mode="json", by_alias=True, exclude_unset=not defaults)
        dumped: dict[str, Any] = _masked(values)
        if self.database and "database" in dumped:
            dumped["database"] = public_database(self.database)
        if self.repository_url and "repository_url" in dumped:
            dumped["repository_url"] = mask_git_url(self.repository_url)
        return dumped


def _masked(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _masked(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_masked(item) for item in value]
    if isinstance(value, str) and "://" in value and not value.startswith("secret://"):
        try:
            return mask_url(value)
        except ValueError:
            return "***"
    return value


@dataclass(frozen=True, kw_only=True)
class LoadedConfig:
    """A valid configuration with its places, and the means to resolve what it refers to."""

    config: Config
    document: Document
    workspace: Path
    #: the file that was read; None when everything was found by detection
    path: Path | None
    resolver: Resolver = field(repr=False)

    @property
    def masker(self) -> Masker:
        """The masker that knows every secret resolved so far."""
        return self.resolver.masker

    @cached_property
    def environment(self) -> dict[str, str]:
        """The variables for the project's code, resolved. Raises `InputErrors`."""
        return self.resolver.resolve_all(
            self.config.environment_vars, lambda name: self.document.place(("environment_vars", name))
        )

    @cached_property
    def database(self) -> DatabaseChoice:
        """The database of the runs. Raises `UnresolvedError`, `DatabaseUrlError`."""
        return choose_database(self.config.database, self.resolver, self.document.place(("database",)))

    @cached_property
    def networks(self) -> dict[str, Network]:
        """All networks by name, the embedded one included."""
        from chainops.chains.settings import networks_from

        return networks_from(self.config.networks)

    @cached_property
    def manifest(self) -> ManifestSource | None:
        """The deploy manifest, from its own file when the configuration names one. Raises `InputErrors`."""
        from chainops.deploy.manifest import load_manifest

        return load_manifest(self.config.deploy, self.document, networks=frozenset(self.networks))

    def recorded(self, *, defaults: bool = False) -> dict[str, Any]:
        """Return the public settings with the manifest in them, also when it has a file of its own."""
        values = self.config.public(defaults=defaults)
        if isinstance(self.config.deploy, str) and self.manifest:
            settings = self.manifest.settings
            values["deploy"] = settings.model_dump(mode="json", exclude_unset=not defaults)
        return values

    @cached_property
    def repository_url(self) -> str:
        """The URL to clone with its references resolved; empty for the local tree."""
        place = self.document.place(("repository_url",))
        url = self.resolver.resolve(self.config.repository_url, place, url_secrets=git_url_secrets)
        for secret in git_url_secrets(url):
            self.masker.add(secret)
        return url


def load_config(
    workspace: Path,
    *,
    path: Path | None = None,
    data: Mapping[str, Any] | None = None,
    env: Mapping[str, str] | None = None,
    resolve: bool = True,
) -> LoadedConfig:
    """Load `path`, or the file that `find_config` finds, or `data`; without any of them the defaults hold.

    `resolve=False` leaves references unchecked, for a machine that does not have the secrets. Raises
    `InputErrors` with every mistake and its place, `InputError` when the workspace is not a folder.
    """
    if not workspace.is_dir():
        raise InputError(f"{workspace} is not a folder", hint="give the folder of the project", code="CFG109")
    file = None if data is not None else (path or find_config(workspace))
    if file is not None:
        document = load_document(file, shown_as=shown(file))
    else:
        document = document_from(data or {}, base=workspace.absolute())
    environment = os.environ if env is None else env
    resolver = Resolver(env=environment, base=document.base)
    checks: list[Check] = [check_stages, check_networks, check_matrices, check_literals]
    checks.append(lambda given: check_database(given, resolver if resolve else None))
    if resolve:
        checks.append(lambda given: check_references(given, resolver))
    config = validate(Config, document, checks=checks)
    loaded = LoadedConfig(
        config=_named(config, workspace), document=document, workspace=workspace, path=file, resolver=resolver
    )
    if config.deploy is not None:
        _ = loaded.manifest  # its mistakes are the user's to see now, not after the tests
    return loaded


def _named(config: Config, workspace: Path) -> Config:
    """Fill in the names that a user need not give."""
    name = config.project_name or workspace.resolve().name or "project"
    updates: dict[str, Any] = {"project_name": name}
    if "pipeline_id" not in config.model_fields_set:
        slug = re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-._")[:64]
        updates["pipeline_id"] = slug or "pipeline"
    return config.model_copy(update=updates)


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of chainops.yaml, for editors."""
    schema = Config.model_json_schema(by_alias=True)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
