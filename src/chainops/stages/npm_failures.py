"""Tells whose fault a failed install is: the network's failures are not the project's."""

from __future__ import annotations

import re
from dataclasses import dataclass

from chainops.core.errors import ChainopsError, MachineError, Place, ProjectError
from chainops.core.files import DiskError
from chainops.core.process import Completed
from chainops.core.text import one_line
from chainops.project.packages import PackageFolder

_CODE = re.compile(r"(?:npm (?:error|ERR!) code|ERR_PNPM_|error code:?) ?([A-Z][A-Z0-9_]+)")
#: lines of npm's that say nothing of the cause
_NOISE = re.compile(r"complete log of this run|debug-\d+\.log|^\s*at |^\s*[\w ]+: '|^npm warn|^[}{\s]*$")


@dataclass(frozen=True, slots=True)
class _Cause:
    """What some of npm's codes mean."""

    codes: re.Pattern[str]
    kind: type[MachineError] | type[ProjectError]
    code: str
    said: str
    hint: str


#: the first that fits; codes as npm, Node and pnpm print them
_CAUSES = (
    _Cause(
        re.compile(r"EUSAGE|ELOCKVERIFY|ERESOLVE|OUTDATED_LOCKFILE|LOCKFILE_BREAKING_CHANGE"),
        ProjectError,
        "DEP202",
        "lockfile and package.json do not fit",
        "install with your package manager and commit the lockfile",
    ),
    _Cause(
        re.compile(r"EINTEGRITY|TARBALL_INTEGRITY"),
        MachineError,
        "DEP303",
        "the registry's package is not the one that the lockfile pins",
        "the registry or mirror gives changed bytes; nothing of it is used",
    ),
    _Cause(
        re.compile(r"E401|E403|ENEEDAUTH|FETCH_40[13]"),
        MachineError,
        "DEP304",
        "the registry gives no access",
        "log in to the registry on this machine",
    ),
    _Cause(
        re.compile(r"E404|ETARGET|ENOVERSIONS|FETCH_404|NO_MATCHING_VERSION"),
        ProjectError,
        "DEP203",
        "the registry does not have a package",
        "check its name and version, and which registry is asked",
    ),
    _Cause(
        re.compile(r"ENOSPC|EROFS|EACCES|EPERM|EDQUOT"),
        DiskError,
        "DSK301",
        "packages cannot be written",
        "check space, owner and mode of the workspace and of the package cache",
    ),
    _Cause(
        re.compile(
            r"ENOTFOUND|EAI_AGAIN|ECONN\w+|E\w*TIMEDOUT|ERR_SOCKET_TIMEOUT|ENETUNREACH|EHOSTUNREACH|EPROTO"
            r"|\w*CERT\w*|UNABLE_TO_\w+|E5\d\d|E429|ENOTCACHED|META_FETCH_FAIL"
        ),
        MachineError,
        "DEP301",
        "the registry cannot be reached",
        "check the connection, the proxy and the registry, then run again",
    ),
)


def explain_failure(done: Completed, client: str, packages: PackageFolder) -> ChainopsError:
    """Return the error that a package manager's last words mean."""
    said = last_words(done)
    if done.timed_out:
        return MachineError(f"{client} did not end within {done.duration_s:.0f} s: {said}", code="DEP302")
    match = _CODE.search(done.error_text) or _CODE.search(done.text)
    code = match[1] if match else ""
    place = Place(str(packages.lockfile or packages.folder / "package.json"))
    for cause in _CAUSES:
        if cause.codes.fullmatch(code):
            where = place if issubclass(cause.kind, ProjectError) else None
            return cause.kind(f"{cause.said}: {said}", place=where, hint=cause.hint, code=cause.code)
    return MachineError(f"{client} failed (exit code {done.returncode}): {said}", code="DEP305")


def last_words(done: Completed) -> str:
    """Return the lines that say why, on one line."""
    lines = [
        re.sub(r"^npm (?:error|ERR!) ?", "", line) for line in (done.error_text or done.text).splitlines()
    ]
    kept = [line.strip() for line in lines if not _NOISE.search(line)]
    return one_line(" | ".join(kept[:5]), 500) or f"exit code {done.returncode}"
