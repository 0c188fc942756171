"""The one document every report is made from: `result.json`, whose keys are documented and stay."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from chainops.artifacts.model import Artifact
from chainops.core.serial import to_json
from chainops.core.tooluse import ToolUse
from chainops.pipeline.model import AttemptRecord, Outcome, RunRecord, StageRecord, StageStatus
from chainops.report.critical_path import Span, critical_path

#: grows by one with every change that a reader of the old form would stumble over
SCHEMA_VERSION = 1

_SOURCE_CHECKOUT = "source-checkout"


def result_document(
    run: RunRecord,
    *,
    vector: Any = None,
    baseline: Any = None,
    tools: Iterable[ToolUse] = (),
    artifacts: Iterable[Artifact] = (),
) -> dict[str, Any]:
    """Return `result.json` of a run, in JSON values only; see `result.schema.json` for every key.

    `vector` is the quality vector and `baseline` what gas and sizes are compared with, both as dataclasses or
    JSON values; `tools` and `artifacts` are added to those that the stages name, such as the stages' logs.
    """
    from chainops.core.version import __version__

    kept = _artifacts(run, artifacts)
    document = {
        "schema_version": SCHEMA_VERSION,
        "generator": {"name": "chainops", "version": __version__},
        "run_id": run.run_id,
        "pipeline_id": run.pipeline_id,
        "status": run.status,
        "exit_code": run.exit_code,
        "waiting_for": run.waiting_for,
        "started_at": run.started_at,
        "ended_at": run.ended_at,
        "duration_ms": _run_duration_ms(run),
        "project": _project(run),
        "commit": _commit(run),
        "stages": [_stage(record, kept) for record in run.stages],
        "gates": [{**to_json(verdict), "passed": verdict.passed} for verdict in run.all_verdicts],
        "approvals": run.approvals,
        "critical_path": _critical_path(run),
        "quality_vector": vector,
        "baseline": baseline,
        "tools": _tools(run, tools),
        "artifacts": kept,
        "config": run.config,
    }
    plain: dict[str, Any] = _plain(to_json(document))
    return plain


def encode(document: Mapping[str, Any]) -> bytes:
    """Return the bytes of `result.json`: UTF-8, indented, ended by a newline."""
    text = json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False)
    return text.encode("utf-8", errors="replace") + b"\n"


def _plain(value: Any) -> Any:
    """Replace what JSON cannot hold: infinities and the bytes of names that are not UTF-8."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, str):
        return value.encode("utf-8", errors="replace").decode()
    if isinstance(value, dict):
        return {_plain(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value


def _run_duration_ms(run: RunRecord) -> int:
    """Wall time from the start to the end; of a run without an end, to its last stage's."""
    ends = [a.ended_at for s in run.stages for a in s.attempts if a.ended_at]
    end = run.ended_at or max(ends, default=run.started_at)
    # of the times as they are shown and journaled: the same before and after they were stored
    return _shown_ms(end) - _shown_ms(run.started_at)


def _shown_ms(moment: datetime) -> int:
    return round(moment.replace(microsecond=moment.microsecond // 1000 * 1000).timestamp() * 1000)


def _outputs(run: RunRecord, stage: str) -> Mapping[str, Any]:
    for record in run.stages:
        if record.node.name == stage and record.outcome:
            return record.outcome.outputs
    return {}


def _project(run: RunRecord) -> dict[str, Any]:
    checkout = _outputs(run, _SOURCE_CHECKOUT)
    return {
        "name": run.project_name,
        "workspace": run.workspace,
        "root": checkout.get("project_root", ""),
        "toolchain": checkout.get("toolchain", ""),
        "url": checkout.get("url") or "",
    }


def _commit(run: RunRecord) -> dict[str, Any] | None:
    checkout = _outputs(run, _SOURCE_CHECKOUT)
    if not checkout:
        return None
    texts = ("ref", "branch", "author", "date", "subject", "tree_digest")
    return {
        "id": checkout.get("commit") or "",
        **{key: checkout.get(key) or "" for key in texts},
        "dirty": bool(checkout.get("dirty")),
        "changed_files": list(checkout.get("changed_files") or ()),
    }


def _stage(record: StageRecord, kept: tuple[Artifact, ...]) -> dict[str, Any]:
    outcome = record.outcome or Outcome(status=record.status)
    starts = [a.started_at for a in record.attempts]
    ends = [a.ended_at for a in record.attempts if a.ended_at]
    return {
        "name": record.node.name,
        "stage": record.node.stage,
        "cell": record.node.cell,
        "status": record.status,
        "reason": record.reason or outcome.reason,
        "needs": record.node.needs,
        "allow_failure": record.node.allow_failure,
        "touches_chain": record.node.touches_chain,
        "timeout_s": record.node.timeout_s,
        "started_at": min(starts, default=None),
        "ended_at": max(ends, default=None) if record.status is not StageStatus.RUNNING else None,
        "duration_ms": round(record.duration_s * 1000),
        "attempts": [_attempt(attempt) for attempt in record.attempts],
        "failure": outcome.failure,
        "code": outcome.code,
        "hint": outcome.hint,
        "cached_from": outcome.cached_from,
        "inputs_digest": outcome.inputs_digest,
        "cache_note": outcome.cache_note,
        "places": outcome.places,
        "metrics": outcome.metrics,
        "findings": outcome.findings,
        "artifacts": [a for a in kept if a.stage == record.node.name],
        "tools": outcome.tools,
        "outputs": outcome.outputs,
    }


def _attempt(attempt: AttemptRecord) -> dict[str, Any]:
    return {
        "attempt": attempt.attempt,
        "status": attempt.status,
        "started_at": attempt.started_at,
        "ended_at": attempt.ended_at,
        "duration_ms": round(attempt.duration_s * 1000),
        "reason": attempt.outcome.reason if attempt.outcome else "",
    }


def _artifacts(run: RunRecord, more: Iterable[Artifact]) -> tuple[Artifact, ...]:
    """Merge by name; a stage's own record wins, since it is the newer one."""
    named = {a.name: a for a in more}
    for record in run.stages:
        for artifact in record.outcome.artifacts if record.outcome else ():
            named[artifact.name] = artifact
    return tuple(sorted(named.values(), key=lambda a: (a.stage, a.name)))


def _tools(run: RunRecord, more: Iterable[ToolUse]) -> list[ToolUse]:
    used = {tool for s in run.stages if s.outcome for tool in s.outcome.tools}
    return sorted(used | set(more))


def _worked_s(stage: StageRecord) -> float:
    """Finding out that there is nothing to do is no work."""
    return 0.0 if stage.status is StageStatus.SKIPPED else stage.duration_s


def _critical_path(run: RunRecord) -> dict[str, Any]:
    spans = [Span(name=s.node.name, duration_s=_worked_s(s), needs=s.node.needs) for s in run.stages]
    path = critical_path(spans)
    return {"stages": path.stages, "total_ms": round(path.total_s * 1000)}
