"""Steers a run from another process: asks its runner to pause or end it, and ends it where that is dead."""

from __future__ import annotations

import getpass
import socket
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from chainops.app.runs import RunView, Standing
from chainops.app.state import RunState
from chainops.artifacts.runs import run_dir
from chainops.core.clock import Clock
from chainops.core.errors import ExitCode, InputError, MachineError
from chainops.core.text import plural
from chainops.pipeline.claims import RunHeldError, this_runner
from chainops.pipeline.events import AttemptLost, CancelRequested, Event, PauseRequested, RunFinished
from chainops.pipeline.model import RunRecord, RunStatus, StageStatus

#: how often it is looked whether a request was obeyed
POLL_S = 0.1
#: what ending a run may take: seconds for its tools, and for a runner that is slow to hear of it
CANCEL_WAIT_S = 20.0


class NotRunningError(InputError):
    """What was asked for makes no sense where the run stands."""

    code = "RUN106"


class SilentRunnerError(MachineError):
    """A runner that lives does not do what it was asked for."""

    code = "RUN302"


@dataclass(frozen=True, slots=True, kw_only=True)
class Steered:
    """What became of a request."""

    run: RunRecord
    standing: Standing
    #: the run is as it was asked to be; else it will be when its running stages have ended
    obeyed: bool
    #: it was ended from here, as its runner could not
    by_us: bool = False


def this_person() -> str:
    """Return who asks, for the record: `user@host`."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # no account for this uid, as in many containers
        user = "unknown"
    return f"{user}@{socket.gethostname()}"


class Steering:
    """One person at one run."""

    def __init__(
        self,
        state: RunState,
        run_id: str,
        *,
        by: str,
        clock: Clock,
        sleep: Callable[[float], Awaitable[None]],
        say: Callable[[str], None],
        end_processes: Callable[[str], tuple[int, ...]],
    ) -> None:
        """`end_processes` ends all processes whose marker begins so, and returns their pids."""
        self._state = state
        self._view = RunView(state, run_id)
        self._run_id = run_id
        self._by = by
        self._clock = clock
        self._sleep = sleep
        self._say = say
        self._end_processes = end_processes

    async def pause(self, wait_s: float) -> Steered:
        """Let the running stages finish and start no more; wait for that up to `wait_s` seconds.

        Raises `NotRunningError` where nobody runs the run.
        """
        view, until_s = self._view, self._clock.monotonic_s() + wait_s
        stands = view.standing
        if stands is not Standing.RUNNING:
            raise self._nothing_to("pause", stands)
        told = False
        while stands is Standing.RUNNING:
            self._request(
                PauseRequested(at=self._clock.now(), by=self._by), requested=view.run.pause_requested
            )
            if self._clock.monotonic_s() >= until_s:
                return Steered(run=view.run, standing=stands, obeyed=False)
            if not told and (running := _running(view.run)):
                self._say(f"run {self._run_id} pauses when {', '.join(running)} has ended")
                told = True
            await self._sleep(POLL_S)
            stands = view.update().standing
        if stands is Standing.INTERRUPTED:
            raise self._nothing_to("pause", stands)
        return Steered(run=view.run, standing=stands, obeyed=stands is Standing.PAUSED)

    async def cancel(self, wait_s: float = CANCEL_WAIT_S) -> Steered:
        """End the run and all that it started: through its runner while that lives, else by ourselves.

        Raises `NotRunningError` when it has ended, `SilentRunnerError` when its runner does not end it within
        `wait_s` seconds.
        """
        view, until_s, by_us = self._view, self._clock.monotonic_s() + wait_s, False
        if view.standing in (Standing.SUCCESS, Standing.FAILED, Standing.CANCELLED):
            raise self._nothing_to("cancel", view.standing)
        while (stands := view.update().standing) in (Standing.RUNNING, Standing.INTERRUPTED, Standing.PAUSED):
            if stands is not Standing.RUNNING:
                by_us = self._close() or by_us
                continue
            self._request(
                CancelRequested(at=self._clock.now(), by=self._by), requested=view.run.cancel_requested
            )
            if self._clock.monotonic_s() >= until_s:
                raise self._silent(wait_s)
            await self._sleep(POLL_S)
        while view.holder and view.holder.alive and self._clock.monotonic_s() < until_s:
            await self._sleep(POLL_S)
        return Steered(run=view.run, standing=stands, obeyed=stands is Standing.CANCELLED, by_us=by_us)

    def _request(self, event: Event, *, requested: bool) -> None:
        """Ask; once more when the run was taken up in between, which forgets what was asked before."""
        if not requested:
            self._state.journal.append(self._run_id, event)
            self._view.update()

    def _close(self) -> bool:
        """End a run that nobody runs; False when somebody took it up at this moment, who is asked instead."""
        runner = this_runner(self._clock.now())
        dead = self._view.holder
        try:
            self._state.claims.claim(self._run_id, runner)
        except RunHeldError:
            return False
        try:
            if dead and dead.runner.host != runner.host:
                self._say(f"processes that the run left on {dead.runner.host} cannot be ended from here")
            if ended := self._end_processes(f"{self._run_id}/"):
                self._say(f"ended {plural(len(ended), 'process', 'processes')} that the run had left")
            self._view.update()
            closing = self._closing()
            if closing:
                self._state.journal.append(self._run_id, *closing, runner=runner.token)
            return bool(closing)
        finally:
            self._state.claims.release(self._run_id, runner.token)

    def _closing(self) -> tuple[Event, ...]:
        run, now = self._view.run, self._clock.now()
        if run.status not in (RunStatus.RUNNING, RunStatus.PAUSED):
            return ()
        lost = (
            AttemptLost(at=now, stage=s.node.name, attempt=s.attempts[-1].attempt)
            for s in run.stages
            if s.status is StageStatus.RUNNING
        )
        end = RunFinished(at=now, status=RunStatus.CANCELLED, exit_code=ExitCode.CANCELLED.value)
        return (CancelRequested(at=now, by=self._by), *lost, end)

    def _nothing_to(self, what: str, stands: Standing) -> NotRunningError:
        run_id = self._run_id
        if stands is Standing.INTERRUPTED:
            return NotRunningError(
                f"there is nothing to {what}: nobody runs {run_id} any more, it was interrupted",
                hint=f"`chainops runs resume {run_id}` takes it up, `chainops runs cancel {run_id}` ends it",
            )
        if stands is Standing.PAUSED:
            return NotRunningError(
                f"run {run_id} is paused already: {self._view.run.waiting_for}",
                hint=f"`chainops runs resume {run_id}` goes on with it",
            )
        return NotRunningError(
            f"there is nothing to {what}: run {run_id} has ended: {stands.value}",
            hint=f"`chainops runs rerun {run_id}` runs it again, or its failed stages alone with --failed",
        )

    def _silent(self, wait_s: float) -> SilentRunnerError:
        holder = self._view.holder
        who = f"process {holder.runner.pid} on {holder.runner.host}" if holder else "its runner"
        return SilentRunnerError(
            f"run {self._run_id} was asked to end, and {who} has not ended it for {wait_s:.0f} seconds",
            hint="end that process (kill -9 is safe for the run) and cancel once more",
        )


def _running(run: RunRecord) -> list[str]:
    return [s.node.name for s in run.stages if s.status is StageStatus.RUNNING]


def rewrite_reports(run: RunRecord, workspace: Path, env: Mapping[str, str]) -> None:
    """Write the reports of a run that another than its runner ended, where it has run. Raises `DiskError`."""
    from chainops.app.reporting import write_run_reports
    from chainops.core.secrets import Masker

    if run_dir(workspace, run.run_id).is_dir():  # logs and outcomes were masked when they were written
        write_run_reports(run, workspace, Masker(), env)
