"""Builds of cells: that they are what the cell says, and one of its own where nobody compiled for it."""

from __future__ import annotations

from chainops.core.text import one_line
from chainops.pipeline.model import FailureKind, Outcome, StageContext, StageStatus
from chainops.stages.common import COMPILATION, builds_itself
from chainops.stages.suites import failure_kind
from chainops.toolchains.model import BuildResult
from chainops.toolchains.ports import Toolchain, ToolchainRequest


async def own_build(toolchain: Toolchain, request: ToolchainRequest, context: StageContext) -> Outcome | None:
    """Compile where no compilation of this run did so with this cell's values.

    Returns the failed outcome when that does not work, None otherwise. Raises what `Toolchain.build` raises.
    """
    if not builds_itself(context):
        return None
    context.say(f"no {COMPILATION} of this run used {_asked(request)}: compiling first")
    build = await toolchain.build(request, context.log)
    if build.ok:
        return not_as_asked(build, request)
    return Outcome(
        status=StageStatus.FAILED,
        failure=failure_kind(build.limit),
        code="CMP208",
        reason=f"it does not compile with {_asked(request)}: {build.failure or 'the build failed'}",
        hint=build.hint,
        places=tuple(dict.fromkeys(d.place for d in build.diagnostics if d.severity == "error" and d.place)),
        tools=await toolchain.tools(),
    )


def not_as_asked(build: BuildResult, request: ToolchainRequest) -> Outcome | None:
    """Return a failed outcome when the compiler took another release or EVM version than it was told to.

    It does so without a word: forge lowers an EVM version that a release does not know, and a profile of
    foundry.toml may set another for some files.
    """
    wrong = []
    solc = {one for one in build.solc_versions if one.partition("+")[0] != request.solc}
    if request.solc and solc:
        wrong.append(f"solc {', '.join(sorted(solc))} and not {request.solc}")
    wanted = request.evm_version.lower()
    evm = {c.evm_version for c in build.contracts if c.evm_version.lower() not in ("", wanted)}
    if wanted and evm:
        wrong.append(f"code for {', '.join(sorted(evm))} and not for {request.evm_version}")
    if not wrong:
        return None
    return Outcome(
        status=StageStatus.FAILED,
        failure=FailureKind.PROJECT,
        code="CMP207",
        reason=f"the build is not what the cell asks for: {one_line(', '.join(wrong))}",
        hint="that release may not know the EVM version: leave the combination out with `matrix.exclude`",
    )


def compiler_output(request: ToolchainRequest) -> dict[str, str]:
    """Return what the cell made the compiler use, for outputs; empty for the project's own choice."""
    given = {"solc": request.solc, "evm_version": request.evm_version}
    return {axis: value for axis, value in given.items() if value}


def _asked(request: ToolchainRequest) -> str:
    given = (("solc", request.solc), ("EVM version", request.evm_version))
    return " and ".join(f"{word} {value}" for word, value in given if value)
