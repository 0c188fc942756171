"""The user-wide cache: one isolated folder a tool, complete or absent, whoever installs at the same time."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path

from chainops.core.files import disk_errors
from chainops.core.locks import LockedError, file_lock
from chainops.tools.errors import ChangedToolError
from chainops.tools.lockfile import LockedTool
from chainops.tools.receipt import Receipt, differences, read_receipt, take_inventory, write_receipt

#: fills an empty folder with a tool and returns facts for its receipt
Fill = Callable[[Path], Awaitable[dict[str, str]]]

_LOCK_POLL_S = 0.1


def default_cache_dir(environ: Mapping[str, str] | None = None) -> Path:
    """Return `$CHAINOPS_CACHE_DIR`, else `$XDG_CACHE_HOME/chainops`, else `~/.cache/chainops`."""
    env = os.environ if environ is None else environ
    if env.get("CHAINOPS_CACHE_DIR"):
        return Path(env["CHAINOPS_CACHE_DIR"]).expanduser().absolute()
    if env.get("XDG_CACHE_HOME"):
        return Path(env["XDG_CACHE_HOME"]).absolute() / "chainops"
    return Path(env.get("HOME") or Path.home()).absolute() / ".cache" / "chainops"


class ToolCache:
    """Folders of installed tools under `<cache>/tools`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.tools = root / "tools"

    def folder(self, locked: LockedTool) -> Path:
        """Return where a tool lies, installed or not."""
        return self.tools / locked.folder

    def find(self, locked: LockedTool) -> Receipt | None:
        """Return the receipt of an installed tool after a look at its files' sizes and times, None if absent.

        Raises `ChangedToolError` when a file is not as it was installed.
        """
        receipt = read_receipt(self.folder(locked))
        if receipt is None or receipt.lock_digest != locked.digest:
            return None
        self._refuse(locked, differences(self.folder(locked), receipt, thorough=False))
        return receipt

    def verify(self, locked: LockedTool) -> tuple[str, ...]:
        """Hash every file of an installed tool; return what differs, a line each."""
        receipt = read_receipt(self.folder(locked))
        if receipt is None:
            return ("not installed",)
        return differences(self.folder(locked), receipt, thorough=True)

    def _refuse(self, locked: LockedTool, found: tuple[str, ...]) -> None:
        if found:
            more = f" and {len(found) - 1} more" if len(found) > 1 else ""
            raise ChangedToolError(
                f"{locked.name} {locked.version} in {self.folder(locked)} has changed: {found[0]}{more}",
                hint=f"`chainops tools install {install_name(locked)}` installs it anew",
            )

    async def ensure(self, locked: LockedTool, fill: Fill) -> Receipt:
        """Return the receipt of a tool, installing it first when it is absent; one installer at a time.

        Raises what `fill` raises, `ChangedToolError`, `DiskError`.
        """
        found = await asyncio.to_thread(self.find, locked)
        if found:
            return found
        async with self._lock(locked):
            found = await asyncio.to_thread(self.find, locked)
            return found or await self._install(locked, fill)

    async def renew(self, locked: LockedTool, fill: Fill) -> Receipt:
        """Install a tool anew unless all its files are as installed (each is hashed)."""
        async with self._lock(locked):
            if read_receipt(self.folder(locked)) and not await asyncio.to_thread(self.verify, locked):
                return await self._found(locked)
            await asyncio.to_thread(self._discard, self.folder(locked))
            return await self._install(locked, fill)

    async def _found(self, locked: LockedTool) -> Receipt:
        receipt = await asyncio.to_thread(read_receipt, self.folder(locked))
        assert receipt is not None  # noqa: S101 - its presence was checked under the same lock
        return receipt

    @contextlib.asynccontextmanager
    async def _lock(self, locked: LockedTool) -> AsyncIterator[None]:
        path = self.root / "locks" / f"{locked.folder}.lock"
        with disk_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.ExitStack() as held:
            while True:
                try:
                    with disk_errors(path):
                        held.enter_context(file_lock(path, what=f"the installation of {locked.name}"))
                    break
                except LockedError:
                    # waits without holding a thread, so that Ctrl-C ends the wait at once
                    await asyncio.sleep(_LOCK_POLL_S)
            yield

    async def _install(self, locked: LockedTool, fill: Fill) -> Receipt:
        """Fill a folder beside the final one and rename it: a killed installation leaves no tool."""
        await asyncio.to_thread(self._sweep, locked)
        with disk_errors(self.tools):
            self.tools.mkdir(parents=True, exist_ok=True)
            incoming = Path(tempfile.mkdtemp(dir=self.tools, prefix=f".{locked.folder}."))
        try:
            facts = await fill(incoming)
            with disk_errors(incoming):
                receipt = await asyncio.to_thread(self._seal, locked, incoming, facts)
        except BaseException:
            await asyncio.shield(asyncio.to_thread(self._discard, incoming))
            raise
        return receipt

    def _seal(self, locked: LockedTool, folder: Path, facts: dict[str, str]) -> Receipt:
        receipt = Receipt(
            name=locked.name,
            version=locked.version,
            lock_digest=locked.digest,
            package_digest=locked.package_digest,
            files=take_inventory(folder),
            facts=facts,
        )
        write_receipt(folder, receipt)
        folder.chmod(0o755)
        folder.rename(self.folder(locked))
        return receipt

    def _sweep(self, locked: LockedTool) -> None:
        """Remove what killed installations left, and a folder without a receipt."""
        for left in self.tools.glob(f".{locked.folder}.*"):
            self._discard(left)
        if self.folder(locked).exists():
            self._discard(self.folder(locked))

    @staticmethod
    def _discard(folder: Path) -> None:
        if folder.exists():
            with disk_errors(folder):
                shutil.rmtree(folder)


def install_name(locked: LockedTool) -> str:
    """Return the name that `chainops tools install` takes for a tool."""
    return f"solc@{locked.version}" if locked.kind == "solc" else locked.name
