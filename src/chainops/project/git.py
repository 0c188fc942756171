"""Runs Git so that neither a repository's own configuration nor its hooks can run anything."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from chainops.core.errors import ChainopsError, InputError, MachineError
from chainops.core.process import Command, Completed, ProcessRunner, Sink
from chainops.core.text import one_line

#: what Git needs of our environment: the user's own configuration, keys' agent, proxies, certificates
_NAMES = {
    "PATH", "HOME", "USER", "LOGNAME", "TMPDIR", "TZ", "XDG_CONFIG_HOME", "SSH_AUTH_SOCK", "GIT_SSH",
    "GIT_SSH_COMMAND", "GIT_SSL_CAINFO", "GIT_SSL_CAPATH", "SSL_CERT_FILE", "SSL_CERT_DIR", "CURL_CA_BUNDLE",
    "GIT_CONFIG_GLOBAL", "GIT_CONFIG_NOSYSTEM",
}  # fmt: skip
_SAFE = (
    "core.fsmonitor=false",
    "core.hooksPath=/dev/null",
    "core.pager=cat",
    "diff.external=",
    "protocol.ext.allow=never",
    "protocol.fd.allow=never",
    "safe.bareRepository=explicit",
    "log.showSignature=false",
    "gc.auto=0",
    "maintenance.auto=false",
    "advice.detachedHead=false",
    "submodule.recurse=false",
    "fetch.recurseSubmodules=false",
)
#: settings whose value is a command; from a repository's own configuration they are switched off
_COMMANDS = re.compile(
    r"filter\..*\.(?:clean|smudge|process|required)|diff\..*\.(?:command|textconv)|merge\..*\.driver"
    r"|core\.(?:sshcommand|gitproxy|askpass|editor|alternaterefscommand)|credential\..*|gpg\..*program"
    r"|remote\..*\.(?:uploadpack|receivepack|vcs|proxy)|submodule\..*\.update|uploadpack\.packobjectshook"
    r"|url\..*\.insteadof|http\..*proxy",
    re.IGNORECASE | re.DOTALL,
)


class GitError(MachineError):
    """Git failed for a reason that is not the user's: network, disk, a damaged repository."""

    code = "SRC301"


class SourceError(InputError):
    """What was asked of Git is not there: no repository, no such ref, no access."""

    code = "SRC101"


def git_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the environment that Git gets: no prompts, English messages, no variables that redirect it."""
    env = {n: v for n, v in environ.items() if n in _NAMES or n.lower().endswith("_proxy")}
    return {**env, "LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Git:
    """Git in one folder."""

    runner: ProcessRunner
    folder: Path
    log: Sink | None = None
    marker: str = ""
    timeout_s: float = 900.0
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    #: further settings, `section.key` → value; passed in the environment, so never written or shown
    config: Mapping[str, str] = field(default_factory=dict, repr=False)

    async def run(self, *arguments: str, quiet: bool = True) -> Completed:
        """Run `git arguments` with safe settings and return what it left, whatever its exit code."""
        flags = [piece for setting in _SAFE for piece in ("-c", setting)]
        env = git_environment(self.environ)
        env["GIT_CONFIG_COUNT"] = str(len(self.config))
        for index, (key, value) in enumerate(self.config.items()):
            env |= {f"GIT_CONFIG_KEY_{index}": key, f"GIT_CONFIG_VALUE_{index}": value}
        command = Command(
            argv=("git", *flags, *arguments),
            cwd=self.folder,
            env=env,
            timeout_s=self.timeout_s,
            quiet_stdout=quiet,
            marker=self.marker,
        )
        return await self.runner.run(command, self.log)

    async def output(self, *arguments: str) -> str:
        """Return what `git arguments` prints. Raises `SourceError` or `GitError` when it fails."""
        done = await self.run(*arguments)
        if done.returncode != 0 or done.timed_out:
            raise explain(done, arguments[0])
        return done.whole_stdout().decode("utf-8", "surrogateescape")

    async def without_commands(self) -> Git:
        """Return a Git for this repository in which no setting of the repository's own runs a command."""
        listed = await self.run("config", "--list", "--show-scope", "--includes", "--name-only", "-z")
        fields = listed.stdout.decode("utf-8", "surrogateescape").split("\0")
        pairs = zip(fields[::2], fields[1::2], strict=False)
        found = {key for scope, key in pairs if scope in ("local", "worktree") and _COMMANDS.fullmatch(key)}
        off = {key: "false" if key.endswith(".required") else "" for key in sorted(found)}
        return Git(
            runner=self.runner,
            folder=self.folder,
            log=self.log,
            marker=self.marker,
            timeout_s=self.timeout_s,
            environ=self.environ,
            config={**self.config, **off},
        )


_NETWORK = re.compile(
    r"could not resolve host|failed to connect|connection (?:timed out|refused|reset)|couldn't connect"
    r"|network is unreachable|operation timed out|early eof|ssl|tls|the remote end hung up|proxy|http 5\d\d"
    r"|returned error: 5\d\d",
    re.IGNORECASE,
)
_ACCESS = re.compile(
    r"authentication failed|could not read (?:username|password)|permission denied|terminal prompts disabled"
    r"|returned error: 40[13]|host key verification failed|access denied",
    re.IGNORECASE,
)
_ABSENT = re.compile(
    r"repository .*not found|does not appear to be a git repository|not a git repository|does not exist"
    r"|returned error: 404",
    re.IGNORECASE,
)


def explain(done: Completed, what: str) -> ChainopsError:
    """Return the error that Git's last words mean."""
    text = done.error_text
    fatal = [line for line in text.splitlines() if line.startswith(("fatal:", "error:", "ERROR:"))]
    said = one_line(" ".join(fatal) or text, 400) or f"exit code {done.returncode}"
    if done.timed_out:
        return GitError(f"git {what} did not end within {done.duration_s:.0f} s", code="SRC302")
    if "dubious ownership" in text:
        return SourceError(
            f"Git refuses a repository that belongs to somebody else: {said}",
            hint="git config --global --add safe.directory <folder>",
            code="SRC104",
        )
    if _ACCESS.search(text):
        return SourceError(
            f"no access: {said}",
            hint="https: put a token in the URL as ${TOKEN} or use a credential helper; ssh: load a key",
            code="SRC102",
        )
    if _ABSENT.search(text):
        return SourceError(f"not a repository: {said}", hint="check repository_url")
    if _NETWORK.search(text):
        return GitError(
            f"the network failed: {said}", hint="check the connection and the proxy", code="SRC303"
        )
    return GitError(f"git {what} failed: {said}")
