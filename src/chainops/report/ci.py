"""Where a run takes place: GitHub Actions and GitLab are recognised by their environment."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path

from chainops.report.reading import Document, text


class Ci(StrEnum):
    """A CI system that gets more than files."""

    GITHUB = "github"
    GITLAB = "gitlab"
    NONE = ""


#: which variable names the checked-out repository
_CHECKOUTS = {Ci.GITHUB: "GITHUB_WORKSPACE", Ci.GITLAB: "CI_PROJECT_DIR"}


def detect(env: Mapping[str, str]) -> Ci:
    """Return the CI system whose environment this is."""
    if env.get("GITHUB_ACTIONS") == "true":
        return Ci.GITHUB
    return Ci.GITLAB if env.get("GITLAB_CI") == "true" else Ci.NONE


def repository_prefix(document: Document, env: Mapping[str, str]) -> str:
    """Return the way from the repository's root to the project: empty, or such as `packages/vault`.

    Findings name files below the project; a CI system wants them below its checkout.
    """
    checkout = env.get(_CHECKOUTS.get(detect(env), ""), "")
    root = text(document, "project", "root") or text(document, "project", "workspace")
    if not checkout or not root:
        return ""
    try:
        relative = Path(root).resolve().relative_to(Path(checkout).resolve())
    except (ValueError, OSError):
        return ""
    return "" if relative == Path() else relative.as_posix()
