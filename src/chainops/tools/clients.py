"""The registries' own clients: they know the user's proxy, mirror and certificates, so we ask nobody else."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import os
import re
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from chainops.core.files import disk_errors
from chainops.core.hashing import read_chunks
from chainops.core.process import Command, Completed, ProcessRunner, Sink
from chainops.core.text import one_line, shorten
from chainops.tools.errors import InstallError, IntegrityError
from chainops.tools.lockfile import NpmPackage

#: one call of a client, in seconds: a slow line needs minutes for a compiler, a dead one never ends
CALL_TIMEOUT_S = 900.0

_NAMES = {
    "PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "NETRC",
    "XDG_CONFIG_HOME", "XDG_CONFIG_DIRS", "XDG_CACHE_HOME", "SSL_CERT_FILE", "SSL_CERT_DIR",
    "NODE_EXTRA_CA_CERTS", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NPM_TOKEN", "NODE_AUTH_TOKEN",
}  # fmt: skip
#: npm waits 10 s and 60 s before it tries again; a registry that is down should be told sooner
_NPM_RETRIES = {"npm_config_fetch_retry_mintimeout": "1000", "npm_config_fetch_retry_maxtimeout": "5000"}

_NETWORK = re.compile(
    r"ECONNREFUSED|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|ECONNRESET|ENETUNREACH|NewConnectionError|NameResolutionError"
    r"|ConnectTimeoutError|ProxyError|SSLError|SELF_SIGNED_CERT\w*|UNABLE_TO_\w+"
)
_TELLING = re.compile(r"\b(failed|No space|denied|not found|404|401|403|refused)\b|ERROR:", re.IGNORECASE)

_PREFIXES = ("npm_config_", "pip_")
_SUFFIXES = ("_proxy",)


def client_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Return what npm and pip may see: the user's HOME and registry, proxy and certificate settings."""
    return {
        name: value
        for name, value in environ.items()
        if name in _NAMES or name.lower().startswith(_PREFIXES) or name.lower().endswith(_SUFFIXES)
    }


def global_npm_config() -> dict[str, str]:
    """Point a provisioned npm at the machine-wide npmrc of the installed one, which it would not see."""
    found = shutil.which("npm")
    if found and "npm_config_globalconfig" not in os.environ:
        config = Path(found).parent.parent / "etc" / "npmrc"
        if config.is_file():
            return {"npm_config_globalconfig": str(config)}
    return {}


def _check(done: Completed, what: str, mismatch: str) -> Completed:
    if done.returncode == 0 and not done.timed_out:
        return done
    text = done.error_text + done.text
    if mismatch in text:
        raise IntegrityError(
            f"{what}: the registry's file has another hash than the lock: {one_line(text, 400)}",
            hint="the registry or mirror gives a changed package; nothing of it was installed",
        )
    reason = f"no end after {done.duration_s:.0f} s" if done.timed_out else failure_reason(text)
    raise InstallError(
        f"{what} failed (exit code {done.returncode}): {reason}",
        hint="check the network and the registry's settings with `chainops doctor`, then run it again",
    )


def failure_reason(text: str) -> str:
    """Return what npm or pip gave as the reason, without its stack trace and repetitions."""
    lines = [one_line(line, 240).removeprefix("npm error ").strip() for line in text.splitlines()]
    telling = [line for line in lines if _TELLING.search(line) and not line.startswith("at ")]
    network = next(filter(None, map(_NETWORK.search, lines)), None)
    said = shorten(" | ".join(dict.fromkeys((telling or [x for x in lines if x])[:2])), 500)
    return f"the registry cannot be reached ({network.group()}): {said}" if network else said


class NpmClient:
    """Fetches packages through npm; nothing in them is run."""

    def __init__(self, *, runner: ProcessRunner, argv: tuple[str, ...], env: Mapping[str, str]) -> None:
        self._runner = runner
        self._argv = argv
        self._env = env

    async def _run(self, folder: Path, sink: Sink | None, what: str, *arguments: str) -> Completed:
        flags = ("--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier", "--prefer-offline",
                 "--loglevel=error")  # fmt: skip
        command = Command(
            argv=(*self._argv, *arguments, *flags),
            cwd=folder,
            env=_NPM_RETRIES | client_environment(os.environ) | dict(self._env),
            timeout_s=CALL_TIMEOUT_S,
        )
        return _check(await self._runner.run(command, sink), what, "EINTEGRITY")

    async def pack(self, package: NpmPackage, folder: Path, sink: Sink | None = None) -> Path:
        """Download one package into `folder` and return its archive, whose hash is the pinned one.

        Raises `InstallError` when npm fails, `IntegrityError` when the archive is another.
        """
        await self._run(folder, sink, f"npm pack {package.spec}", "pack", package.spec)
        archives = await asyncio.to_thread(lambda: sorted(folder.glob("*.tgz")))
        if len(archives) != 1:
            raise InstallError(f"npm pack {package.spec} left {len(archives)} archives in place of one")
        await asyncio.to_thread(check_integrity, archives[0], package)
        return archives[0]

    async def install_tree(self, lock_text: str, folder: Path, sink: Sink | None = None) -> None:
        """Install a package-lock's tree into `folder`/node_modules; npm checks each package's hash."""
        root = json.loads(lock_text)["packages"][""]
        with disk_errors(folder):
            (folder / "package-lock.json").write_text(lock_text, "utf-8")
            (folder / "package.json").write_text(json.dumps(root), "utf-8")
        await self._run(folder, sink, f"npm ci of {root['name']}", "ci")


def check_integrity(archive: Path, package: NpmPackage) -> None:
    """Compare an archive with its pin. Raises `IntegrityError`."""
    algorithm, _, wanted = package.integrity.partition("-")
    state = hashlib.new(algorithm)
    for chunk in read_chunks(archive):
        state.update(chunk)
    got = base64.b64encode(state.digest()).decode()
    if got != wanted:
        raise IntegrityError(
            f"{package.spec}: the registry's file has {algorithm}-{got}, the lock says {package.integrity}",
            hint="the registry or mirror gives a changed package; nothing of it was installed",
        )


def find_pip() -> tuple[str, ...]:
    """Return how pip is started: our environment's own, or the wheel that a complete Python carries.

    Raises `InstallError` when there is neither.
    """
    import importlib.util

    if importlib.util.find_spec("pip"):
        return (sys.executable, "-m", "pip")
    found = importlib.util.find_spec("ensurepip")
    folder = Path(found.origin).parent / "_bundled" if found and found.origin else None
    wheels = sorted(folder.glob("pip-*.whl")) if folder else []
    if not wheels:
        raise InstallError(
            f"{sys.executable} has no pip, which fetches tools from PyPI",
            hint="install pip into that environment, or your system's python3-venv and python3-pip",
        )
    return (sys.executable, str(wheels[-1] / "pip"))


class PipClient:
    """Fetches wheels through pip, each checked against the hashes of the lock; nothing is built."""

    def __init__(self, *, runner: ProcessRunner) -> None:
        self._runner = runner

    async def install(
        self, what: str, lock_text: str, folder: Path, *, python: Path | None = None, sink: Sink | None = None
    ) -> None:
        """Install hash-locked requirements into the environment of `python`, else flat into `folder`.

        Raises `InstallError` when pip fails, `IntegrityError` when a wheel is another.
        """
        requirements = folder / "requirements.txt"
        with disk_errors(folder):
            requirements.write_text(lock_text, "utf-8")
        interpreter = () if python is None else (f"--python={python}",)
        target = (f"--target={folder}",) if python is None else ()
        command = Command(
            argv=(
                *find_pip(), *interpreter, "install", *target, "--require-hashes", "--no-deps",
                "--only-binary", ":all:", "--no-compile", "--disable-pip-version-check", "--no-input",
                "--quiet", "--progress-bar", "off", "--no-warn-script-location",
                "--root-user-action", "ignore", "-r", str(requirements),
            ),
            cwd=folder,
            env=client_environment(os.environ),
            timeout_s=CALL_TIMEOUT_S,
        )  # fmt: skip
        _check(await self._runner.run(command, sink), f"pip install of {what}", "DO NOT MATCH THE HASHES")
