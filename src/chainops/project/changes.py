"""Which files differ from the base of a change: what `changed(…)` in a condition asks for."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

from chainops.core.process import ToolMissingError
from chainops.core.recursion import recursion_bounded
from chainops.project.git import Git

_ZEROS = re.compile(r"0{40,64}\Z")
_MAX_EVENT_BYTES = 8 << 20


def base_of(environ: Mapping[str, str]) -> str:
    """Return the ref or commit that a change is measured against; outside of CI the remote's default branch.

    GitHub: GITHUB_BASE_REF of a pull request, else `before` of the push event. GitLab:
    CI_MERGE_REQUEST_DIFF_BASE_SHA, else CI_COMMIT_BEFORE_SHA. Empty when the CI system does not say.
    """
    if environ.get("GITHUB_ACTIONS") == "true":
        target = environ.get("GITHUB_BASE_REF")
        return f"origin/{target}" if target else _before(environ.get("GITHUB_EVENT_PATH", ""))
    if environ.get("GITLAB_CI") == "true":
        base = environ.get("CI_MERGE_REQUEST_DIFF_BASE_SHA") or environ.get("CI_COMMIT_BEFORE_SHA", "")
        return "" if _ZEROS.match(base) else base
    return "origin/HEAD"


def _before(path: str) -> str:
    file = Path(path)
    try:
        if not path or file.stat().st_size > _MAX_EVENT_BYTES:
            return ""
        with recursion_bounded():
            event = json.loads(file.read_bytes())
    except (OSError, ValueError, RecursionError):
        return ""
    before = event.get("before") if isinstance(event, dict) else None
    return before if isinstance(before, str) and not _ZEROS.match(before) else ""


async def changed_files(git: Git, environ: Mapping[str, str]) -> tuple[str, ...] | None:
    """Return the files that differ from the base, uncommitted and untracked ones included; None if unknown.

    Paths are relative to `git.folder`. It is unknown without Git, and where the base is not in the clone, as
    in a shallow one.
    """
    base = base_of(environ)
    if not base:
        return None
    try:
        common = await git.run("merge-base", "--end-of-options", base, "HEAD")
    except ToolMissingError:
        return None
    if common.returncode != 0:
        return None
    safe = await git.without_commands()
    differing = await safe.output(
        "diff", "--name-only", "-z", "--relative", "--no-renames", "--no-ext-diff", "--no-textconv",
        "--ignore-submodules=dirty", common.text.strip(), "--", ".",
    )  # fmt: skip
    untracked = await safe.output("ls-files", "-z", "--others", "--exclude-standard")
    names = {name for name in (*differing.split("\0"), *untracked.split("\0")) if name}
    return tuple(sorted(name for name in names if not name.startswith(".chainops/")))
