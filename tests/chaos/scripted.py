"""Stages that run small real programs, each of which writes in a ledger what it did: the witness outside."""

from __future__ import annotations

import fcntl
import json
import os
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from chainops.artifacts.run import RunArtifacts
from chainops.artifacts.runs import open_manifest, open_store, run_dir
from chainops.core.files import disk_errors
from chainops.core.hashing import digest_json
from chainops.core.process import Command, LocalProcessRunner
from chainops.core.process_tree import marked_processes
from chainops.pipeline.model import (
    FailureKind,
    Outcome,
    RunRecord,
    StageContext,
    StageNode,
    StageStatus,
)
from chainops.quality.model import Verdict
from chaos.killing import Switch

#: every tool says hello, notes its start, works, leaves a result made of what it was given, notes its end
TOOL = """
ledger=$1 stage=$2 attempt=$3 given=$4 pace=$5 fails=$6
echo "$stage works, attempt $attempt"
echo "start $stage $attempt $$" >> "$ledger"
test "$pace" = 0 || sleep "$pace"
test "$fails" = 0 || { echo "end $stage $attempt $$" >> "$ledger"; exit 1; }
echo "$stage of $given" > result
echo "end $stage $attempt $$" >> "$ledger"
"""

#: leaves a grandchild in a session of its own, twice forked, and works until the file `until` is there, or
#: for a second or two: what would make that file may have been paused. It never outlives its folder
LONG_TOOL = """
ledger=$1 stage=$2 attempt=$3 given=$4 until=$5
echo "$stage works, attempt $attempt"
echo "start $stage $attempt $$" >> "$ledger"
(setsid sh -c 'echo "grandchild $1 $2 $$" >> "$0"; exec sleep 600' "$ledger" "$stage" "$attempt" \
    > /dev/null 2>&1 < /dev/null &)
n=0
while ! grep -q "^grandchild $stage $attempt " "$ledger"; do
    test -e "$ledger" && test $n -lt 3000 || exit 1
    sleep 0.01
    n=$((n + 1))
done
n=0
while ! test -e "$until" && test $n -lt 100; do sleep 0.01; n=$((n + 1)); done
echo "$stage of $given" > result
echo "end $stage $attempt $$" >> "$ledger"
"""

#: what a node does with a transaction: slow enough to be caught in the middle
SEND_TOOL = """
test "$3" = 0 || sleep "$3"
echo "$2" >> "$1"
"""


@dataclass(frozen=True, kw_only=True)
class Bench:
    """What the scripted stages of one process share."""

    workspace: Path
    run_id: str
    switch: Switch
    status: Callable[[], RunRecord | None]
    pace_s: float = 0.0
    runner: LocalProcessRunner = field(default_factory=LocalProcessRunner)

    @property
    def ledger(self) -> Path:
        return self.workspace / "ledger"

    @property
    def chain(self) -> Path:
        return self.workspace / "chain"

    def artifacts(self, stage: str) -> RunArtifacts:
        manifest = open_manifest(self.workspace, self.run_id)
        return RunArtifacts(store=open_store(self.workspace), manifest=manifest, stage=stage)

    def failures(self, stage: str) -> int:
        """How often the journal says that a stage failed."""
        record = self.status()
        attempts = record.stage(stage).attempts if record else ()
        return sum(a.status is StageStatus.FAILED for a in attempts)

    async def tool(self, context: StageContext, script: str, *arguments: object) -> int:
        command = Command(
            argv=("/bin/sh", "-c", script, context.stage, *map(str, arguments)),
            cwd=context.scratch,
            env={"PATH": os.environ["PATH"]},
            marker=context.marker,
            timeout_s=60,
        )
        return (await self.runner.run(command, context.log)).returncode


def given(context: StageContext, needs: Sequence[str]) -> str:
    """Name what a stage stands on, as its tool is told it."""
    return digest_json({need: context.upstream[need].outputs for need in sorted(needs)})


@dataclass(frozen=True, kw_only=True)
class ToolStage:
    """Runs its tool, which fails as often as it is told, and keeps what the tool left."""

    bench: Bench
    name: str
    needs: tuple[str, ...]
    #: how many attempts fail, and through whose fault
    fails: int = 0
    failure: FailureKind = FailureKind.MACHINE
    #: a file that says when a long tool is done
    until: str = ""

    async def run(self, context: StageContext) -> Outcome:
        bench = self.bench
        for earlier in range(1, context.attempt):
            for pid in marked_processes(f"{context.run_id}/{self.name}/{earlier}/"):
                append_line(bench.ledger, f"beside {self.name} {context.attempt} {pid}")
        fails = int(bench.failures(self.name) < self.fails)
        last = (bench.workspace / self.until,) if self.until else (bench.pace_s, fails)
        arguments = (bench.ledger, self.name, context.attempt, given(context, self.needs), *last)
        if await bench.tool(context, LONG_TOOL if self.until else TOOL, *arguments):
            return Outcome(status=StageStatus.FAILED, failure=self.failure, reason=f"{self.name} broke")
        result = context.scratch / "result"
        artifact = context.artifacts.put_file(f"{self.name}/result.txt", result, kind="test-report")
        (bench.workspace / f"{self.name}.done").touch()
        return Outcome(
            status=StageStatus.SUCCESS,
            outputs={"digest": artifact.digest},
            artifacts=(artifact,),
        )


@dataclass(frozen=True, kw_only=True)
class DeployStage:
    """Sends transactions to the chain file, each once, by a journal that is written ahead of them.

    An id is drawn when a transaction is signed: whoever signs twice or sends twice is seen in the file.
    """

    bench: Bench
    name: str
    needs: tuple[str, ...]
    transactions: int = 3

    async def run(self, context: StageContext) -> Outcome:
        path = run_dir(context.workspace, context.run_id) / self.name / "wal.jsonl"
        signed = {e["label"]: e["id"] for e in read_lines(path) if e["kind"] == "signed"}
        confirmed = {e["label"] for e in read_lines(path) if e["kind"] == "confirmed"}
        for number in range(self.transactions):
            label = f"{self.name}-{number}"
            if label in confirmed:
                continue
            if label not in signed:
                signed[label] = f"{label}:{uuid.uuid4().hex}"
                self._note(path, kind="signed", label=label, id=signed[label])
            if signed[label] not in lines(self.bench.chain):
                await self.bench.tool(context, SEND_TOOL, self.bench.chain, signed[label], self.bench.pace_s)
            self._note(path, kind="confirmed", label=label)
        return Outcome(
            status=StageStatus.SUCCESS,
            reason=f"{self.transactions} transactions",
            outputs={"given": given(context, self.needs), "transactions": self.transactions},
        )

    def _note(self, path: Path, **entry: str) -> None:
        self.bench.switch.commit(lambda: append_line(path, json.dumps(entry)))


@dataclass(frozen=True, kw_only=True)
class ApprovedStage:
    """Waits until somebody agreed to the digest of what it stands on, then does the other stage's work."""

    bench: Bench
    work: ToolStage | DeployStage

    @property
    def name(self) -> str:
        return self.work.name

    async def run(self, context: StageContext) -> Outcome:
        digest = f"sha256:{given(context, self.work.needs).removeprefix('sha256:')}"
        record = self.bench.status()
        if record and any(a.stage == self.name and a.digest == digest for a in record.approvals):
            return await self.work.run(context)
        return Outcome(
            status=StageStatus.WAITING,
            reason=f"{self.name} waits for an approval",
            outputs={"plan_digest": digest},
        )


class NoGates:
    """Judges nothing."""

    def judge(self, node: StageNode, outcome: Outcome) -> tuple[Verdict, ...]:
        return ()

    def judge_missing(self, verdicts: Sequence[Verdict]) -> tuple[Verdict, ...]:
        return ()


#: ten stages with everything that a run can have: siblings, retries, an allowed failure, an effect, a wait
TEN = (
    StageNode(name="checkout"),
    StageNode(name="install", needs=("checkout",)),
    StageNode(name="compile", needs=("install",)),
    StageNode(name="tests", needs=("compile",), retries=2),
    StageNode(name="lint", needs=("compile",), allow_failure=True),
    StageNode(name="scan", needs=("compile",)),
    StageNode(name="integration", needs=("tests",)),
    StageNode(name="deploy", needs=("integration", "scan"), touches_chain=True),
    StageNode(name="smoke", needs=("deploy",)),
    StageNode(name="release", needs=("smoke",), touches_chain=True),
)
#: a run that fails: one branch breaks for good after its retries, the other goes to its end
BROKEN = (
    StageNode(name="checkout"),
    StageNode(name="tests", needs=("checkout",), retries=1),
    StageNode(name="scan", needs=("checkout",)),
    StageNode(name="docs", needs=("scan",)),
    StageNode(name="left-out", needs=("checkout",), skip_reason="not wanted"),
    StageNode(name="deploy", needs=("tests", "scan"), touches_chain=True),
)
GRAPHS: Mapping[str, tuple[StageNode, ...]] = {"ten": TEN, "broken": BROKEN}


def scripted_stages(bench: Bench, graph: str) -> dict[str, ToolStage | DeployStage | ApprovedStage]:
    """Return the stages of one of `GRAPHS`."""
    nodes = {node.name: node for node in GRAPHS[graph]}
    stages: dict[str, ToolStage | DeployStage | ApprovedStage] = {
        name: ToolStage(bench=bench, name=name, needs=node.needs) for name, node in nodes.items()
    }
    deploy = DeployStage(bench=bench, name="deploy", needs=nodes["deploy"].needs)
    stages["deploy"] = deploy
    tests_fail = 2 if graph == "ten" else 9
    stages["tests"] = ToolStage(bench=bench, name="tests", needs=nodes["tests"].needs, fails=tests_fail)
    until = "tests.done" if graph == "ten" else "checkout.done"
    stages["scan"] = ToolStage(bench=bench, name="scan", needs=nodes["scan"].needs, until=until)
    if graph == "ten":
        stages["lint"] = ToolStage(
            bench=bench, name="lint", needs=("compile",), fails=1, failure=FailureKind.PROJECT
        )
        release = DeployStage(bench=bench, name="release", needs=("smoke",), transactions=2)
        stages["release"] = ApprovedStage(bench=bench, work=release)
    return stages


def append_line(path: Path, line: str) -> None:
    """Append a line that is on disk when this returns. Raises `DiskError`."""
    with disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_DSYNC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            os.write(handle, line.encode() + b"\n")
        finally:
            os.close(handle)


def lines(path: Path) -> list[str]:
    """Return the whole lines of a file that may not be there yet."""
    if not path.exists():
        return []
    whole, _, _ = path.read_text().rpartition("\n")
    return whole.split("\n") if whole else []


def read_lines(path: Path) -> list[dict[str, str]]:
    """Return a file's whole lines as JSON objects."""
    return [json.loads(line) for line in lines(path)]
