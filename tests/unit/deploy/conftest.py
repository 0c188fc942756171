"""Builds from what forge left, and manifests from text."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from chainops.chains.model import Network, NetworkKind
from chainops.core.config_text import parse_document, validate
from chainops.core.hashing import digest_bytes
from chainops.deploy.builds import Builds, builds_from
from chainops.deploy.manifest import ManifestSource, load_manifest
from chainops.deploy.settings import DeploySection, SmokeSection
from chainops.toolchains.model import ContractBuild

FIXTURES = Path(__file__).parents[2] / "fixtures"


def contract(name: str, *, path: str = "", deployable: bool = True, artifact: str = "") -> ContractBuild:
    data = json.loads((FIXTURES / "foundry-artifacts" / f"{name}.json").read_bytes())
    init, runtime = (
        digest_bytes(data[code]["object"].removeprefix("0x").encode())
        for code in ("bytecode", "deployedBytecode")
    )
    return ContractBuild(
        path=path or f"src/{name}.sol",
        name=name,
        runtime_size_bytes=0,
        init_size_bytes=0,
        runtime_digest=runtime,
        init_digest=init,
        artifact=artifact or f"{name}.json",
        deployable=deployable,
    )


@pytest.fixture
def builds() -> Builds:
    return builds_from(
        [contract(name) for name in ("Counter", "Bank", "Ratio")], FIXTURES / "foundry-artifacts"
    )


@pytest.fixture
def network() -> Network:
    return Network(name="local", kind=NetworkKind.EMBEDDED, chain_id=31337)


@pytest.fixture
def load(tmp_path):
    """Return a function that reads a configuration's `deploy:` section."""
    from pydantic import BaseModel

    class Config(BaseModel):
        deploy: DeploySection | None = None
        smoke_tests: SmokeSection = []

    def read(text: str, *, networks: frozenset[str] = frozenset({"local", "main"})) -> ManifestSource:
        document = parse_document(text, "chainops.yaml", base=tmp_path)
        config = validate(Config, document)
        source = load_manifest(config.deploy, document, networks=networks)
        assert source
        return source

    read.config = Config
    return read
