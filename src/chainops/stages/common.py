"""What several stages read from the outcomes before them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

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

#: what source-checkout leaves of the tree: each file's path and what it held
TREE_ARTIFACT = "source/tree.json"


def upstream_output(context: StageContext, stage: str, key: str) -> Any:
    """Return one output of an earlier stage; raises KeyError when it did not run or left none."""
    return context.upstream[stage].outputs[key]


def project_root(context: StageContext) -> Path:
    """Return the project's root (where foundry.toml lies) as source-checkout found it."""
    return Path(upstream_output(context, SOURCE_CHECKOUT, "project_root"))


def build_dir(context: StageContext) -> Path:
    """Return the folder of the run's shared build: compilation writes it, later stages read it."""
    return context.workspace / ".chainops" / "build"


def private_home(context: StageContext) -> Path:
    """Return the HOME that project code gets instead of the user's: kept per workspace, made when missing."""
    home = context.workspace / ".chainops" / "home"
    home.mkdir(parents=True, exist_ok=True)
    return home
