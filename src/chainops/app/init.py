"""Writes a first chainops.yaml from what the project is: few settings that count, each with its reason."""

from __future__ import annotations

import json
import re
from pathlib import Path

from chainops.app.config_file import find_config
from chainops.core.errors import InputError
from chainops.core.files import write_atomic
from chainops.core.text import one_line
from chainops.project.detect import detect
from chainops.project.files import find_files
from chainops.project.model import Project, ProjectFiles
from chainops.project.settings import CONFIG_NAMES

_CONTRACT = re.compile(r"^\s*(?P<abstract>abstract\s+)?contract\s+(?P<name>[A-Za-z_$][\w$]*)", re.MULTILINE)


class ConfigExistsError(InputError):
    """There is a configuration that would be overwritten."""

    code = "CFG160"


def write_config(workspace: Path, *, force: bool = False) -> Path:
    """Write the workspace's chainops.yaml and return its path; with `force` replace the one that holds there.

    Raises `ConfigExistsError` unless `force`, `NoProjectError` when there is no project, `DiskError`.
    """
    existing = _replaceable(workspace) if force else find_config(workspace)
    if existing is not None and not force:
        raise ConfigExistsError(
            f"{existing} is there already", hint="--force replaces it; `chainops config check` checks it"
        )
    path = existing or workspace / CONFIG_NAMES[0]
    project = detect(path.parent)
    text = config_text(project, find_files(project), path.parent.resolve().name)
    write_atomic(path, text.encode())
    return path


def _replaceable(workspace: Path) -> Path | None:
    own = (workspace / name for name in CONFIG_NAMES)
    return next((path for path in own if path.exists()), None) or find_config(workspace)


def config_text(project: Project, files: ProjectFiles, folder_name: str) -> str:
    """Return a commented configuration for `project`; it loads without a mistake."""
    sections = [
        _head(project, files, folder_name),
        _foundry(project, files),
        _gates(files),
        _stages(project),
        _ENVIRONMENT,
        _NETWORKS,
        _deploy(project, files),
    ]
    return "\n".join(sections)


def _head(project: Project, files: ProjectFiles, folder_name: str) -> str:
    count = f"{len(files.sources)} sources, {len(files.tests)} tests, {len(files.scripts)} scripts"
    where = "" if project.path == "." else f" in {_comment(project.path)}"
    path = "" if project.path == "." else f"path: {_quoted(project.path)}\n"
    return f"""\
# chainops.yaml: how this project goes from a commit to a release.
# `chainops config show` prints every setting as it holds, those that are not written here included;
# `chainops config check` shows every mistake of this file with its place;
# `chainops schema > chainops.schema.json` describes all settings, for an editor to complete and explain them.
# Found: a Foundry project ({count}){where}.

project_name: {_quoted(folder_name)}
{path}"""


def _foundry(project: Project, files: ProjectFiles) -> str:
    others = [name for name in project.profiles if name != "default"]
    profiles = f"; others here: {_comment(', '.join(others))}" if others else ""
    integration = "" if any("/integration/" in t for t in files.tests) else "  # no such tests yet"
    ffi = (
        "  # foundry.toml asks for ffi: tests could run programs on this machine; refused unless allowed\n"
        "  allow_ffi: false\n"
        if project.ffi
        else ""
    )
    return f"""\
foundry:
  # profile: default  # of foundry.toml{profiles}
  # tests that need a live chain run in a stage of their own
  integration_path: test/integration/**{integration}
{ffi}"""


def _gates(files: ProjectFiles) -> str:
    coverage = "  min_test_coverage: 0.8" if files.tests else "  # min_test_coverage: 0.8  # no tests yet"
    return f"""\
# A run passes, and goes on to a chain, only when every gate does.
quality_gates:
{coverage}
  max_complexity_score: 10
  security_scan_required: true  # findings of `high` and above fail; `fail_on: medium` is stricter
"""


def _stages(project: Project) -> str:
    install = (
        "  dependency-install:\n"
        "    options:\n"
        "      allow_scripts: []  # npm packages whose install scripts may run; all others may not\n"
        if (project.root / "package.json").is_file()
        else ""
    )
    return f"""\
# The ten stages run in the usual order without being named here.
stages:
  unit-tests:
    timeout_s: 3600  # seconds until it is stopped
{install}  # production-deploy:
  #   when: branch == "main" and not pull_request
"""


_ENVIRONMENT = """\
# Variables for the project's own code. Secrets are named, never written: secret://env/NAME, secret://file/path.
# environment_vars:
#   MAINNET_RPC_URL: secret://env/MAINNET_RPC_URL
#   LOG_LEVEL: ${LOG_LEVEL:-info}
"""

_NETWORKS = """\
# Where contract-deploy goes; `embedded` is a development chain that chainops starts for the run.
target_network: embedded
# networks:
#   sepolia:
#     kind: testnet
#     chain_id: 11155111
#     url: ${SEPOLIA_RPC_URL}
#     account: secret://env/DEPLOYER_KEY
"""


def _deploy(project: Project, files: ProjectFiles) -> str:
    example = _first_contract(project, files) or "MyContract"
    return f"""\
# What contract-deploy puts on the target network, and what smoke-tests then ask of it.
# deploy:
#   contracts:
#     - contract: {_comment(example)}
#       args: []
# smoke_tests:
#   - contract: {_comment(example)}
#     function: owner
"""


def _first_contract(project: Project, files: ProjectFiles) -> str:
    for path in files.sources[:50]:
        text = (project.root / path).read_text(encoding="utf-8", errors="replace")
        for match in _CONTRACT.finditer(text):
            if not match["abstract"]:
                return match["name"]
    return ""


def _quoted(text: str) -> str:
    """Write a text so that YAML reads exactly it: JSON's strings are YAML's."""
    plain = re.fullmatch(r"[A-Za-z][A-Za-z0-9_./-]*", text)
    words = {"true", "false", "null", "yes", "no", "on", "off"}
    if plain and text.lower() not in words:
        return text
    # a file name that is not UTF-8 holds surrogates, which YAML cannot
    return json.dumps(text.encode("utf-8", "replace").decode())


def _comment(text: str) -> str:
    """Keep a stranger's name from leaving the comment that it stands in."""
    return one_line(text) or "."
