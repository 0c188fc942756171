"""The run as one HTML page that needs nothing else: no script, no request, every stranger's word escaped."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from chainops.artifacts.ports import ArtifactStore, read_tail
from chainops.core.errors import MachineError
from chainops.core.text import clean, decode, plural
from chainops.core.units import format_bytes
from chainops.report import details, figures, reading, tables
from chainops.report.headline import SIGNS, headline
from chainops.report.reading import Document, cleaned, number, outputs, parts, place, rows, strings, text
from chainops.report.timeline import timeline

if TYPE_CHECKING:
    from jinja2 import Template

_LOG_TAIL_BYTES = 24_000
_LOG_TAIL_LINES = 200
_COVERAGE = ("lines", "statements", "branches", "functions")
#: more rows than these make a page that no browser shows quickly; the rest is in result.json
_MOST_FINDINGS = 400
_MOST_ROWS = 500
_MOST_FUNCTIONS = 20


def render_html(document: Document, store: ArtifactStore | None = None) -> bytes:
    """Return the page; `store` gives the logs' last lines, without one they are left out."""
    from markupsafe import Markup

    style = (files("chainops.report") / "templates" / "report.css").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    page = _template().render(
        style=Markup(style),  # noqa: S704 - our own file
        policy=f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'",
        **page_context(document, store),
    )
    return page.encode()


@cache
def _template() -> Template:
    """Compile the template once; that is most of the work."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("chainops.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "bytes": format_bytes,
        "percent": figures.percent,
        "when": figures.when,
        "share": _share,
        "figure": figures.figure,
        "plural": plural,
    }
    return environment.get_template("report.html.j2")


def page_context(document: Document, store: ArtifactStore | None) -> dict[str, Any]:
    """Return everything that the template shows, cleaned, with whatever is missing left empty."""
    document = cleaned(document)
    found = tables.finding_rows(document)
    # the section on formatting names these files
    shown = tuple(f for f in found if f.suppressed_by or (f.tool, f.rule) != ("forge-fmt", "format"))
    coverage = outputs(document, "unit-tests").get("coverage")
    return {
        "project": text(document, "project", "name"),
        **{key: text(document, key) for key in ("run_id", "pipeline_id", "schema_version")},
        "version": text(document, "generator", "version"),
        "verdict": headline(document),
        "facts": _facts(document),
        "signs": SIGNS,
        "timeline": timeline(document),
        "gates": tables.gate_rows(document),
        "suites": details.test_suites(document),
        "findings": shown[:_MOST_FINDINGS],
        "more_findings": max(0, len(shown) - _MOST_FINDINGS),
        "counts": tables.severity_counts(shown),
        "suppressed": sum(bool(f.suppressed_by) for f in found),
        "scanned": [text(a, "name") for a in rows(outputs(document, "security-scan"), "analyzers")],
        "coverage": {kind: number(coverage, kind) for kind in _COVERAGE},
        "coverage_remarks": {key: text(coverage, key) for key in ("accuracy", "failure")},
        "coverage_files": tables.coverage_rows(document)[:_MOST_ROWS],
        "dimensions": details.dimensions(document),
        "gas": details.gas_rows(document)[:_MOST_ROWS],
        "sizes": tables.size_rows(document)[:_MOST_ROWS],
        "complexity": details.complexity_rows(document)[:_MOST_FUNCTIONS],
        "more_functions": max(0, len(details.complexity_rows(document)) - _MOST_FUNCTIONS),
        "deployments": _deployments(document),
        "checks": [
            _check(check, part)
            for part in parts(document, "smoke-tests")
            for check in rows(outputs(document, part), "checks")
        ],
        "diagnostics": [_diagnostic(d) for d in rows(outputs(document, "compilation"), "diagnostics")][:200],
        "unformatted": strings(outputs(document, "static-analysis"), "unformatted"),
        "tools": rows(document, "tools"),
        "artifacts": rows(document, "artifacts"),
        "logs": _logs(document, store) if store else [],
        "config": json.dumps(document.get("config") or {}, indent=2, ensure_ascii=False),
    }


def _share(value: float) -> str:
    """Return a share of a length as an SVG percentage, kept inside."""
    return f"{min(1.0, max(0.0, value)) * 100:.2f}%"


def _facts(document: Document) -> list[tuple[str, str]]:
    commit = document.get("commit")
    changed = strings(commit, "changed_files")
    dirty = isinstance(commit, Mapping) and bool(commit.get("dirty"))
    facts = [
        ("Commit", " ".join(filter(None, (text(commit, "id")[:12], text(commit, "subject"))))),
        ("Branch", text(commit, "branch") or text(commit, "ref")),
        ("Author", text(commit, "author")),
        ("Uncommitted", ", ".join(changed[:8]) or "yes" if dirty else ""),
        ("Repository", text(document, "project", "url")),
        ("Started", figures.when(text(document, "started_at"))),
        ("Duration", figures.milliseconds(number(document, "duration_ms"))),
        ("Run", text(document, "run_id")),
    ]
    return [(name, value) for name, value in facts if value]


def _deployments(document: Document) -> list[dict[str, Any]]:
    deployed = tables.deployed_rows(document)
    found = []
    for stage in (*parts(document, "contract-deploy"), *parts(document, "production-deploy")):
        left = outputs(document, stage)
        if left:
            found.append(
                {
                    "title": _deployment_title(document, stage, left),
                    "stage": stage,
                    "steps": [_step(s) for s in _steps(left)] if not left.get("transactions") else [],
                    "network": text(left, "network"),
                    "chain_id": text(left, "chain_id"),
                    "plan_digest": text(left, "plan_digest"),
                    "contracts": [row for row in deployed if row.stage == stage],
                    "transactions": [_transaction(t) for t in rows(left, "transactions")],
                }
            )
    return found


def _deployment_title(document: Document, stage: str, left: Document) -> str:
    network = text(left, "network") or "an unnamed network"
    status = text(reading.stage(document, stage), "status")
    if status == "waiting":
        return f"Deployment to {network}, waiting for an approval"
    if status != "success":
        return f"Deployment to {network}, {status}"
    return (
        f"Deployed to production on {network}" if stage == "production-deploy" else f"Deployed on {network}"
    )


def _steps(left: Document) -> list[Mapping[str, Any]]:
    return rows(left, "plan") or rows(left, "plan", "steps")


def _step(step: Mapping[str, Any]) -> dict[str, str]:
    value_wei = number(step, "value_wei")
    return {
        "label": text(step, "label"),
        "what": " ".join(
            filter(None, (text(step, "contract") or text(step, "target"), text(step, "function")))
        ),
        "arguments": json.dumps(step.get("args"), ensure_ascii=False) if step.get("args") else "",
        "value": figures.figure(value_wei, "wei") if value_wei else "",
    }


def _transaction(transaction: Mapping[str, Any]) -> dict[str, str]:
    keys = ("label", "hash", "nonce", "block", "status")
    gas, cost = number(transaction, "gas_used"), number(transaction, "cost_wei")
    return {
        **{key: text(transaction, key) for key in keys},
        "gas_used": figures.figure(gas, "") if gas is not None else "",
        "cost": tables.cost(transaction) if cost is not None else "",
    }


def _check(check: Mapping[str, Any], stage: str) -> dict[str, str]:
    shown = {key: text(check, key) for key in ("name", "status", "detail")}
    where = stage.partition("[")[2].removesuffix("]")
    shown["name"] += f" ({where})" if where else ""
    return {**shown, "place": place(check.get("place"))}


def _diagnostic(diagnostic: Mapping[str, Any]) -> dict[str, str]:
    shown = {key: text(diagnostic, key) for key in ("severity", "code", "message")}
    return {**shown, "place": place(diagnostic.get("place"))}


def _logs(document: Document, store: ArtifactStore) -> list[dict[str, str]]:
    found = []
    for artifact in rows(document, "artifacts"):
        if text(artifact, "kind") == "log":
            name = text(artifact, "stage") or text(artifact, "name")
            found.append({"stage": name, "tail": _tail(store, text(artifact, "digest"))})
    return found


def _tail(store: ArtifactStore, digest: str) -> str:
    """Return the end of a log; when it is lost or changed, say so in its place."""
    try:
        shown = clean(decode(read_tail(store, digest, _LOG_TAIL_BYTES)))
    except MachineError as error:
        return f"[this log cannot be shown: {error.message}]"
    return "\n".join(shown.splitlines()[-_LOG_TAIL_LINES:])
