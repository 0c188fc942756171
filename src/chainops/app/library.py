"""The public library: `from chainops import Pipeline` runs what the command runs."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chainops.app.approving import given_on_the_command_line
from chainops.app.config import LoadedConfig, load_config
from chainops.app.config_changes import refuse_changed_config
from chainops.app.history import find_resumable, is_left, refuse_changed_tree
from chainops.app.options import RunOptions
from chainops.app.reopening import reopened_stages
from chainops.app.runs import find_run, load_run
from chainops.app.stage_graph import resumed_nodes, stage_nodes
from chainops.app.state import RunState, open_state
from chainops.app.steering import this_person
from chainops.app.taking_up import dead_runs, end_orphans, taken_up_by_itself
from chainops.core.clock import Clock, SystemClock
from chainops.core.errors import InputError, MachineError
from chainops.core.files import disk_errors, write_atomic
from chainops.core.ids import new_run_id
from chainops.core.locks import LockedError, file_lock
from chainops.core.process_tree import kill_marked, marked_processes
from chainops.pipeline.claims import ClaimLostError, RunHeldError, Runner, this_runner
from chainops.pipeline.conditions import asks_for_changes
from chainops.pipeline.engine import Engine, RunPlan
from chainops.pipeline.events import ApprovalGiven, StagesReopened
from chainops.pipeline.graph import Graph, build_graph
from chainops.pipeline.model import RunRecord, StageNode
from chainops.pipeline.ports import RunWatcher
from chainops.stages.common import PRODUCTION_DEPLOY

if TYPE_CHECKING:
    from chainops.app.wiring import RunWiring


class WorkspaceBusyError(MachineError):
    """Another run is going on in this workspace."""

    code = "RUN301"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResult:
    """A run at its end, or where it waits."""

    record: RunRecord
    #: `result.json`
    document: Mapping[str, Any]
    #: folder of the reports
    report_dir: Path
    reports: tuple[Path, ...] = field(default=())

    @property
    def exit_code(self) -> int:
        """One of `core.errors.ExitCode`."""
        return self.record.exit_code


class Pipeline:
    """One run over one workspace."""

    def __init__(
        self,
        config: LoadedConfig | Mapping[str, Any] | Path | str | None = None,
        workspace: Path | str = ".",
        *,
        options: RunOptions | None = None,
        watchers: tuple[RunWatcher, ...] = (),
        clock: Clock | None = None,
        state: Callable[[Path], AbstractContextManager[RunState]] | None = None,
        say: Callable[[str], None] | None = None,
    ) -> None:
        """Take a loaded config, its values, its file, or nothing to find it in the workspace.

        `state` opens journal and claims of a workspace where they are not to be the configured ones; `say` is
        told what happens to other runs of the workspace, a line each. Raises `InputErrors` with every mistake
        of the config.
        """
        self._workspace = Path(workspace).absolute()
        self._loaded = _loaded(config, self._workspace)
        self._options = options or RunOptions()
        self._watchers = watchers
        self._clock = clock or SystemClock()
        self._open_state = state or (lambda folder: open_state(folder, database=self._loaded.database))
        self._say = say or (lambda _line: None)
        self._by = self._options.approver or this_person()
        self._engine: Engine | None = None
        self._cancelled = False

    async def execute(self) -> RunResult:
        """Run to the end, or to where a person is needed, and write the reports.

        Raises `WorkspaceBusyError` while another run goes on in the workspace, `RunHeldError` while another
        process has the run, `InputError` when there is nothing to resume, its sources changed or there is no
        project, and `MachineError` when the journal or the reports cannot be written.
        """
        self._refuse_no_project()
        with _claimed(self._workspace), self._open_state(self._workspace) as state:
            runner = this_runner(self._clock.now())
            changed = await self._changed()
            plan = self._plan(state, runner, changed)
            try:
                record = await self._run(plan, state, runner)
            except (RunHeldError, ClaimLostError):  # what carries the run's mark is another's
                raise
            except BaseException:
                kill_marked(f"{plan.run_id}/")
                raise
            kill_marked(f"{plan.run_id}/")
            return self._report(record)

    async def _run(self, plan: RunPlan, state: RunState, runner: Runner) -> RunRecord:
        wiring = self._wire(plan.run_id)
        self._engine = Engine(
            plan=plan,
            journal=state.journal,
            attempts=wiring.attempts,
            gatekeeper=wiring.gatekeeper,
            clock=self._clock,
            watchers=self._watchers,
            claims=state.claims,
            runner=runner,
            by=self._by,
            end_orphans=kill_marked,
        )
        if self._cancelled:
            self._engine.cancel()
        return await self._engine.execute()

    @property
    def config_path(self) -> Path | None:
        """The file that the configuration was read from, None without one."""
        return self._loaded.path

    def current_status(self) -> RunRecord | None:
        """Return the run as it stands now; None before it has started."""
        return self._engine.record if self._engine else None

    def cancel(self) -> None:
        """Stop the run: what runs is ended, what was recorded stays."""
        self._cancelled = True
        if self._engine:
            self._engine.cancel()

    def pause(self, by: str = "") -> None:
        """Let the running stages finish and start no more; the run ends paused, and can be taken up."""
        if self._engine:
            self._engine.pause(by or self._by)

    async def _changed(self) -> tuple[str, ...] | None:
        """Return what differs from the base when a condition asks for it; None when nobody does."""
        settings = self._loaded.config.stage_settings().values()
        if self._options.resume or not any(asks_for_changes(s.when) for s in settings):
            return None
        from chainops.app.facts import run_changes

        return await run_changes(self._workspace, self._loaded.config)

    def _plan(self, state: RunState, runner: Runner, changed: tuple[str, ...] | None) -> RunPlan:
        from chainops.app.facts import run_facts

        config = self._loaded.config
        skip = {PRODUCTION_DEPLOY: "--no-production"} if self._options.no_production else {}
        dead = dead_runs(state, self._workspace)
        end_orphans(dead, marked_processes, kill_marked, self._say)
        facts = replace(run_facts(self._workspace, config), changed=changed)
        nodes = stage_nodes(config.stage_settings(), facts, skip=skip)
        earlier = self._earlier(state, dead, nodes, ci=facts.ci)
        if earlier is None:
            return self._run_plan(new_run_id(self._clock.now()), build_graph(nodes), self._approvals(None))
        refuse_changed_config(earlier, self._loaded)
        nodes = resumed_nodes(earlier, skip)
        if self._options.rerun or is_left(earlier, nodes):
            refuse_changed_tree(earlier, self._workspace)
        graph = build_graph(nodes)
        if self._options.rerun:
            self._reopen(state, runner, reopened_stages(graph, earlier, self._options.rerun), earlier.run_id)
        if approvals := self._approvals(earlier):
            state.journal.append(earlier.run_id, *approvals)
        return self._run_plan(earlier.run_id, graph)

    def _run_plan(self, run_id: str, graph: Graph, approvals: tuple[ApprovalGiven, ...] = ()) -> RunPlan:
        config, fail_fast = self._loaded.config, self._options.fail_fast
        return RunPlan(
            run_id=run_id,
            pipeline_id=config.pipeline_id,
            project_name=config.project_name,
            workspace=self._workspace,
            graph=graph,
            config=self._loaded.recorded(),
            max_parallel=config.max_parallel,
            fail_fast=config.fail_fast if fail_fast is None else fail_fast,
            approvals=approvals,
        )

    def _earlier(
        self, state: RunState, dead: Sequence[RunRecord], nodes: Sequence[StageNode], *, ci: bool
    ) -> RunRecord | None:
        """Return the run to go on with, None to start a new one."""
        options = self._options
        if options.rerun:
            return load_run(state, find_run(state.journal, options.resume, self._workspace))
        if options.resume:
            return find_resumable(state.journal, options.resume, self._workspace)
        if options.new:
            return None
        return taken_up_by_itself(dead, self._loaded, self._workspace, nodes, self._say, ci=ci)

    def _reopen(self, state: RunState, runner: Runner, stages: tuple[str, ...], run_id: str) -> None:
        """Open stages of a run that nobody else can take up any more: the engine takes the claim over."""
        state.claims.claim(run_id, runner)
        event = StagesReopened(at=self._clock.now(), stages=stages, by=self._by)
        try:
            state.journal.append(run_id, event, runner=runner.token)
        except BaseException:
            state.claims.release(run_id, runner.token)
            raise

    def _approvals(self, run: RunRecord | None) -> tuple[ApprovalGiven, ...]:
        now = self._clock.now()
        return given_on_the_command_line(run, self._options.approve, by=self._by, at=now)

    def _refuse_no_project(self) -> None:
        """Leave nothing behind in a folder without a project; what a project lacks is checkout's to tell."""
        config = self._loaded.config
        if config.repository_url or not self._workspace.is_dir():
            return
        from chainops.project.detect import detect
        from chainops.project.errors import BadProjectError

        with contextlib.suppress(BadProjectError):
            detect(self._workspace, path=config.path, profile=config.foundry.profile)

    def _wire(self, run_id: str) -> RunWiring:
        from chainops.app.wiring import wire

        return wire(
            self._loaded,
            run_id=run_id,
            workspace=self._workspace,
            options=self._options,
            status=self.current_status,
        )

    def _report(self, record: RunRecord) -> RunResult:
        from chainops.app.reporting import write_run_reports

        masker = self._loaded.masker
        document, report_dir, paths = write_run_reports(record, self._workspace, masker, os.environ)
        return RunResult(record=record, document=document, report_dir=report_dir, reports=paths)


def _loaded(config: LoadedConfig | Mapping[str, Any] | Path | str | None, workspace: Path) -> LoadedConfig:
    if isinstance(config, LoadedConfig):
        return config
    if config is None:
        return load_config(workspace)
    if isinstance(config, Path | str):
        return load_config(workspace, path=Path(config))
    return load_config(workspace, data=config)


@contextlib.contextmanager
def _claimed(workspace: Path) -> Iterator[None]:
    """Hold the workspace against other runs; make its state folder, which Git is told to ignore."""
    if not workspace.is_dir():
        raise InputError(f"{workspace} is not a folder", hint="give the folder of the project", code="CFG109")
    state = workspace / ".chainops"
    with disk_errors(state):
        state.mkdir(exist_ok=True)
        if not (state / ".gitignore").exists():
            write_atomic(state / ".gitignore", b"*\n")
    try:
        with file_lock(state / "run.lock", what="the workspace"):
            yield
    except LockedError as error:
        raise WorkspaceBusyError(
            f"another run is going on in {workspace}: {error.message}",
            hint="wait for it, cancel it with Ctrl-C where it runs, or use another checkout",
        ) from error
