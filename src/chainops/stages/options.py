"""What can be set under `stages.<name>.options`; apart from the stages, so that a config loads quickly."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import BaseModel, ConfigDict, Field

from chainops.stages.common import DEPENDENCY_INSTALL, INTEGRATION_TESTS, SOURCE_CHECKOUT


class _Options(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)
    entry_name: ClassVar[str] = "option"


class SourceCheckoutOptions(_Options):
    """How sources are fetched."""

    submodules: Annotated[
        bool, Field(description="Fetch the submodules of a clone, nested ones included.")
    ] = True
    depth: Annotated[
        int, Field(ge=0, le=1_000_000, description="Commits of history to clone; 0 for all of it.")
    ] = 1
    require_clean: Annotated[
        bool, Field(description="Fail when the local tree has changes that are not committed.")
    ] = False


class DependencyInstallOptions(_Options):
    """How dependencies are installed."""

    allow_scripts: Annotated[
        list[str],
        Field(description="npm packages whose install scripts may run; all others may not."),
    ] = []
    allow_unlocked: Annotated[
        bool, Field(description="Install from package.json when there is no lockfile (not reproducible).")
    ] = False
    submodules: Annotated[bool, Field(description="Fetch Git submodules whose folders are empty.")] = True
    allow_npmrc: Annotated[
        bool,
        Field(
            description="Trust the project's .npmrc even when it names programs or takes values from the "
            "environment."
        ),
    ] = False
    python: Annotated[
        bool,
        Field(description="Install requirements.txt (with hashes) into an environment of the workspace."),
    ] = False
    check_imports: Annotated[
        bool, Field(description="Look for imports that lead nowhere before compiling.")
    ] = True


class IntegrationTestsOptions(_Options):
    """Which chain the integration tests meet."""

    fork_url: Annotated[
        str,
        Field(description="Test against a fork of this chain: a URL, or `secret://env/NAME` of one."),
    ] = ""
    fork_block: Annotated[int | None, Field(ge=0, description="Block to fork at; the latest by default.")] = (
        None
    )


#: stages that have options, by name; add a model here to give a stage some
STAGE_OPTIONS: dict[str, type[BaseModel]] = {
    SOURCE_CHECKOUT: SourceCheckoutOptions,
    DEPENDENCY_INSTALL: DependencyInstallOptions,
    INTEGRATION_TESTS: IntegrationTestsOptions,
}
