"""What several stages read from the outcomes before them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from chainops.core.text import folder_name
from chainops.pipeline.matrix import cell_name
from chainops.pipeline.model import StageContext

SOURCE_CHECKOUT = "source-checkout"
DEPENDENCY_INSTALL = "dependency-install"
COMPILATION = "compilation"
UNIT_TESTS = "unit-tests"
STATIC_ANALYSIS = "static-analysis"
SECURITY_SCAN = "security-scan"
INTEGRATION_TESTS = "integration-tests"
CONTRACT_DEPLOY = "contract-deploy"
SMOKE_TESTS = "smoke-tests"
PRODUCTION_DEPLOY = "production-deploy"

#: the ten stages in their usual order
STAGE_NAMES = (
    SOURCE_CHECKOUT,
    DEPENDENCY_INSTALL,
    COMPILATION,
    UNIT_TESTS,
    STATIC_ANALYSIS,
    SECURITY_SCAN,
    INTEGRATION_TESTS,
    CONTRACT_DEPLOY,
    SMOKE_TESTS,
    PRODUCTION_DEPLOY,
)

#: of a cell's axes, those that choose what code is compiled to
COMPILER_AXES = ("solc", "evm_version")

#: what source-checkout leaves of the tree: each file's path and what it held
TREE_ARTIFACT = "source/tree.json"


def upstream_output(context: StageContext, stage: str, key: str) -> Any:
    """Return one output of an earlier stage; raises KeyError when it did not run or left none."""
    return context.upstream[stage].outputs[key]


def project_root(context: StageContext) -> Path:
    """Return the project's root (where foundry.toml lies) as source-checkout found it."""
    return Path(upstream_output(context, SOURCE_CHECKOUT, "project_root"))


def compiler_choice(context: StageContext) -> dict[str, str]:
    """Return the `solc` and `evm_version` that override the project's: this cell's and its compilation's."""
    own = {axis: value for axis, value in context.cell.items() if axis in COMPILER_AXES}
    return {**_compiled_with(context), **own}


def builds_itself(context: StageContext) -> bool:
    """Whether no compilation of this run made the build that the stage works with: it then makes its own."""
    return compiler_choice(context) != _compiled_with(context)


def build_dir(context: StageContext) -> Path:
    """Return the folder of the build that a stage works with.

    It is the run's shared build, which compilation writes and later stages read; that of the compilation's
    cell that a cell stands on; or a folder of the cell's own where it compiles for itself.
    """
    cell = _compiled_with(context)
    name = context.stage if builds_itself(context) else cell_name(COMPILATION, cell) if cell else ""
    state = context.workspace / ".chainops"
    return state / "builds" / folder_name(name) if name else state / "build"


def _compiled_with(context: StageContext) -> Mapping[str, str]:
    """Return what compilation was made to use; empty for the project's own choice."""
    if context.stage.partition("[")[0] == COMPILATION:
        return {}
    compiled = context.upstream.get(COMPILATION)
    return compiled.outputs.get("compiler", {}) if compiled else {}


def private_home(context: StageContext) -> Path:
    """Return the HOME that project code gets instead of the user's: kept per workspace, made when missing."""
    home = context.workspace / ".chainops" / "home"
    home.mkdir(parents=True, exist_ok=True)
    return home
