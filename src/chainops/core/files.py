"""Files that are either whole or absent, and failures of the disk in words."""

from __future__ import annotations

import contextlib
import errno
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from chainops.core.errors import MachineError


class DiskError(MachineError):
    """The disk is full, read-only or failing."""

    code = "DSK301"


_HINTS = {
    errno.ENOSPC: "free some space and run it again; nothing recorded so far is lost",
    errno.EROFS: "the file system is read-only; choose a workspace that can be written",
    errno.EACCES: "the folder cannot be written; check its owner and mode",
    errno.EPERM: "the folder cannot be written; check its owner and mode",
    errno.EEXIST: "a file stands where a folder is needed; move it away",
    errno.ENOTDIR: "a file stands where a folder is needed; move it away",
    errno.EISDIR: "a folder stands where a file is needed; move it away",
    errno.EIO: "the disk is failing; see the system's log",
    errno.EDQUOT: "the disk quota is used up; free some space and run it again",
}


@contextlib.contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """Turn the disk's refusals (full, read-only, forbidden) into `DiskError`; let other errors pass."""
    try:
        yield
    except OSError as error:
        if error.errno not in _HINTS:
            raise
        raise DiskError(f"cannot write {path}: {error.strerror}", hint=_HINTS[error.errno]) from error


def from_os_error(error: OSError) -> DiskError:
    """Return the system's refusal in our words, for errors that nobody nearer has named."""
    where = f" ({error.filename})" if error.filename else ""
    return DiskError(
        f"the system refused: {error.strerror or error}{where}", hint=_HINTS.get(error.errno or 0, "")
    )


def write_atomic(path: Path, data: bytes, *, mode: int = 0o644) -> None:
    """Write `path` so that a reader, or a crash, sees the old content or the new, never a part.

    Raises `DiskError` when the disk refuses.
    """
    with disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            Path(name).chmod(mode)
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise


def sync_folder(folder: Path) -> None:
    """Make a new or renamed file's name durable: a folder is a file of its own (fsync(2))."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
