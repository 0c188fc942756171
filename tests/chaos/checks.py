"""What must hold of every run at its end, whatever happened to its runners, and how two ends are compared."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chainops.artifacts.ports import read
from chainops.artifacts.runs import open_manifest, open_store
from chainops.core.serial import to_json
from chainops.pipeline.events import (
    AttemptFinished,
    AttemptLost,
    AttemptStarted,
    Event,
    RunFinished,
    RunStarted,
)
from chainops.pipeline.model import RunRecord, StageStatus
from chaos.harness import TERMINAL, Case
from chaos.scripted import lines


def essence(case: Case, record: RunRecord) -> dict[str, Any]:
    """Return what two runs of one graph must agree in: everything but times, numbers of attempts, ids."""
    stages = {
        s.node.name: {
            "status": s.status.value,
            "reason": s.reason,
            "blocked": s.blocked,
            "verdicts": to_json(s.verdicts),
            "outcome": to_json(s.outcome),
            "failed": sum(a.status is StageStatus.FAILED for a in s.attempts),
            "succeeded": sum(a.status is StageStatus.SUCCESS for a in s.attempts),
        }
        for s in record.stages
    }
    manifest = open_manifest(case.workspace, case.run_id)
    store = open_store(case.workspace)
    return {
        "status": record.status.value,
        "exit_code": record.exit_code,
        "waiting_for": record.waiting_for,
        "verdicts": to_json(record.verdicts),
        "stages": stages,
        "approvals": sorted((a.stage, a.digest, a.by) for a in record.approvals),
        "artifacts": sorted((a.name, a.digest, len(read(store, a.digest))) for a in manifest.entries()),
        "chain": sorted(line.partition(":")[0] for line in lines(case.workspace / "chain")),
    }


def check(case: Case, record: RunRecord) -> None:
    """Fail unless the run ended as every run must, whatever happened to its runners."""
    assert record.status.value in TERMINAL
    assert record.ended_at is not None
    _check_entries(case)
    _check_ledger(case)
    _check_nothing_lost(case)
    with case.state() as state:
        assert state.claims.holder(case.run_id) is None, "the run is still claimed"
    assert processes(f"{case.run_id}/") == {}, "tools of the run are left"


def _check_entries(case: Case) -> None:
    entries = case.entries()
    assert [e.seq for e in entries] == list(range(1, len(entries) + 1))
    with case.state() as state:
        check_events(state.journal.read(case.run_id), kills=sum(e.killed or bool(e.err) for e in case.ends))


def check_events(events: Sequence[Event], *, kills: int) -> None:
    """Fail unless each attempt began and ended once, and no stage succeeded twice."""
    assert isinstance(events[0], RunStarted)
    assert sum(isinstance(e, RunStarted) for e in events) == 1
    assert isinstance(events[-1], RunFinished)
    started = Counter((e.stage, e.attempt) for e in events if isinstance(e, AttemptStarted))
    ended = Counter((e.stage, e.attempt) for e in events if isinstance(e, AttemptFinished | AttemptLost))
    assert set(started.values()) == {1}, started
    assert started == ended, "an attempt was not ended, or more than once"
    done = [e for e in events if isinstance(e, AttemptFinished) and e.outcome.status is StageStatus.SUCCESS]
    twice = {stage for stage, times in Counter(e.stage for e in done).items() if times > 1}
    assert not twice, f"succeeded more than once: {twice}"
    lost = sum(isinstance(e, AttemptLost) for e in events)
    assert kills or not lost, "an attempt is called lost, and no runner died"


def _check_ledger(case: Case) -> None:
    """What the tools say they did: each attempt once, after its start was journaled, one after the other."""
    with case.state() as state:
        events = state.journal.read(case.run_id)
    journaled = {(e.stage, e.attempt) for e in events if isinstance(e, AttemptStarted)}
    newest: dict[str, int] = {}
    seen: Counter[tuple[str, str, int]] = Counter()
    for line in lines(case.workspace / "ledger"):
        what, stage, attempt, _ = line.split()
        number = int(attempt)
        seen[what, stage, number] += 1
        assert what != "beside", f"attempt {number} of {stage} began beside what an earlier one left"
        assert (stage, number) in journaled, f"attempt {number} of {stage} ran before it was journaled"
        assert number >= newest.get(stage, 0), f"attempt {number} of {stage} went on beside a later one"
        newest[stage] = number
    assert set(seen.values()) <= {1}, f"a tool ran twice in one attempt: {seen}"
    sent = lines(case.workspace / "chain")
    assert len({line.partition(":")[0] for line in sent}) == len(sent), (
        f"a transaction was sent twice: {sent}"
    )


def _check_nothing_lost(case: Case) -> None:
    entries, logs, ledger = case.entries(), case.logs(), lines(case.workspace / "ledger")
    for moment in case.moments:
        assert entries[: len(moment.entries)] == moment.entries, "what was journaled has changed"
        for path, log in moment.logs.items():
            assert logs.get(path, b"").startswith(log), f"{path} has lost what it said"
        again = {line.split()[1] for line in ledger[moment.ledger_lines :] if line.startswith("start ")}
        assert not again & moment.succeeded, f"run again after success: {again & moment.succeeded}"


def processes(mark: str) -> dict[int, str]:
    """Return the living processes that carry a mark, by pid, with their command line (proc(5))."""
    found = {}
    wanted = f"CHAINOPS_ATTEMPT={mark}".encode()
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        with suppress(OSError):
            marked = any(v.startswith(wanted) for v in (entry / "environ").read_bytes().split(b"\0"))
            if marked and (entry / "stat").read_bytes().rpartition(b")")[2].split()[0] not in (b"Z", b"X"):
                found[int(entry.name)] = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
    return found


@dataclass(frozen=True, kw_only=True)
class Undisturbed:
    """How a graph's run goes when nobody disturbs it."""

    essence: dict[str, Any]
    #: durable writes of each of its runners
    writes: tuple[int, ...]
    #: seconds from the first runner's start to the last one's end
    length_s: float


def undisturbed(workspace: Path, graph: str) -> Undisturbed:
    """Execute a run that nobody disturbs."""
    case = Case(workspace=workspace, graph=graph)
    started_s = time.monotonic()
    record = case.to_the_end()
    length_s = time.monotonic() - started_s
    check(case, record)
    writes = tuple(int(e.result["writes"]) for e in case.ends)
    return Undisturbed(essence=essence(case, record), writes=writes, length_s=length_s)


def check_same(case: Case, record: RunRecord, expected: Undisturbed) -> None:
    """Fail unless the run ended as it must, and as the undisturbed one did."""
    check(case, record)
    assert essence(case, record) == expected.essence
