"""A PostgreSQL server of the tests' own: installed when missing, on loopback, gone with the tests."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import psycopg

PASSWORD = "s3cret/of@tests"
#: also when the tests are killed; holds for the thread that starts the server, so let that be the main one
_END_WITH_PARENT = ("setpriv", "--pdeathsig", "QUIT", "--") if shutil.which("setpriv") else ()
_STOPS = {"smart": signal.SIGTERM, "fast": signal.SIGINT, "immediate": signal.SIGQUIT}
_CLUSTER_CONFIG = Path("/etc/postgresql-common/createcluster.conf")


class NoServerError(Exception):
    """There is no PostgreSQL here, and none can be installed; says why."""


def find_binaries() -> Path | None:
    """Return the folder of the newest `initdb` here."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda p: _number(p.parts[-3]))
    on_path = shutil.which("initdb")
    return found[-1].parent if found else Path(on_path).resolve().parent if on_path else None


def _number(text: str) -> float:
    return float(text) if text.replace(".", "").isdigit() else 0


def binaries() -> Path:
    """Return the folder of PostgreSQL's programs, after installing Debian's package when there is none."""
    found = find_binaries()
    if found:
        return found
    if not shutil.which("apt-get"):
        raise NoServerError("PostgreSQL is not installed, and this is no Debian that could install it")
    if os.geteuid() != 0:
        raise NoServerError("PostgreSQL is not installed, and only root may: apt-get install postgresql")
    with _one_at_a_time():
        return find_binaries() or _install()


def _install() -> Path:
    made = not _CLUSTER_CONFIG.exists()
    if made:  # Debian would make and start a cluster of its own
        _CLUSTER_CONFIG.parent.mkdir(exist_ok=True)
        _CLUSTER_CONFIG.write_text("create_main_cluster = false\n")
    apt = ["apt-get", "-qq", "-y", "-o", "DPkg::Lock::Timeout=120", "-o", "Dpkg::Options::=--force-confold"]
    install = [*apt, "install", "--no-install-recommends", "postgresql"]
    problem = ""
    for command in (install, [*apt, "update"], install):
        done = subprocess.run(
            command,
            check=False,
            env=dict(os.environ, DEBIAN_FRONTEND="noninteractive"),
            capture_output=True,
            text=True,
        )
        problem = (done.stderr.strip() or f"exit code {done.returncode}").splitlines()[-1]
        if found := find_binaries():
            return found
    raise NoServerError(f"PostgreSQL is not installed, and apt-get could not: {problem}")


@contextlib.contextmanager
def _one_at_a_time() -> Iterator[None]:
    with Path(tempfile.gettempdir(), "chainops-tests-apt.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


class PostgresServer:
    """One cluster in a folder of its own; the server ends with the process that made it."""

    def __init__(self, *, password: str = PASSWORD) -> None:
        self._bin = binaries()
        self._folder = Path(tempfile.mkdtemp(prefix="chainops-pg-"))
        self._data = self._folder / "data"
        # the server refuses to run as root
        self._owner = _unprivileged() if os.geteuid() == 0 else None
        if self._owner:
            os.chown(self._folder, self._owner.pw_uid, self._owner.pw_gid)
        self._process: subprocess.Popen[bytes] | None = None
        self._password = password
        self.port = _free_port()
        self._make(password)

    @property
    def url(self) -> str:
        """The superuser's URL, over TCP with a password."""
        return f"postgresql://chainops:{quote(self._password, safe='')}@127.0.0.1:{self.port}/postgres"

    @property
    def log(self) -> str:
        """What the server has written."""
        return (self._folder / "log").read_text(errors="replace")

    def start(self, *, ready: bool = True) -> None:
        """Start the server, and wait until it answers."""
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [*_END_WITH_PARENT, self._bin / "postgres", "-D", self._data],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self._folder,
                env={"PATH": os.environ["PATH"], "LC_ALL": "C"},
                start_new_session=True,  # Ctrl-C is for the tests, which stop it in order
                **self._as_owner(),
            )
        while ready:
            try:
                psycopg.connect(self.url, connect_timeout=2).close()
            except psycopg.OperationalError:
                if self._process.poll() is not None:
                    raise NoServerError(f"PostgreSQL did not start: {self.log[-2000:]}") from None
                time.sleep(0.02)
            else:
                return

    def stop(self, mode: str = "fast") -> None:
        """Stop the server: `smart`, `fast`, or `immediate` as a crash would."""
        if self._process is not None:
            self._process.send_signal(_STOPS[mode])
            self._process.wait(60)
            self._process = None

    def restart(self, mode: str = "fast", *, ready: bool = True) -> None:
        """Stop and start."""
        self.stop(mode)
        self.start(ready=ready)

    def close(self) -> None:
        """Stop the server and remove its folder."""
        self.stop("immediate")
        shutil.rmtree(self._folder, ignore_errors=True)

    def _make(self, password: str) -> None:
        secret = self._folder / "password"
        secret.write_text(password)
        secret.chmod(0o644)  # in a folder that is its owner's alone
        command = [
            *(self._bin / "initdb", "-D", self._data, "-U", "chainops", "--pwfile", secret),
            *(
                "--auth-host=scram-sha-256",
                "--auth-local=trust",
                "--encoding=UTF8",
                "--locale=C",
                "--no-sync",
            ),
        ]
        done = subprocess.run(
            command, check=False, capture_output=True, text=True, cwd=self._folder, **self._as_owner()
        )
        if done.returncode:
            raise NoServerError(f"initdb failed: {done.stderr.strip()[-2000:]}")
        settings = {
            "listen_addresses": "'127.0.0.1'",
            "port": str(self.port),
            "unix_socket_directories": f"'{self._folder}'",
            "max_connections": "40",
            "shared_buffers": "'16MB'",
            "fsync": "on",
        }
        with (self._data / "postgresql.conf").open("a") as file:
            file.writelines(f"{name} = {value}\n" for name, value in settings.items())

    def _as_owner(self) -> dict[str, object]:
        if self._owner is None:
            return {}
        return {"user": self._owner.pw_uid, "group": self._owner.pw_gid, "extra_groups": []}


def _unprivileged() -> pwd.struct_passwd:
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise NoServerError("PostgreSQL does not run as root, and there is no user `postgres` or `nobody`")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
