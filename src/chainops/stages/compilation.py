"""Compiles the project once for all later stages, and keeps what the compiler made and said.

Outputs: `build_dir`, `output_dir`, `contracts` (ContractBuild), `diagnostics` (Diagnostic), `solc_versions`,
`evm_versions` (by the compiler's metadata), `compiler` {solc, evm_version} (what a cell asks for),
`reproducible` (true or false when asked for, else null), `differing` (contracts whose bytecode differed).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from chainops.artifacts.model import Artifact
from chainops.core.errors import Place
from chainops.core.serial import to_json
from chainops.core.text import one_line, plural
from chainops.pipeline.model import FailureKind, Outcome, StageContext, StageStatus
from chainops.quality.model import Measurement
from chainops.stages.cell_builds import compiler_output, not_as_asked
from chainops.stages.common import COMPILATION
from chainops.stages.suites import failure_kind, toolchain_request
from chainops.toolchains.model import BuildResult, ContractBuild, Document
from chainops.toolchains.ports import Toolchain, ToolchainRequest
from chainops.toolchains.reproduction import differing_contracts
from chainops.toolchains.settings import FoundrySettings

_MOST_PLACES = 20
#: codes of failures that are known limits; everything else is a compile error
_LIMIT_CODES = {
    "missing-library": "CMP202",
    "stack-too-deep": "CMP203",
    "solc-version": "CMP204",
    "own-compiler": "CMP206",
    "solc-memory": "CMP301",
    "network": "CMP302",
}


class CompilationStage:
    """Builds into the run's shared folder; with `reproducible` a second time from nothing."""

    name = COMPILATION

    def __init__(
        self,
        *,
        toolchain: Toolchain,
        settings: FoundrySettings | None = None,
        env: Mapping[str, str] | None = None,
    ) -> None:
        self._toolchain = toolchain
        self._settings = settings or FoundrySettings()
        self._env = env or {}

    async def run(self, context: StageContext) -> Outcome:
        """Compile; a mistake in the code fails the stage with its places."""
        request = toolchain_request(context, self._settings, self._env)
        build = await self._toolchain.build(request, context.log)
        tools = await self._toolchain.tools()
        if not build.ok:
            return replace(_failed(build), tools=tools)
        if wrong := not_as_asked(build, request):
            return replace(wrong, tools=tools)
        second = await self._second_build(request, context)
        if second and not second.ok:
            failed = _failed(second)
            return replace(failed, tools=tools, reason=f"the second build failed: {failed.reason}")
        differing = differing_contracts(build, second) if second else None
        documents = await self._toolchain.documentation(build) if self._settings.documentation else ()
        artifacts = _keep(context, build, documents)
        outcome = Outcome(
            status=StageStatus.SUCCESS,
            reason=_summary(build, differing),
            metrics=_metrics(build),
            artifacts=artifacts,
            tools=tools,
            outputs=_outputs(request, build, differing),
        )
        return _not_reproduced(outcome, differing) if differing else outcome

    async def _second_build(self, request: ToolchainRequest, context: StageContext) -> BuildResult | None:
        """Return a build from nothing, or None when none was asked for."""
        if not self._settings.reproducible:
            return None
        context.say("reproducible: building a second time from nothing")
        folder = context.scratch / "reproduction"
        again = replace(request, build_dir=folder / "build", scratch=folder / "scratch")
        return await self._toolchain.build(again, context.log)


def _failed(build: BuildResult) -> Outcome:
    errors = [d for d in build.diagnostics if d.severity == "error"]
    places = tuple(dict.fromkeys(d.place for d in errors if d.place))[:_MOST_PLACES]
    return Outcome(
        status=StageStatus.FAILED,
        failure=failure_kind(build.limit),
        code=_LIMIT_CODES.get(build.limit, "CMP201"),
        reason=build.failure or "the build failed",
        hint=build.hint,
        places=places,
        outputs={"diagnostics": to_json(build.diagnostics), "limit": build.limit},
    )


def _not_reproduced(outcome: Outcome, differing: tuple[str, ...]) -> Outcome:
    return replace(
        outcome,
        status=StageStatus.FAILED,
        failure=FailureKind.PROJECT,
        code="CMP205",
        reason=(
            f"two builds of the same sources differ in {plural(len(differing), 'contract')}: "
            f"{one_line(', '.join(differing))}"
        ),
        hint="look for what changes between builds: generated sources, absolute paths, an own compiler",
        places=tuple(dict.fromkeys(Place(fqn.rpartition(":")[0]) for fqn in differing))[:_MOST_PLACES],
    )


def _summary(build: BuildResult, differing: tuple[str, ...] | None) -> str:
    warnings = sum(d.severity == "warning" for d in build.diagnostics)
    own = sum(contract.deployable for contract in build.contracts)
    words = [plural(own, "contract"), plural(warnings, "warning")]
    if build.solc_versions:
        words.append("solc " + ", ".join(build.solc_versions))
    if differing == ():
        words.append("the same bytecode twice")
    return " · ".join(words)


def _outputs(
    request: ToolchainRequest, build: BuildResult, differing: tuple[str, ...] | None
) -> dict[str, Any]:
    return {
        "build_dir": str(request.build_dir),
        "output_dir": build.output_dir,
        "contracts": to_json(build.contracts),
        "diagnostics": to_json(build.diagnostics),
        "solc_versions": list(build.solc_versions),
        "evm_versions": sorted({c.evm_version for c in build.contracts if c.evm_version}),
        "compiler": compiler_output(request),
        "reproducible": None if differing is None else not differing,
        "differing": list(differing or ()),
    }


def _metrics(build: BuildResult) -> tuple[Measurement, ...]:
    deployable = [contract for contract in build.contracts if contract.deployable]
    warnings = sum(d.severity == "warning" for d in build.diagnostics)
    found = [
        Measurement(name="build.contracts", value=len(deployable), unit="count"),
        Measurement(name="build.warnings", value=warnings, unit="count"),
    ]
    if deployable:
        runtime = max(deployable, key=lambda contract: contract.runtime_size_bytes)
        init = max(deployable, key=lambda contract: contract.init_size_bytes)
        found += [
            _size("size.runtime_max_bytes", runtime.runtime_size_bytes, runtime),
            _size("size.init_max_bytes", init.init_size_bytes, init),
        ]
    return tuple(found)


def _size(name: str, size_bytes: int, contract: ContractBuild) -> Measurement:
    place = Place(contract.path, contract.line)
    return Measurement(name=name, value=size_bytes, unit="bytes", subject=contract.fqn, place=place)


def _keep(context: StageContext, build: BuildResult, documents: tuple[Document, ...]) -> tuple[Artifact, ...]:
    output = Path(build.output_dir)
    store = context.artifacts
    own = [contract for contract in build.contracts if contract.own]
    kept = [
        store.put_file(
            f"contracts/{contract.artifact}",
            output / contract.artifact,
            kind="contract",
            media_type="application/json",
        )
        for contract in own
    ]
    kept += [
        store.put_file(name, output / name, kind="build-info", media_type="application/json")
        for name in build.build_infos
    ]
    kept += [
        store.put_bytes(
            f"docs/{document.name}",
            document.text.encode(),
            kind="documentation",
            media_type=document.media_type,
        )
        for document in documents
    ]
    sizes = [_size_row(contract) for contract in own if contract.deployable]
    kept.append(
        store.put_bytes(
            "sizes.json",
            json.dumps(sizes, indent=1).encode(),
            kind="size-report",
            media_type="application/json",
        )
    )
    return tuple(kept)


def _size_row(contract: ContractBuild) -> dict[str, Any]:
    return {
        "contract": contract.fqn,
        "runtime_size_bytes": contract.runtime_size_bytes,
        "init_size_bytes": contract.init_size_bytes,
        "runtime_digest": contract.runtime_digest,
    }
