"""The pipeline's part of the configuration; which stages there are is told by `app`."""

from __future__ import annotations

import re
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, field_validator

from chainops.core.config_mistakes import mistake
from chainops.pipeline.conditions import ConditionError, parse_condition
from chainops.pipeline.matrix import Matrix
from chainops.pipeline.model import FailureKind

_DAY_S = 86_400
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_PIPELINE_NAME = "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"
#: what a stage can fan out over
AXES = ("network", "solc", "evm_version")
#: they decide what runs, not what it is told
_REFUSED = {
    "HOME": "project code has a private HOME",
    "PATH": "the tools that run are those that chainops provides",
    "LD_PRELOAD": "it would load code into every tool",
    "LD_LIBRARY_PATH": "it would load code into every tool",
    "FOUNDRY_FFI": "set `foundry: {allow_ffi: true}` instead",
    "DAPP_FFI": "set `foundry: {allow_ffi: true}` instead",
}


def _as_text(value: object) -> object:
    """Take YAML's numbers and booleans for the text that an environment holds."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else value


def _allowed(name: str) -> str:
    if not _VARIABLE.match(name):
        raise mistake("not a name that a variable can have", hint="letters, digits and _")
    if name in _REFUSED or name.startswith("CHAINOPS_"):
        why = _REFUSED.get(name, "names that begin with CHAINOPS_ are its own")
        raise mistake(f"{name} cannot be set", hint=why, code="CFG135")
    return name


def _pipeline_name(name: str) -> str:
    if not re.fullmatch(_PIPELINE_NAME, name):
        raise mistake(
            "not a name for a pipeline",
            hint="letters, digits, `.`, `_` and `-`, a letter or digit first, up to 64",
        )
    return name


EnvironmentName = Annotated[str, AfterValidator(_allowed)]
EnvironmentText = Annotated[str, BeforeValidator(_as_text, json_schema_input_type=str | int | float | bool)]


class NoOptions(BaseModel):
    """A stage without options of its own."""

    model_config = ConfigDict(extra="forbid", defer_build=True)
    entry_name: ClassVar[str] = "option"


class MatrixSettings(BaseModel):
    """The values over which a stage fans out: a cell for each combination."""

    model_config = ConfigDict(extra="forbid", defer_build=True)
    entry_name: ClassVar[str] = "axis"

    network: Annotated[list[str] | None, Field(description="Networks, by the names under `networks`.")] = None
    solc: Annotated[list[str] | None, Field(description="Releases of the compiler, such as `0.8.30`.")] = None
    evm_version: Annotated[
        list[str] | None, Field(description="EVM versions that the compiler makes code for, such as `paris`.")
    ] = None
    exclude: Annotated[
        list[dict[str, str]],
        Field(description="Combinations to leave out, such as `{solc: 0.8.20, evm_version: cancun}`."),
    ] = []

    def matrix(self) -> Matrix | None:
        """Return what these settings say; None when no axis is set."""
        given = ((axis, getattr(self, axis)) for axis in AXES)
        axes = {axis: tuple(values) for axis, values in given if values}
        return Matrix(axes=axes, exclude=tuple(self.exclude)) if axes else None


class StageSettings(BaseModel):
    """What can be said of any stage."""

    model_config = ConfigDict(extra="forbid", defer_build=True)

    needs: Annotated[
        list[str] | None,
        Field(description="Stages that must succeed before this one; the usual ones when left out."),
    ] = None
    timeout_s: Annotated[
        float | None, Field(gt=0, le=7 * _DAY_S, description="Seconds after which the stage is stopped.")
    ] = None
    retries: Annotated[
        int,
        Field(
            ge=0,
            le=10,
            description="How often an attempt that failed for a reason in `retry_on` is made again, each "
            "time after a longer pause.",
        ),
    ] = 0
    retry_on: Annotated[
        list[Literal[FailureKind.MACHINE, FailureKind.PROJECT]],
        Field(
            description="Failures that `retries` counts for: `machine` (a tool, the disk, the network, a "
            "time limit), `project` (the code, a test). A mistake in the configuration is never tried again."
        ),
    ] = [FailureKind.MACHINE]
    when: Annotated[
        str,
        Field(
            description="Condition under which the stage runs, such as "
            '`branch == "main" and not pull_request` or `changed("src/**", "foundry.toml")`.'
        ),
    ] = ""
    allow_failure: Annotated[
        bool, Field(description="A failure is shown, and what needs this stage runs all the same.")
    ] = False
    approval: Annotated[
        bool,
        Field(
            description="The stage waits until somebody approves what it stands on, with "
            "`chainops approve RUN STAGE`; production-deploy always waits, for its plan."
        ),
    ] = False
    enabled: Annotated[bool, Field(description="`false` skips the stage.")] = True
    matrix: Annotated[
        MatrixSettings | None,
        Field(description="Values over which the stage fans out, see docs/reference/matrix.md."),
    ] = None
    options: Annotated[NoOptions, Field(description="Options of this stage.")] = Field(
        default_factory=NoOptions
    )

    @field_validator("when", mode="before")
    @classmethod
    def _can_be_read(cls, value: Any) -> Any:
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, str) and value.strip():
            try:
                parse_condition(value)
            except ConditionError as error:
                text = f"{error.message} (character {error.column} of the condition)"
                raise mistake(text, hint=error.hint, code="CFG134") from error
        return value


class PipelineSettings(BaseModel):
    """What can be said of a run as a whole."""

    model_config = ConfigDict(extra="forbid", defer_build=True)

    pipeline_id: Annotated[
        str,
        AfterValidator(_pipeline_name),
        Field(
            json_schema_extra={"pattern": _PIPELINE_NAME},
            description="Name of this pipeline in history and reports; the project's name when left out.",
        ),
    ] = "pipeline"
    project_name: Annotated[
        str, Field(max_length=200, description="Name of the project; its folder's name when left out.")
    ] = ""
    environment_vars: Annotated[
        dict[EnvironmentName, EnvironmentText],
        Field(
            description="Environment of the project's code: plain values, `${VAR}`, `${VAR:-default}`, "
            "`secret://env/NAME` or `secret://file/path`."
        ),
    ] = {}
    max_parallel: Annotated[
        int, Field(ge=1, le=64, description="How many stages run side by side at most.")
    ] = 4
    fail_fast: Annotated[
        bool, Field(description="Start nothing more after the first failure, siblings included.")
    ] = False
