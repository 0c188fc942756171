"""Makes a page of Markdown for each source from the NatSpec in the metadata of its contracts."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from chainops.core.text import clean
from chainops.toolchains.errors import ToolchainOutputError
from chainops.toolchains.model import ContractBuild, Document

_MARKUP = re.compile(r"([\\`*_{}\[\]()#+!|~-])")
_HEADING_LINES = 2
_KINDS = (("constructor", "Constructor"), ("function", "Functions"), ("event", "Events"), ("error", "Errors"))


def escape(text: Any) -> str:
    """Return a stranger's text as plain words in Markdown: no HTML, no links, no headings, one line."""
    flat = " ".join(clean(str(text)).split())
    return html.escape(_MARKUP.sub(r"\\\1", flat), quote=False)


def document_contracts(output: Path, contracts: tuple[ContractBuild, ...]) -> tuple[Document, ...]:
    """Return one page for each source of `contracts` that has something to tell.

    Raises `ToolchainOutputError` when an artifact is missing or damaged.
    """
    pages: dict[str, list[str]] = {}
    for contract in contracts:
        try:
            data = (output / contract.artifact).read_bytes()
        except OSError as error:
            raise ToolchainOutputError(
                f"the artifact of {contract.fqn} cannot be read: {error.strerror}"
            ) from error
        if text := parse_page(data, contract):
            pages.setdefault(contract.path, []).append(text)
    return tuple(
        Document(name=f"{path}.md", text=f"# {escape(path)}\n\n" + "\n".join(texts))
        for path, texts in sorted(pages.items())
    )


def parse_page(data: bytes, contract: ContractBuild) -> str:
    """Return a contract's section from its artifact; raises `ToolchainOutputError` when that is damaged."""
    try:
        artifact = json.loads(data)
        # forge's own `metadata` has lost the comments of the contract and of its events
        raw = artifact.get("rawMetadata")
        metadata = json.loads(raw) if raw else artifact.get("metadata")
        return page(contract.name, metadata["output"] if metadata else {})
    except (ValueError, RecursionError, KeyError, TypeError, AttributeError) as error:
        raise ToolchainOutputError(f"the artifact of {contract.fqn} holds no readable metadata") from error


def page(name: str, output: Mapping[str, Any]) -> str:
    """Return a contract's section from its metadata's `output`: `abi`, `devdoc` and `userdoc`.

    Empty when there is nothing to tell, as of a library that has internal functions only.
    """
    dev, user = output.get("devdoc") or {}, output.get("userdoc") or {}
    lines = [f"## {escape(name)}", ""]
    lines += _paragraphs(dev.get("title"), user.get("notice"), dev.get("details"))
    if dev.get("author"):
        lines += [f"Author: {escape(dev['author'])}", ""]
    abi = output.get("abi") or []
    for kind, heading in _KINDS:
        entries = [entry for entry in abi if entry.get("type") == kind]
        if entries:
            lines += [f"### {heading}", ""]
            for entry in sorted(entries, key=_signature):
                lines += _entry(entry, dev, user)
    return "\n".join(lines) if len(lines) > _HEADING_LINES else ""


def _paragraphs(*texts: Any) -> list[str]:
    return [line for text in texts if text for line in (escape(text), "")]


def _signature(entry: Mapping[str, Any]) -> str:
    types = ",".join(_type(parameter) for parameter in entry.get("inputs") or [])
    return "constructor" if entry.get("type") == "constructor" else f"{entry.get('name')}({types})"


def _type(parameter: Mapping[str, Any]) -> str:
    kind = str(parameter.get("type"))
    if kind.startswith("tuple"):
        inner = ",".join(_type(component) for component in parameter.get("components") or [])
        return f"({inner}){kind.removeprefix('tuple')}"
    return kind


def _entry(entry: Mapping[str, Any], dev: Mapping[str, Any], user: Mapping[str, Any]) -> list[str]:
    signature = _signature(entry)
    section = {"function": "methods", "constructor": "methods", "event": "events", "error": "errors"}[
        entry["type"]
    ]
    details = _comment(dev, section, signature)
    notice = _comment(user, section, signature)
    mutability = entry.get("stateMutability")
    extra = f" — {escape(mutability)}" if mutability and mutability != "nonpayable" else ""
    lines = [f"#### {escape(signature)}{extra}", ""]
    lines += _paragraphs(notice.get("notice"), details.get("details"))
    lines += list(_parameters("", entry.get("inputs"), details.get("params")))
    lines += list(_parameters("returns ", entry.get("outputs"), details.get("returns")))
    return [*lines, ""] if lines[-1] else lines


def _comment(doc: Mapping[str, Any], section: str, signature: str) -> Mapping[str, Any]:
    found = (doc.get(section) or {}).get(signature) or {}
    # errors may be declared twice with one signature: the compiler keeps a list
    first = found[0] if isinstance(found, list) and found else found
    return first if isinstance(first, Mapping) else {}


def _parameters(label: str, parameters: Any, comments: Any) -> Iterator[str]:
    told = comments if isinstance(comments, Mapping) else {}
    for index, parameter in enumerate(parameters or []):
        name = parameter.get("name") or (f"_{index}" if label else "")
        comment = told.get(name) or ""
        words = f"- {label}{escape(_type(parameter))}"
        if parameter.get("name"):
            words += f" {escape(name)}"
        yield words + (f": {escape(comment)}" if comment else "")
