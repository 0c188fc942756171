"""What waits for an approval as a person reads it before they agree: everything that its digest covers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chainops.core.text import one_line
from chainops.core.units import format_wei

#: longer arguments are cut on the terminal; the stage's log and result.json hold them whole
_LINE = 1000
_DIGEST_SHOWN = len("sha256:") + 16


def plan_lines(outputs: Mapping[str, Any]) -> list[str]:
    """Return the lines that show what a waiting stage's outputs ask consent for."""
    if "plan" not in outputs:
        return _ground_lines(outputs)
    where = f"{outputs['network']} (chain {outputs['chain_id']})"
    lines = [
        one_line(f"production deployment to {where} by {outputs['account']}"),
        f"plan {outputs['plan_digest']}",
    ]
    for number, step in enumerate(outputs["plan"], start=1):
        first, *more = (one_line(line, _LINE) for line in _step(step))
        lines += [f"{number}. {first}", *(f"   {line}" for line in more)]
    return [lines[0], *(f"  {line}" for line in lines[1:])]


def _ground_lines(outputs: Mapping[str, Any]) -> list[str]:
    """Return what a stage stands on that waits before it begins."""
    commit = outputs.get("commit", "")[:12]
    of = f"commit {commit} ({outputs.get('subject', '')})" if commit else "sources without a commit"
    lines = [
        f"to go on with {of}",
        f"plan {outputs['plan_digest']}",
        f"sources {outputs.get('tree_digest') or 'not known'}",
        f"settings {outputs.get('config_digest', '')}",
    ]
    for name, left in outputs.get("stands_on", {}).items():
        lines.append(f"{name}: {left['reason']} ({left['digest'][:_DIGEST_SHOWN]}…)")
    first, *more = (one_line(line, _LINE) for line in lines)
    return [first, *(f"  {line}" for line in more)]


def _step(step: Mapping[str, Any]) -> list[str]:
    args = ", ".join(map(str, step["args"]))
    what = step["function"].partition("(")[0] or step["contract"] or "a transaction"
    target = f" on {step['target']}" if step["target"] else ""
    found = [f"{step['label']}: {what}({args}){target}"]
    if step["value_wei"] != "0":
        found.append(f"value {format_wei(int(step['value_wei']))}")
    if step["code_digest"]:
        found.append(f"code {step['code_digest'][:_DIGEST_SHOWN]}…")
    found += [f"library {name} at {place}" for name, place in step["libraries"].items()]
    return found
