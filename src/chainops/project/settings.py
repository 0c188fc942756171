"""The project's part of the configuration: where its sources come from."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, field_validator

from chainops.core.config_mistakes import mistake

#: what our own configuration is called
CONFIG_NAMES = ("chainops.yaml", "chainops.yml")


class ProjectSettings(BaseModel):
    """Where the sources come from; without a URL the workspace itself is taken as it is."""

    model_config = ConfigDict(extra="forbid", defer_build=True)

    repository_url: Annotated[
        str,
        Field(
            description="Git URL to clone (https, ssh, git@host:path or a local path); empty takes the "
            "workspace as it is, uncommitted changes included. May hold `${VAR}` for a token."
        ),
    ] = ""
    ref: Annotated[
        str,
        Field(description="Branch, tag or commit of `repository_url`; empty for its default branch."),
    ] = ""
    path: Annotated[
        str,
        Field(
            description="The project's folder below the workspace or the clone, for monorepos; "
            "empty to find it."
        ),
    ] = ""

    @field_validator("repository_url")
    @classmethod
    def _is_safe_url(cls, value: str) -> str:
        from chainops.project.git_names import why_refused_url

        if why := why_refused_url(value) if value else "":
            raise mistake(why, code="CFG140")
        return value

    @field_validator("ref")
    @classmethod
    def _is_safe_ref(cls, value: str) -> str:
        from chainops.project.git_names import why_refused_ref

        if why := why_refused_ref(value) if value else "":
            raise mistake(why, code="CFG141")
        return value

    @field_validator("path")
    @classmethod
    def _stays_inside(cls, value: str) -> str:
        parts = value.replace("\\", "/").split("/")
        if value.startswith(("/", "~")) or ".." in parts or "\0" in value:
            raise mistake(
                "should be a folder below the workspace", hint="such as packages/contracts", code="CFG142"
            )
        return value
