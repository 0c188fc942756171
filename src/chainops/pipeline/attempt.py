"""One attempt at a stage: its folder, its log, its time limit, and nothing left running afterwards."""

from __future__ import annotations

import asyncio
import os
import shutil
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

from chainops.artifacts.model import ArtifactSink
from chainops.core.errors import ChainopsError, ExitCode, InputErrors, MachineError
from chainops.core.files import from_os_error
from chainops.core.process_tree import kill_left_over, kill_marked
from chainops.core.secrets import Masker
from chainops.core.serial import to_json
from chainops.core.sink import Sink
from chainops.core.text import folder_name
from chainops.core.units import format_duration
from chainops.pipeline.logs import AttemptLog
from chainops.pipeline.matrix import upstream_of
from chainops.pipeline.model import FailureKind, Outcome, StageContext, StageNode, StageStatus
from chainops.pipeline.ports import Stage

_FAILURES = {ExitCode.FAILED: FailureKind.PROJECT, ExitCode.USAGE: FailureKind.CONFIG}


class AttemptRunner(Protocol):
    """Executes attempts: on this machine now, on workers later."""

    async def run(
        self,
        node: StageNode,
        attempt: int,
        upstream: Mapping[str, Outcome],
        *,
        output: Callable[[bytes], None],
    ) -> Outcome:
        """Run one attempt to its end; cancelling the call ends it and everything that it started."""


class LocalAttemptRunner:
    """Runs stages in this process, their tools beside it."""

    def __init__(
        self,
        *,
        run_id: str,
        workspace: Path,
        stages: Callable[[StageNode], Stage],
        artifacts: Callable[[str], ArtifactSink],
        masker: Masker,
    ) -> None:
        self._run_id = run_id
        self._workspace = workspace
        self._runs = workspace / ".chainops" / "runs" / run_id
        self._stages = stages
        self._artifacts = artifacts
        self._masker = masker

    async def run(
        self,
        node: StageNode,
        attempt: int,
        upstream: Mapping[str, Outcome],
        *,
        output: Callable[[bytes], None],
    ) -> Outcome:
        """Run one attempt; see `AttemptRunner.run`."""
        folder = self._runs / folder_name(node.name)
        scratch = folder / f"{attempt}"
        marker = f"{self._run_id}/{node.name}/{attempt}/"
        try:
            with AttemptLog(folder / f"{attempt}.log", self._masker, watch=output) as log:
                context = self._context(
                    node, attempt, upstream, scratch=scratch, marker=marker, log=log.write
                )
                if attempt > 1:  # what an attempt left behind whose runner was killed
                    kill_marked(f"{self._run_id}/{node.name}/")
                    for earlier in range(1, attempt):
                        shutil.rmtree(folder / f"{earlier}", ignore_errors=True)
                outcome = await self._limited(node, context)
                to_json(outcome)  # refused here, what cannot be journaled fails this stage and not the run
                return self._masker.value(outcome)
        except ChainopsError as error:
            return failed_outcome(error, self._masker)
        except OSError as error:
            ours = error.errno is None  # raised by code, not by the system
            cause = self._our_fault(folder, attempt, error) if ours else from_os_error(error)
            return failed_outcome(cause, self._masker)
        except Exception as error:  # noqa: BLE001 - a mistake of ours in one stage must not lose the run
            return failed_outcome(self._our_fault(folder, attempt, error), self._masker)
        finally:
            kill_left_over(marker)
            _clear(scratch)

    def _context(
        self,
        node: StageNode,
        attempt: int,
        upstream: Mapping[str, Outcome],
        *,
        scratch: Path,
        marker: str,
        log: Sink,
    ) -> StageContext:
        return AttemptContext(
            run_id=self._run_id,
            stage=node.name,
            attempt=attempt,
            workspace=self._workspace,
            scratch=scratch,
            marker=marker,
            timeout_s=node.timeout_s,
            log=log,
            upstream=upstream_of(node, upstream),
            artifacts=self._artifacts(node.name),
            cell=node.cell,
        )

    def _our_fault(self, folder: Path, attempt: int, error: Exception) -> ChainopsError:
        log = folder / f"{attempt}.log"
        with log.open("ab") as file:
            file.write(self._masker.mask("".join(traceback.format_exception(error)).encode()))
        return MachineError(
            f"chainops itself failed: {type(error).__name__}: {error}".rstrip(": "),
            code="PIP399",
            hint=f"please report it with the log {log}",
        )

    async def _limited(self, node: StageNode, context: StageContext) -> Outcome:
        try:
            async with asyncio.timeout(node.timeout_s) as limit:
                return await self._stages(node).run(context)
        except TimeoutError:
            if not limit.expired():
                raise
            reason = f"the time limit of {format_duration(node.timeout_s)} was reached"
            context.say(reason)
            return Outcome(
                status=StageStatus.FAILED,
                reason=reason,
                failure=FailureKind.MACHINE,
                code="PIP302",
                hint=f"raise `stages.{node.stage}.timeout_s`, or see in the log what it was waiting for",
            )
        except ChainopsError as error:
            context.say(self._masker.text(str(error)))
            raise


class AttemptContext(StageContext):
    """A context whose scratch folder is made when the stage first asks for it: many need none."""

    __slots__ = ("_folder", "_is_made")
    _folder: Path
    _is_made: bool

    @property
    def scratch(self) -> Path:
        """The attempt's own folder. Raises OSError when it cannot be made."""
        if not self._is_made:
            self._folder.mkdir(exist_ok=True)
            object.__setattr__(self, "_is_made", True)
        return self._folder

    @scratch.setter
    def scratch(self, folder: Path) -> None:
        object.__setattr__(self, "_folder", folder)  # the class is frozen: this is its own `__init__`
        object.__setattr__(self, "_is_made", False)


def _clear(folder: Path) -> None:
    """Remove the folder unless it is empty: removing one waits for the disk while others write to it."""
    try:
        with os.scandir(folder) as entries:
            if next(entries, None) is None:
                return
    except FileNotFoundError:
        return
    except OSError:
        pass
    shutil.rmtree(folder, ignore_errors=True)


def failed_outcome(error: ChainopsError, masker: Masker) -> Outcome:
    """Turn an error into the outcome of its stage, secrets masked."""
    message = str(error) if isinstance(error, InputErrors) else error.message
    return Outcome(
        status=StageStatus.FAILED,
        reason=masker.text(message),
        failure=_FAILURES.get(error.exit_code, FailureKind.MACHINE),
        code=error.code,
        hint=masker.text(error.hint),
        places=(error.place,) if error.place else (),
    )
