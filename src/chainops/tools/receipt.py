"""What an installation left, written last: a folder without it, or that differs from it, is no tool."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from chainops.core.files import write_atomic
from chainops.core.hashing import digest_bytes, digest_file
from chainops.core.serial import from_json, to_json

RECEIPT = "receipt.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class InstalledFile:
    """One file or symbolic link of a tool; a link's digest is that of its target's name."""

    path: str
    size_bytes: int
    mtime_ns: int
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """All files of an installed tool."""

    name: str
    version: str
    #: of the lock entry that was installed
    lock_digest: str
    #: of the package, or of the lock of all packages
    package_digest: str
    files: tuple[InstalledFile, ...]
    #: what the installer wants to know later, such as a compiler's full version
    facts: dict[str, str]


def _walk(folder: Path) -> Iterator[Path]:
    for parent, folders, files in os.walk(folder):
        links = [name for name in folders if (Path(parent) / name).is_symlink()]
        for name in (*files, *links):
            yield Path(parent) / name


def describe_file(folder: Path, path: Path) -> InstalledFile:
    """Return what a receipt holds of one file."""
    status = path.lstat()
    target = str(path.readlink()).encode() if path.is_symlink() else None
    return InstalledFile(
        path=path.relative_to(folder).as_posix(),
        size_bytes=status.st_size,
        mtime_ns=status.st_mtime_ns,
        digest=digest_file(path) if target is None else digest_bytes(target),
    )


def take_inventory(folder: Path) -> tuple[InstalledFile, ...]:
    """Return all files under `folder`, hashed, in a stable order; the receipt itself apart."""
    paths = sorted(p for p in _walk(folder) if p != folder / RECEIPT)
    return tuple(describe_file(folder, path) for path in paths)


def write_receipt(folder: Path, receipt: Receipt) -> None:
    """Write the receipt into `folder`, durably."""
    write_atomic(folder / RECEIPT, json.dumps(to_json(receipt)).encode())


def read_receipt(folder: Path) -> Receipt | None:
    """Return the receipt of an installed tool, or None when there is none that can be read."""
    try:
        return from_json(Receipt, json.loads((folder / RECEIPT).read_bytes()))
    except (OSError, ValueError, TypeError, KeyError):
        return None


def differences(folder: Path, receipt: Receipt, *, thorough: bool) -> tuple[str, ...]:
    """Return what differs from the receipt, a line each.

    `thorough` hashes every file and looks for added ones; otherwise size and time are compared, and only a
    file whose time changed (a copied cache) is hashed.
    """
    found = []
    for file in receipt.files:
        reason = _difference(folder, file, thorough=thorough)
        if reason:
            found.append(f"{file.path}: {reason}")
    if thorough:
        known = {file.path for file in receipt.files}
        added = (p.relative_to(folder).as_posix() for p in _walk(folder) if p != folder / RECEIPT)
        found += [f"{path}: added" for path in sorted(added) if path not in known]
    return tuple(found)


def _difference(folder: Path, file: InstalledFile, *, thorough: bool) -> str:
    path = folder / file.path
    try:
        status = path.lstat()
        if path.is_symlink():
            path.stat()  # the target has to exist
        if status.st_size != file.size_bytes:
            return "size differs"
        if not thorough and status.st_mtime_ns == file.mtime_ns:
            return ""
        return "" if describe_file(folder, path).digest == file.digest else "content differs"
    except OSError as error:
        return f"missing ({error.strerror})"
