"""The small programs that stand for a native solc: forge starts one as it would the real compiler."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

from chainops.core.files import disk_errors, write_atomic

#: The version is answered without starting Node. Node's own stack of 1 MB ends deep recursion of the compiler
#: with a RangeError where the native one has 8 MB and reports the source; half of the usual 8 MB is safe.
_TEXT = """\
#!/bin/sh
if [ "$1" = --version ]; then
  printf '%s\\n' {reported}
  exit 0
fi
stack=$(ulimit -s)
if [ "$stack" = unlimited ] || [ "$stack" -ge 8192 ]; then
  exec {node} --no-warnings --stack-size=3900 {script} "$@"
fi
exec {node} --no-warnings {script} "$@"
"""


def launcher_text(*, reported: str, node: tuple[str, ...], script: tuple[str, ...]) -> str:
    """Return a shell script that says `reported` to `--version` and passes all else to our shim."""
    return _TEXT.format(reported=shlex.quote(reported), node=shlex.join(node), script=shlex.join(script))


def write_program(path: Path, text: str) -> None:
    """Write an executable script unless it is there already. Raises `DiskError`."""
    data = text.encode("utf-8", "surrogateescape")
    try:
        if path.read_bytes() == data and os.access(path, os.X_OK):
            return
    except OSError:
        pass  # not there, or not to be read: it is written anew, and that says what is wrong
    write_atomic(path, data, mode=0o755)


def place_solc(home: Path, version: str, program: Path) -> None:
    """Link `program` as `home/.svm/X.Y.Z/solc-X.Y.Z`, where forge looks before it asks the network."""
    link = home / ".svm" / version / f"solc-{version}"
    with disk_errors(link):
        link.parent.mkdir(parents=True, exist_ok=True)
        if link.is_symlink() and link.readlink() == program:
            return
        fresh = link.with_name(f".{link.name}.{os.getpid()}")
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(program)
        fresh.replace(link)
