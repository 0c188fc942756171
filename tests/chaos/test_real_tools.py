"""The pipeline with its real tools and chain, killed at every write: same result, no transaction twice."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from acceptance.harness import COUNTER_CONFIG, lay
from chainops.app.state import open_state
from chainops.artifacts.runs import open_manifest, run_dir
from chainops.pipeline.fold import reduce
from chainops.pipeline.model import RunRecord
from chaos.checks import check_events, processes
from chaos.harness import Ended, finish, say, start
from chaos.real import RealOrder
from chaos.scripted import read_lines
from chaos.waiting import until

pytestmark = pytest.mark.chaos

#: no runner of a real run may take longer than this
LIMIT_S = 300.0
#: boundaries are dealt out, so that a failure names a part and parts can be run alone
SHARDS = 4


@dataclass(kw_only=True)
class RealRun:
    """One run of the counter project, executed by one runner after another in a workspace with others."""

    project: Path
    no_cache: bool
    run_id: str = ""
    kills: int = 0

    def order(self, **fields: Any) -> RealOrder:
        return RealOrder(workspace=str(self.project), resume=self.run_id, no_cache=self.no_cache, **fields)

    def run(self, order: RealOrder) -> Ended:
        """Execute a runner."""
        known = self._runs()
        return self._note(finish(start(order), limit_s=LIMIT_S), known)

    def run_until(self, condition: Callable[[Path], bool]) -> Ended:
        """Kill a new run as soon as the condition holds of its folder, or let it end."""
        known = self._runs()
        folders = {p.name for p in (self.project / ".chainops" / "runs").glob("*")}
        process = start(self.order())

        def reached() -> bool:
            new = [p for p in (self.project / ".chainops" / "runs").glob("*") if p.name not in folders]
            return any(map(condition, new)) or process.poll() is not None

        until(reached, "the moment to kill it", LIMIT_S)
        process.kill()
        return self._note(finish(process), known)

    def to_the_end(self) -> RunRecord:
        """Take the run up, without disturbance."""
        ended = self.run(self.order())
        assert ended.code == 0, ended
        return self.record()

    def record(self) -> RunRecord:
        with open_state(self.project) as state:
            return reduce(self.run_id, state.journal.read(self.run_id))

    def _note(self, ended: Ended, known: set[str]) -> Ended:
        assert ended.killed or ended.code == 0, ended
        self.kills += ended.killed
        new = self._runs() - known
        if new:
            (self.run_id,) = new
        return ended

    def _runs(self) -> set[str]:
        with open_state(self.project) as state:
            return {handle.run_id for handle in state.journal.runs()}

    def essence(self) -> dict[str, Any]:
        """Return what two runs must agree in: what is on the chain, what the deployment journal says."""
        record = self.record()
        deploy = record.stage("contract-deploy").outcome
        assert deploy
        contracts = [
            {k: c[k] for k in ("name", "fqn", "address", "code_digest", "code_matches")}
            for c in deploy.outputs["contracts"]
        ]
        sent = [{k: t[k] for k in ("label", "nonce", "status")} for t in deploy.outputs["transactions"]]
        return {
            "status": record.status.value,
            "exit_code": record.exit_code,
            "stages": {s.node.name: s.status.value for s in record.stages},
            "verdicts": [(v.gate, v.stage, v.status.value, v.measured) for v in record.all_verdicts],
            "contracts": contracts,
            "transactions": sent,
            "chain": self._chain(),
            "signed": self._signed(),
        }

    def _chain(self) -> dict[str, Any]:
        """Count in the embedded chain's stored state: transactions, and nonces of accounts."""
        (path,) = run_dir(self.project, self.run_id).glob("chain-*.json")
        state = json.loads(path.read_bytes())
        return {
            "transactions": len(state["transactions"]),
            "nonces": {a: v["nonce"] for a, v in state["accounts"].items() if v["nonce"]},
        }

    def _signed(self) -> dict[str, list[tuple[str, str]]]:
        """Return by stage what its journal says was signed, and confirmed."""
        found: dict[str, list[tuple[str, str]]] = {}
        for path in sorted(run_dir(self.project, self.run_id).glob("*/journal-*.jsonl")):
            entries = read_lines(path)
            labels = [(str(e["label"]), str(e["nonce"])) for e in entries if e["event"] == "signed"]
            assert len(set(labels)) == len(labels), f"signed twice: {labels}"
            found[path.parent.name] = labels
        return found

    def artifacts(self) -> dict[str, str]:
        """Return the digests of what the run keeps, by name; logs are named after attempts."""
        entries = open_manifest(self.project, self.run_id).entries()
        return {a.name: a.digest for a in entries if a.kind != "log"}


@dataclass(frozen=True, kw_only=True)
class RealModel:
    """How the counter project's run goes when nobody disturbs it."""

    project: Path
    essence: dict[str, Any]
    writes: int
    names: frozenset[str]
    #: artifacts that are the same bytes in every undisturbed run
    steady: dict[str, str]


@pytest.fixture(scope="module")
def counter(tmp_path_factory: pytest.TempPathFactory) -> RealModel:
    """Run the counter project twice, undisturbed; its workspace, caches filled, is every test's."""
    project = lay(tmp_path_factory.mktemp("real") / "counter", "counter", config=COUNTER_CONFIG)
    runs = [RealRun(project=project, no_cache=True) for _ in range(2)]
    writes = [int(run.run(run.order()).result["writes"]) for run in runs]
    first, second = (run.artifacts() for run in runs)
    assert runs[0].essence() == runs[1].essence()
    return RealModel(
        project=project,
        essence=runs[0].essence(),
        writes=min(writes),
        names=frozenset(first),
        steady={name: digest for name, digest in first.items() if second.get(name) == digest},
    )


def check_real(run: RealRun, model: RealModel) -> None:
    """Fail unless the run ended as the undisturbed one, with nothing left running."""
    assert run.essence() == model.essence
    kept = run.artifacts()
    assert frozenset(kept) == model.names
    assert {name: kept[name] for name in model.steady} == model.steady
    with open_state(run.project) as state:
        check_events(state.journal.read(run.run_id), kills=run.kills)
        assert state.claims.holder(run.run_id) is None
    assert processes(f"{run.run_id}/") == {}


@pytest.mark.parametrize("shard", range(SHARDS))
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("no_cache", [True, False], ids=["uncached", "cached"])
def test_the_pipeline_killed_at_any_write(when: str, no_cache: bool, shard: int, counter: RealModel) -> None:
    for write in range(1, counter.writes + 1)[shard::SHARDS]:
        run = RealRun(project=counter.project, no_cache=no_cache)
        say(f"kill {when} write {write}, {'without' if no_cache else 'with'} cache")
        run.run(run.order(kill_at=write, when=when))
        # stages side by side may have ended together, in one write: then it ran to its end
        assert run.kills or write > counter.writes - 3
        if run.kills and not _is_over(run):
            run.to_the_end()
        _release(run)
        check_real(run, counter)


def _is_over(run: RealRun) -> bool:
    return bool(run.run_id) and run.record().status.value == "success"


def _release(run: RealRun) -> None:
    """Give back a run whose runner died between its end and that: nobody need take it up."""
    with open_state(run.project) as state:
        holder = state.claims.holder(run.run_id)
        if holder and not holder.alive:
            state.claims.release(run.run_id, holder.runner.token)


@pytest.mark.parametrize("entries", range(1, 8))
def test_the_deployment_killed_at_any_entry_of_its_own_journal(entries: int, counter: RealModel) -> None:
    run = RealRun(project=counter.project, no_cache=False)

    def reached(folder: Path) -> bool:
        journals = list(folder.glob("contract-deploy/journal-*.jsonl"))
        return any(len(read_lines(path)) >= entries for path in journals)

    assert run.run_until(reached).killed
    run.to_the_end()
    check_real(run, counter)


def test_two_commands_that_take_up_a_run_at_once(counter: RealModel) -> None:
    run = RealRun(project=counter.project, no_cache=False)
    assert run.run(run.order(kill_at=4, when="after")).killed
    runners = [start(run.order()) for _ in range(2)]
    ended = [finish(runner, limit_s=LIMIT_S) for runner in runners]
    codes = sorted(e.code for e in ended)
    assert codes == [0, 3], ended
    lost = next(n for n, e in enumerate(ended) if e.code == 3)
    assert str(runners[1 - lost].pid) in ended[lost].error["message"]
    check_real(run, counter)
