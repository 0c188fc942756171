"""Keeps a stage's output folders file by file, and puts them back so that later tools go on with them."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from chainops.artifacts.ports import ArtifactStore
from chainops.core.errors import MachineError
from chainops.core.files import disk_errors
from chainops.pipeline.cache.digests import FileDigests
from chainops.pipeline.cache.model import KeptFile


class UnkeepableError(MachineError):
    """An output folder holds what cannot be given back: a link, a device."""

    code = "CCH301"


def keep_folder(folder: Path, store: ArtifactStore, digests: FileDigests) -> tuple[KeptFile, ...]:
    """Store every file below `folder` and return their list, by path.

    A blob that the cache holds already is not read again. Raises `UnkeepableError`, `DiskError`.
    """
    held = frozenset(store.digests())
    return tuple(_keep(folder, path, store, digests, held) for path in sorted(_files(folder)))


def _keep(
    folder: Path, path: Path, store: ArtifactStore, digests: FileDigests, held: frozenset[str]
) -> KeptFile:
    status = path.lstat()
    known = digests.of(path).digest
    digest, size_bytes = (known, status.st_size) if known in held else store.put_file(path)
    return KeptFile(
        path=path.relative_to(folder).as_posix(),
        digest=digest,
        size_bytes=size_bytes,
        mtime_ns=status.st_mtime_ns,
        mode=stat.S_IMODE(status.st_mode),
    )


def _files(folder: Path) -> Iterator[Path]:
    for where, folders, names in os.walk(folder):
        for name in (*folders, *names):
            path = Path(where) / name
            mode = path.lstat().st_mode
            if stat.S_ISREG(mode):
                yield path
            elif not stat.S_ISDIR(mode):
                raise UnkeepableError(f"{path} is neither a file nor a folder")


def is_in_place(folder: Path, kept: Iterable[KeptFile], digests: FileDigests) -> bool:
    """Whether `folder` holds exactly the files that were kept, with their times."""
    try:
        there = {path.relative_to(folder).as_posix(): path for path in _files(folder)}
    except (UnkeepableError, OSError):
        return False
    files = {file.path: file for file in kept}
    return there.keys() == files.keys() and all(
        path.stat().st_mtime_ns == files[name].mtime_ns and digests.of(path).digest == files[name].digest
        for name, path in there.items()
    )


def restore_folder(folder: Path, kept: Iterable[KeptFile], store: ArtifactStore) -> None:
    """Make `folder` what it was; it is complete or as before, never in between.

    Raises `ArtifactMissingError` or `ArtifactChangedError` when a blob is damaged: then nothing was changed.
    """
    with disk_errors(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        incoming = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}."))
        try:
            incoming.chmod(0o755)
            for file in kept:
                _restore(incoming / file.path, file, store)
            shutil.rmtree(folder, ignore_errors=True)
            incoming.replace(folder)
        finally:
            shutil.rmtree(incoming, ignore_errors=True)


def _restore(path: Path, file: KeptFile, store: ArtifactStore) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("xb") as target:
        for chunk in store.chunks(file.digest):
            target.write(chunk)
    path.chmod(file.mode)
    # forge and the analyzers go by the times of what they find
    os.utime(path, ns=(file.mtime_ns, file.mtime_ns))
